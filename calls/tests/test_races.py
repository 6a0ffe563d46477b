"""Several processes at once, on PostgreSQL: no lead is dialled twice, nothing is done twice."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection, connections
from django.utils import timezone

from calls import jobs
from calls.models import Call, Campaign, Enrolment, OutboxItem
from calls.services.dialer import call_dial, dial_next
from calls.services.outbox import outbox_add, outbox_relay, outbox_run_due
from calls.tests.conftest import Exchange, enrol
from tests.factories import CallFactory, CampaignFactory

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.postgresql,
    pytest.mark.skipif(
        connection.vendor != "postgresql", reason="needs PostgreSQL's row locks (DATABASE_URL)"
    ),
]


def at_once(work: Callable[[], Any], times: int) -> list[Any]:
    """Run the same work in several threads, each with a connection of its own."""
    start = threading.Barrier(times)
    results: list[Any] = []

    def run() -> None:
        start.wait()
        try:
            results.append(work())
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run) for _ in range(times)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)
    assert len(results) == times, "a thread failed"
    return results


def test_dialers_that_race_for_one_lead_dial_it_once(
    campaign: Campaign, exchange: Exchange, now: datetime
) -> None:
    enrol(campaign)
    calls = at_once(lambda: dial_next(now), 6)
    assert len([call for call in calls if call]) == 1
    assert len(exchange.calls) == 1


def test_dialers_that_race_for_many_leads_dial_each_once_and_keep_to_the_concurrency(
    campaign: Campaign, exchange: Exchange, now: datetime
) -> None:
    Campaign.objects.filter(pk=campaign.pk).update(max_concurrent=7)
    for _ in range(12):
        enrol(campaign)

    def dial_on() -> int:
        return sum(dial_next(now) is not None for _ in range(6))

    at_once(dial_on, 4)
    while dial_next(now):
        pass
    numbers = [line.to for line in exchange.calls]
    assert len(numbers) == len(set(numbers)) == 7
    assert Enrolment.objects.filter(state=Enrolment.State.CLAIMED).count() == 7


def test_two_campaigns_do_not_call_one_lead_at_the_same_time(
    campaign: Campaign, exchange: Exchange, now: datetime
) -> None:
    first = enrol(campaign)
    other = CampaignFactory(running=True, playbook=campaign.playbook)
    Enrolment.objects.create(campaign=other, lead=first.lead, due_at=now)
    at_once(lambda: dial_next(now), 4)
    assert len(exchange.calls) == 1


def test_a_created_call_is_sent_once(campaign: Campaign, exchange: Exchange, now: datetime) -> None:
    call = CallFactory(campaign=campaign)
    sent = at_once(lambda: call_dial(call_id=call.pk, now=now), 5)
    assert sent.count(True) == 1
    assert len(exchange.calls) == 1
    assert Call.objects.get(pk=call.pk).provider_sid == exchange.calls[0].sid


def test_promised_work_is_done_by_one_process(
    now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[str] = []
    monkeypatch.setitem(jobs.HANDLERS, "test", lambda payload, _now: done.append(payload["n"]))
    for number in range(20):
        outbox_add(kind="test", key=f"{number}", payload={"n": number}, due_at=now)
    at_once(lambda: outbox_run_due(now, limit=20), 4)
    assert sorted(done) == list(range(20))


def test_rq_does_promised_work_once_however_often_it_is_queued(
    settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not settings.REDIS_URL:
        pytest.skip("needs Redis (REDIS_URL)")
    import django_rq
    from rq import SimpleWorker

    done: list[str] = []
    monkeypatch.setitem(jobs.HANDLERS, "test", lambda payload, _now: done.append(payload["n"]))
    queue = django_rq.get_queue("default")
    queue.empty()
    now = timezone.now()
    item = outbox_add(kind="test", key="rq", payload={"n": "x"}, due_at=now)
    assert item is not None
    assert outbox_relay(now) == 1
    assert outbox_relay(now) == 0
    queue.enqueue(jobs.outbox_item, str(item.pk))
    SimpleWorker([queue], connection=queue.connection).work(burst=True)
    assert done == ["x"]
    assert outbox_relay(now + timedelta(hours=1)) == 0
    assert OutboxItem.objects.get(pk=item.pk).done_at is not None
