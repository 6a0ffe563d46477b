"""The page of jobs: what waits, runs, was given up; and what a person decides about it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from calls.desk.jobs import job_state
from calls.models import OutboxItem
from calls.services.outbox import outbox_add, outbox_discard, outbox_purge, outbox_retry
from tests.factories import UserFactory

pytestmark = pytest.mark.django_db
LIST = reverse("admin:calls_outboxitem_changelist")
DECIDE = reverse("admin:calls_jobs_decide")


@pytest.fixture
def manager(client: Client) -> Client:
    client.force_login(UserFactory(is_staff=True, is_superuser=True))
    return client


def job(key: str, **state: object) -> OutboxItem:
    made = outbox_add(kind="aftercall", key=key, payload={}, due_at=timezone.now())
    assert made is not None
    OutboxItem.objects.filter(pk=made.pk).update(**state)
    made.refresh_from_db()
    return made


@pytest.fixture
def dead() -> OutboxItem:
    return job("dead", dead_at=timezone.now(), attempts=10, last_error="ValueError: no")


def ask(manager: Client, action: str, *jobs: OutboxItem) -> str:
    answer = manager.post(
        LIST, {"action": action, "_selected_action": [str(one.pk) for one in jobs]}, follow=True
    )
    return answer.content.decode()


def test_every_state_is_told_and_counted(manager: Client, dead: OutboxItem) -> None:
    now = timezone.now()
    running = job("running", running_since=now, due_at=now + timedelta(minutes=1))
    lost = job("lost", running_since=now - timedelta(hours=1), due_at=now - timedelta(minutes=50))
    assert [job_state(one, now=now) for one in (running, lost, dead)] == [
        "running",
        "waiting",
        "dead",
    ]
    page = manager.get(LIST).content.decode()
    assert "Given up" in page
    assert "Nobody is working" in page
    only = manager.get(LIST, {"job": "running"}).content.decode()
    assert str(running.pk) in only
    assert str(dead.pk) not in only


def test_replay_is_asked_once_and_then_done(manager: Client, dead: OutboxItem) -> None:
    page = ask(manager, "replay", dead)
    assert "Run 1 job again now?" in page
    dead.refresh_from_db()
    assert dead.dead_at is not None
    manager.post(DECIDE, {"decision": "replay", "jobs": str(dead.pk)})
    dead.refresh_from_db()
    assert (dead.dead_at, dead.attempts) == (None, 0)


def test_discarding_keeps_the_row_and_who_decided(manager: Client, dead: OutboxItem) -> None:
    assert "Discard 1 job for good?" in ask(manager, "discard", dead)
    manager.post(DECIDE, {"decision": "discard", "jobs": str(dead.pk)})
    dead.refresh_from_db()
    assert dead.discarded_at is not None
    assert dead.discarded_by is not None
    assert not outbox_retry(item_id=dead.pk, now=timezone.now())
    assert job_state(dead, now=timezone.now()) == "discarded"


def test_work_that_waits_cannot_be_discarded(manager: Client) -> None:
    waiting = job("waiting")
    assert "nothing to decide" in ask(manager, "discard", waiting)
    assert not outbox_discard(item_id=waiting.pk, actor=None, now=timezone.now())


def test_who_may_not_change_jobs_decides_nothing(client: Client, dead: OutboxItem) -> None:
    client.force_login(UserFactory(is_staff=True))
    answer = client.post(DECIDE, {"decision": "discard", "jobs": str(dead.pk)})
    assert answer.status_code == 403


def test_done_work_is_forgotten_after_its_time_and_dead_work_is_not(dead: OutboxItem) -> None:
    now = timezone.now()
    job("old", done_at=now - timedelta(days=31))
    young = job("young", done_at=now - timedelta(days=29))
    assert outbox_purge(done_before=now - timedelta(days=30)) == 1
    assert set(OutboxItem.objects.all()) == {dead, young}
