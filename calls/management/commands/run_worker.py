"""Do the work that calls leave behind, in production."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from redis.exceptions import ConnectionError as RedisGone

QUEUES = ("urgent", "default", "slow")


class Command(BaseCommand):
    """Any number of these may run. Without Redis there are none: the dialer does the work."""

    help = (
        "Run jobs: after-call work, recordings, imports, scheduled work. SIGTERM ends it after "
        "the job it is in; a worker that is killed loses nothing, its job is done by another."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "queues", nargs="*", choices=[*QUEUES, []], help="which, in this order; default: all"
        )
        parser.add_argument("--burst", action="store_true", help="end when nothing is left to do")

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.REDIS_URL:
            raise CommandError(
                "REDIS_URL is not set: without Redis there are no workers, and run_dialer does "
                "their work. Set REDIS_URL, or run only run_dialer."
            )
        from django_rq.workers import get_worker

        from calls.worker import connections_drop

        try:
            worker = get_worker(
                *(options["queues"] or QUEUES), worker_class="calls.worker.JobWorker"
            )
            connections_drop()
            worker.work(burst=options["burst"], logging_level="WARNING")
        except RedisGone as error:
            raise CommandError(f"Redis does not answer: {error}") from None
