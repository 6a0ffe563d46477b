"""The RQ worker of the product: runs jobs, and while idle looks for work that is due.

RQ only wakes: what is to be done, by when, and how often it was tried, is in the database. So a
worker needs no scheduler beside it; any number of workers and dialers look, and one gets the row.
"""

from __future__ import annotations

import time
from typing import Any

import structlog
from django.db import DatabaseError, connections
from django.utils import timezone
from redis.exceptions import RedisError
from rq import Worker
from rq.worker import WorkerStatus

from calls.services.outbox import outbox_relay
from calls.services.schedule import schedule_pass

logger = structlog.get_logger(__name__)

LOOK_EVERY_S = 1.0


class JobWorker(Worker):
    """Forks per job, so that a job which crashes its process harms nobody else.

    SIGTERM lets the job under way finish (warm shutdown), a second one ends it. A worker that is
    killed leaves its row claimed; when the claim runs out, another one takes it.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._look_at = 0.0

    @property
    def dequeue_timeout(self) -> int:
        """Wait for a wake-up this long, in seconds, before looking at the database."""
        return int(LOOK_EVERY_S)

    def heartbeat(self, *args: Any, **kwargs: Any) -> None:
        """Beat as RQ does, between two waits for a job; then look for work that is due."""
        super().heartbeat(*args, **kwargs)
        if self.get_state() == WorkerStatus.IDLE and time.monotonic() >= self._look_at:
            self._look_at = time.monotonic() + LOOK_EVERY_S
            self._look()

    def _look(self) -> None:
        try:
            now = timezone.now()
            schedule_pass(now)
            outbox_relay(now)
        except (DatabaseError, RedisError) as error:
            logger.warning("due_work_not_seen", error=type(error).__name__)
        finally:
            connections_drop()


def connections_drop() -> None:
    """Close every database connection, pooled ones too.

    A job's process is a copy of this one: two must not share a connection.
    """
    for connection in connections.all(initialized_only=True):
        connection.close()
        if close_pool := getattr(connection, "close_pool", None):
            close_pool()
