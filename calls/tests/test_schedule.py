"""Recurring work: promised once per date, whoever looks, however often."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calls import jobs
from calls.models import OutboxItem, ScheduledWork
from calls.policy.schedule import Daily, Every
from calls.services.schedule import schedule_pass
from tests.threads import at_once

AUSTIN = ZoneInfo("America/Chicago")
NIGHTLY = {"test": Daily(time(3, 10))}


def test_a_daily_time_is_of_the_accounts_clock() -> None:
    noon = datetime(2026, 11, 18, 18, 0, tzinfo=UTC)
    assert Daily(time(3, 10)).after(noon, zone=AUSTIN) == datetime(2026, 11, 19, 9, 10, tzinfo=UTC)


@given(
    now=st.datetimes(
        min_value=datetime(2026, 1, 1),  # noqa: DTZ001 - hypothesis adds the zone
        max_value=datetime(2027, 12, 31),  # noqa: DTZ001
        timezones=st.just(UTC),
    ),
    at=st.times(),
)
def test_a_daily_time_comes_within_a_day_and_an_hour(now: datetime, at: time) -> None:
    following = Daily(at).after(now, zone=AUSTIN)
    assert timedelta(0) < following - now <= timedelta(hours=25)


@pytest.mark.django_db
def test_the_first_look_promises_nothing(now: datetime) -> None:
    assert schedule_pass(now, rhythms=NIGHTLY) == 0
    assert ScheduledWork.objects.get().next_due > now


@pytest.mark.django_db
def test_what_is_due_is_promised_once(now: datetime) -> None:
    schedule_pass(now, rhythms=NIGHTLY)
    tomorrow = now + timedelta(days=1)
    assert schedule_pass(tomorrow, rhythms=NIGHTLY) == 1
    assert schedule_pass(tomorrow, rhythms=NIGHTLY) == 0
    assert OutboxItem.objects.get().kind == "test"


@pytest.mark.django_db
def test_missed_dates_are_caught_up_with_one_run(now: datetime) -> None:
    hourly = {"test": Every(timedelta(hours=1))}
    schedule_pass(now, rhythms=hourly)
    assert schedule_pass(now + timedelta(days=3), rhythms=hourly) == 1
    assert ScheduledWork.objects.get().next_due == now + timedelta(days=3, hours=1)


@pytest.mark.django_db
def test_a_run_that_is_not_over_is_not_promised_again(now: datetime) -> None:
    hourly = {"test": Every(timedelta(hours=1))}
    schedule_pass(now, rhythms=hourly)
    schedule_pass(now + timedelta(hours=1), rhythms=hourly)
    assert schedule_pass(now + timedelta(hours=2), rhythms=hourly) == 0
    assert OutboxItem.objects.count() == 1


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_of_many_processes_one_promises(now: datetime) -> None:
    schedule_pass(now, rhythms=NIGHTLY)
    later = now + timedelta(days=1)
    promises = at_once(8, lambda _: schedule_pass(later, rhythms=NIGHTLY))
    assert sum(promises) == 1
    assert OutboxItem.objects.count() == 1


def test_everything_that_is_scheduled_can_be_done() -> None:
    assert set(jobs.scheduled()) <= set(jobs.HANDLERS)
    assert set(jobs.QUEUES) <= set(jobs.HANDLERS)
    assert set(jobs.CLAIMS) <= set(jobs.HANDLERS)
