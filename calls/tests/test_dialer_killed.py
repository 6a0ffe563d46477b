"""A dialer that is killed at any step dials nobody twice, and loses no lead.

The dialer is a process of its own that ends on the spot (`os._exit`) where the name of the step
says; then another one takes over, an hour passes on its watch, and the carrier's list is counted.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from django.db import connections
from django.utils import timezone

from billing.models import BudgetPeriod, Reservation
from calls import carrier
from calls.models import Call, Campaign, Enrolment
from calls.services import dialer
from calls.services.outbox import outbox_run_due
from calls.services.watchdog import Watchdog
from calls.tests.conftest import NOON, Exchange, enrol
from tests.factories import BudgetFactory
from tests.threads import shared_database

pytestmark = pytest.mark.django_db(transaction=True)

KILLED = 9
Step = tuple[str, str, bool]

# Where it dies: what it is about to do (or has just done), and how often the telephone has rung.
STEPS: dict[str, tuple[Step, int]] = {
    "before the lead is claimed": (("calls.services.dialer._claim", "before", False), 0),
    "lead claimed, no call made": (("calls.services.dialer._promise", "before", False), 0),
    "call made, no money promised": (("calls.services.dialer.budget_reserve", "before", False), 0),
    "money promised, nothing committed": (("calls.services.dialer.tier_begin", "after", False), 0),
    "claim committed": (("calls.services.dialer.call_dial", "before", False), 0),
    "marked as dialling, not committed": (
        ("calls.services.dialer.event_record", "after", False),
        0,
    ),
    "marked as dialling, request not sent": (("calls.carrier.call_create", "before", False), 0),
    "request sent, answer not read": (("calls.carrier.call_create", "after", False), 1),
    "answer read, not written": (("calls.services.dialer._note_accepted", "before", False), 1),
    "all written": (("calls.services.dialer._note_accepted", "after", False), 1),
}


@pytest.fixture
def database(tmp_path: Path) -> Iterator[None]:
    """A database that another process sees, too."""
    with shared_database(tmp_path):
        connections.close_all()
        yield
        connections.close_all()


@pytest.mark.parametrize("step", STEPS)
def test_killed_at_any_step_it_dials_once_and_loses_nobody(
    step: str,
    campaign: Campaign,
    exchange: Exchange,
    settings: Any,
    monkeypatch: pytest.MonkeyPatch,
    database: None,
) -> None:
    settings.REDIS_URL = ""
    now = timezone.now()
    always_lawful(monkeypatch)
    BudgetFactory(campaign=campaign, period="day", limit=100)
    enrolment = enrol(campaign)
    Enrolment.objects.update(due_at=now)
    (where, rang) = STEPS[step]

    assert dies(where, lambda: dialer.dial_next(now)) == KILLED
    assert len(exchange.calls) == rang

    hours_pass(now)
    assert len(exchange.calls) == rang, "it was dialled again without a new attempt"
    enrolment.refresh_from_db()
    assert enrolment.attempts >= rang  # one that is not found counts: the law is on the safe side
    assert not Call.objects.filter(state__in=Call.ACTIVE_STATES).exists()
    assert not Call.objects.filter(settled_at__isnull=True).exists()
    assert not Reservation.objects.filter(state="open").exists()
    assert set(BudgetPeriod.objects.values_list("reserved", flat=True)) <= {0}

    # The lead has its next attempt: a new call, and only one.
    assert enrolment.state == Enrolment.State.WAITING
    assert dialer.dial_next(max(enrolment.due_at, now)) is not None
    assert len(exchange.calls) == rang + 1


def dies(where: Step, work: Callable[[], object]) -> int:
    """Do work in a copy of this process that ends at a step; return how it ended."""
    name, when, _ = where
    connections.close_all()
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    try:
        carrier._local.__dict__.clear()  # no socket is shared with the test
        module, _, function = name.rpartition(".")
        real = getattr(__import__(module, fromlist=[function]), function)

        def deadly(*args: Any, **values: Any) -> Any:
            if when == "after":
                real(*args, **values)
            os._exit(KILLED)

        with patch(name, deadly):
            work()
    finally:
        os._exit(1)  # it did not come to the step
    return 0


def hours_pass(now: datetime) -> None:
    """Let another dialer watch and settle for an hour, second by second where it matters."""
    watchdog = Watchdog()
    for minutes in (0, 0.6, 1.1, 1.7, 2.5, 5, 60):
        at = now + timedelta(minutes=minutes)
        watchdog.watch(at)
        outbox_run_due(at)


def always_lawful(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leads may be called at any hour of the machine that runs the tests."""
    real = dialer.may_call
    monkeypatch.setattr(dialer, "may_call", lambda facts, *, now: real(facts, now=NOON))
