"""Promised work: at least once, retried, given up loudly."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import transaction
from django.utils import timezone

from calls import jobs
from calls.models import OutboxItem
from calls.services.leases import lease_give_up, lease_take
from calls.services.outbox import (
    ATTEMPTS,
    CLAIM,
    NotYet,
    outbox_add,
    outbox_retry,
    outbox_run,
    outbox_run_due,
)

pytestmark = pytest.mark.django_db


class Work:
    """A handler that does what it is told and counts."""

    def __init__(self) -> None:
        self.done: list[Mapping[str, Any]] = []
        self.error: Exception | None = None

    def __call__(self, payload: Mapping[str, Any], now: datetime) -> None:
        if self.error:
            raise self.error
        self.done.append(payload)


@pytest.fixture
def work(monkeypatch: pytest.MonkeyPatch) -> Work:
    handler = Work()
    monkeypatch.setitem(jobs.HANDLERS, "test", handler)
    return handler


def promise(now: datetime, key: str = "one") -> OutboxItem:
    item = outbox_add(kind="test", key=key, payload={"call": key}, due_at=now)
    assert item is not None
    return item


def test_it_does_what_is_due_once(work: Work, now: datetime) -> None:
    promise(now)
    outbox_add(kind="test", key="later", payload={}, due_at=now + timedelta(minutes=1))
    assert outbox_run_due(now) == 1
    assert outbox_run_due(now) == 0
    assert work.done == [{"call": "one"}]


def test_promising_twice_is_promising_once(now: datetime) -> None:
    promise(now)
    assert outbox_add(kind="test", key="one", payload={}, due_at=now) is None
    assert OutboxItem.objects.count() == 1


def test_a_promise_of_a_transaction_that_failed_is_none(now: datetime) -> None:
    with transaction.atomic():
        promise(now)
        transaction.set_rollback(True)
    assert not OutboxItem.objects.exists()


def test_a_failure_is_tried_again_later_and_later(work: Work, now: datetime) -> None:
    item = promise(now)
    work.error = ConnectionError("gone")
    waits = []
    for _ in range(4):
        outbox_run(item_id=item.pk, now=item.due_at)
        before = item.due_at
        item.refresh_from_db()
        waits.append((item.due_at - before).total_seconds())
    assert all(2**n <= wait <= 3 * 2**n for n, wait in enumerate(waits))
    assert item.last_error.startswith("ConnectionError")
    work.error = None
    outbox_run(item_id=item.pk, now=item.due_at)
    item.refresh_from_db()
    assert item.done_at is not None


def test_it_is_given_up_after_the_last_attempt_and_can_be_revived(
    work: Work, now: datetime
) -> None:
    item = promise(now)
    work.error = ValueError("never")
    for _ in range(ATTEMPTS):
        outbox_run(item_id=item.pk, now=item.due_at)
        item.refresh_from_db()
    assert item.dead_at is not None
    assert outbox_run_due(now + timedelta(days=9)) == 0
    work.error = None
    assert outbox_retry(item_id=item.pk, now=now)
    assert outbox_run_due(now) == 1
    assert len(work.done) == 1


def test_work_that_cannot_be_done_yet_is_no_failure(work: Work, now: datetime) -> None:
    item = promise(now)
    work.error = NotYet(now + timedelta(seconds=1))
    for second in range(ATTEMPTS * 2):
        work.error = NotYet(now + timedelta(seconds=second + 1))
        outbox_run(item_id=item.pk, now=now + timedelta(seconds=second))
    item.refresh_from_db()
    assert (item.attempts, item.dead_at) == (0, None)


def test_the_claim_of_a_process_that_died_runs_out(work: Work, now: datetime) -> None:
    item = promise(now)
    # What a claim leaves behind when its process is killed before the handler returns.
    OutboxItem.objects.filter(pk=item.pk).update(due_at=now + CLAIM, attempts=1)
    assert outbox_run_due(now + CLAIM - timedelta(seconds=1)) == 0
    assert outbox_run_due(now + CLAIM) == 1


def test_an_unknown_kind_is_kept_with_the_reason(now: datetime) -> None:
    item = outbox_add(kind="nonsense", key="n", payload={}, due_at=now)
    assert item is not None
    outbox_run(item_id=item.pk, now=now)
    item.refresh_from_db()
    assert "nonsense" in item.last_error


def test_one_process_at_a_time_holds_a_lease(now: datetime) -> None:
    ttl = timedelta(seconds=15)
    assert lease_take(name="dialer", holder="a", ttl=ttl, now=now)
    assert not lease_take(name="dialer", holder="b", ttl=ttl, now=now + timedelta(seconds=14))
    assert lease_take(name="dialer", holder="a", ttl=ttl, now=now + timedelta(seconds=14))
    assert lease_take(name="dialer", holder="b", ttl=ttl, now=now + timedelta(seconds=29))
    lease_give_up(name="dialer", holder="b", now=now + timedelta(seconds=30))
    assert lease_take(name="dialer", holder="a", ttl=ttl, now=now + timedelta(seconds=30))


def test_old_work_is_forgotten_to_the_last_row(
    work: Work, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs, "PURGED_AT_ONCE", 2)
    for key in ("one", "two", "three"):
        promise(now, key)
    outbox_run_due(now)
    later = timezone.now() + jobs.KEEP_DONE + timedelta(minutes=1)
    outbox_add(kind="jobs_purge", key="purge", payload={}, due_at=now)
    outbox_run_due(later)
    assert OutboxItem.objects.filter(kind="test").count() == 1
    outbox_run_due(later)
    assert not OutboxItem.objects.filter(kind="test").exists()
