"""RQ workers as processes: killed in the middle of a job, asked to stop in the middle of one."""

from __future__ import annotations

import multiprocessing
import os
import signal
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from calls import jobs
from calls.models import OutboxItem, ScheduledWork
from calls.policy.schedule import Every
from calls.services.outbox import outbox_add
from calls.worker import connections_drop

pytestmark = [pytest.mark.postgresql, pytest.mark.django_db(transaction=True)]

Start = Callable[..., Any]


@pytest.fixture
def redis(settings: Any) -> Any:
    if not settings.REDIS_URL:
        pytest.skip("needs Redis (REDIS_URL)")
    import django_rq

    connection = django_rq.get_connection("default")
    connection.flushdb()
    return connection


def _work(burst: bool) -> None:
    call_command("run_worker", burst=burst)


@pytest.fixture
def start(redis: Any) -> Iterator[Start]:
    """Start a worker that knows the handlers of the test."""
    context = multiprocessing.get_context("fork")
    started: list[Any] = []

    def begin(*, burst: bool = False) -> Any:
        connections_drop()
        process = context.Process(target=_work, args=(burst,), daemon=False)
        process.start()
        started.append(process)
        return process

    yield begin
    for process in started:
        if process.is_alive():
            process.kill()
        process.join(10)


def until(condition: Callable[[], bool], seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come to that"
        time.sleep(0.02)


def promise() -> OutboxItem:
    item = outbox_add(kind="test", key="one", payload={}, due_at=timezone.now())
    assert item is not None
    return item


def is_done(item: OutboxItem) -> bool:
    return OutboxItem.objects.filter(pk=item.pk, done_at__isnull=False).exists()


def test_the_job_of_a_killed_worker_is_done_by_another(
    start: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    began, done = tmp_path / "began", tmp_path / "done"

    def handler(payload: Mapping[str, Any], now: Any) -> None:
        if not began.exists():
            began.write_text(str(os.getpid()))
            time.sleep(60)
        done.touch()

    monkeypatch.setitem(jobs.HANDLERS, "test", handler)
    item = promise()
    killed = start()
    until(lambda: began.exists() and began.read_text() != "")
    os.kill(killed.pid or 0, signal.SIGKILL)
    os.kill(int(began.read_text()), signal.SIGKILL)  # the process of the job itself
    killed.join(10)
    item.refresh_from_db()
    assert (item.attempts, item.done_at) == (1, None)
    assert item.running_since is not None
    # Its claim runs out.
    OutboxItem.objects.filter(pk=item.pk).update(due_at=timezone.now() - timedelta(seconds=1))
    start()
    until(lambda: is_done(item))
    assert done.exists()


def test_a_worker_that_is_asked_to_stop_finishes_its_job(
    start: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    began, may_end = tmp_path / "began", tmp_path / "may_end"

    def handler(payload: Mapping[str, Any], now: Any) -> None:
        began.touch()
        until(may_end.exists)

    monkeypatch.setitem(jobs.HANDLERS, "test", handler)
    item = promise()
    worker = start()
    until(began.exists)
    assert worker.pid is not None
    os.kill(worker.pid, signal.SIGTERM)
    may_end.touch()
    worker.join(20)
    assert worker.exitcode == 0
    assert is_done(item)


def test_workers_alone_do_what_is_scheduled(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "scheduled", lambda: {"jobs_purge": Every(timedelta(hours=1))})
    due = timezone.now() - timedelta(minutes=1)
    ScheduledWork.objects.create(kind="jobs_purge", next_due=due)
    start()
    start()
    until(lambda: OutboxItem.objects.filter(kind="jobs_purge", done_at__isnull=False).exists())
    assert OutboxItem.objects.count() == 1


def test_without_redis_it_says_who_does_the_work(settings: Any) -> None:
    settings.REDIS_URL = ""
    with pytest.raises(CommandError, match="run_dialer"):
        call_command("run_worker")
