"""A dialer that is killed at any step dials nobody twice, and loses no lead.

The dialer is a process of its own that ends on the spot (`os._exit`) where the name of the step
says; then another one takes over, an hour passes on its watch, and the carrier's list is counted.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from billing.models import BudgetPeriod, Reservation
from calls import carrier, carrier_requests
from calls.models import Call, Campaign, Enrolment
from calls.services import dialer
from calls.services.outbox import outbox_run_due
from calls.services.watchdog import Watchdog
from calls.tests.conftest import NOON, Exchange, enrol
from calls.worker import connections_drop
from tests.factories import BudgetFactory
from tests.threads import shared_database

pytestmark = pytest.mark.django_db(transaction=True)

KILLED = 9

# Where it dies: about to call this function, or back from it; and how often the telephone rang.
STEPS = {
    "before the lead is claimed": ("before", "_claim", 0),
    "lead claimed, no call made": ("before", "_promise", 0),
    "call made, no money promised": ("before", "budget_reserve", 0),
    "money promised, nothing committed": ("after", "tier_begin", 0),
    "claim committed": ("before", "call_dial", 0),
    "marked as dialling, not committed": ("after", "event_record", 0),
    "marked as dialling, request not sent": ("before", "call_create", 0),
    "request sent, answer not read": ("after", "call_create", 1),
    "answer read, not written": ("before", "_note_accepted", 1),
    "all written": ("after", "_note_accepted", 1),
}
MODULES = {sys.modules[part.__module__] for part in (dialer.dial_next, dialer.call_dial)} | {
    carrier
}
"""Those that dial."""


@pytest.fixture
def database(tmp_path: Path) -> Iterator[None]:
    """A database that another process sees, too."""
    with shared_database(tmp_path):
        connections_drop()
        yield
        connections_drop()


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
    when, function, rang = STEPS[step]

    assert dies(when, function, lambda: dialer.dial_next(now)) == KILLED
    assert len(exchange.calls) == rang

    hours_pass(now)
    assert len(exchange.calls) == rang, "it was dialled again without a new attempt"
    known = set(Call.objects.exclude(provider_sid="").values_list("provider_sid", flat=True))
    assert known == {call.sid for call in exchange.calls}
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


def dies(when: str, function: str, work: Callable[[], object]) -> int:
    """Do work in a copy of this process that ends at a step; return how it ended."""
    connections_drop()
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    try:
        carrier_requests._local.__dict__.clear()  # no socket is shared with the test
        for module in MODULES:
            if hasattr(module, function):
                setattr(module, function, _deadly(when, getattr(module, function)))
        work()
    finally:
        os._exit(1)  # it did not come to the step


def _deadly(when: str, real: Callable[..., object]) -> Callable[..., object]:
    def deadly(*args: Any, **values: Any) -> None:
        if when == "after":
            real(*args, **values)
        os._exit(KILLED)

    return deadly


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
