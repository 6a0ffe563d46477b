"""The carrier's list of calls against ours."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from calls import carrier
from calls.models import Call, CarrierComparison, CarrierDifference
from calls.services.carrier_lists import SETTLED_AFTER, calls_compare
from calls.simulator.call import SimulatedCall
from calls.simulator.persona import Persona
from calls.tests.conftest import Exchange
from calls.tests.test_carrier import DIAL
from tests.factories import CallFactory, UserFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def later() -> datetime:
    """A moment at which the calls of this test are old enough to be compared."""
    return timezone.now() + SETTLED_AFTER + timedelta(minutes=1)


def theirs(exchange: Exchange, status: str = "completed", seconds: int = 30) -> SimulatedCall:
    """A call that the carrier has."""
    persona = Persona(name="lead", about="A lead.", expected="incomplete")
    made = SimulatedCall(settings.ENV.twilio_account_sid, DIAL.to, DIAL.from_, persona)
    made.started = made.created
    made.ended = made.created + timedelta(seconds=seconds)
    made.status = status

    async def keep() -> None:
        exchange.simulator.board.add(made)

    exchange.run(keep())
    return made


def ours(sid: str, **fields: Any) -> Call:
    now = timezone.now()
    made: Call = CallFactory(
        state=fields.pop("state", Call.State.COMPLETED),
        provider_sid=sid,
        dialed_at=now,
        answered_at=now,
        ended_at=now + timedelta(seconds=30),
        carrier_seconds=fields.pop("carrier_seconds", 30),
        **fields,
    )
    return made


def compare(now: datetime) -> list[tuple[str, str, str]]:
    calls_compare(now=now, since=now - timedelta(days=1))
    rows = CarrierDifference.objects.filter(gone_at__isnull=True)
    return [(row.kind, row.ours, row.theirs) for row in rows]


def test_calls_that_both_have_alike_are_in_order(exchange: Exchange, later: datetime) -> None:
    ours(theirs(exchange).sid)
    assert compare(later) == []
    run = CarrierComparison.objects.get()
    assert (run.theirs, run.ours, run.differences) == (1, 1, 0)


def test_a_call_that_we_do_not_know_is_told(exchange: Exchange, later: datetime) -> None:
    theirs(exchange)
    assert compare(later) == [("unknown_here", "", "completed")]


def test_a_call_that_the_carrier_does_not_know_is_told(exchange: Exchange, later: datetime) -> None:
    ours("CA" + "9" * 32)
    assert compare(later) == [("unknown_there", "completed", "")]


@pytest.mark.parametrize(
    ("status", "seconds", "expected"),
    [
        ("busy", 0, [("status", "completed", "busy")]),
        ("completed", 90, [("seconds", "30 s", "90 s")]),
        ("completed", 31, []),
    ],
)
def test_what_ended_differently_is_told(
    exchange: Exchange, later: datetime, status: str, seconds: int, expected: list[Any]
) -> None:
    ours(theirs(exchange, status, seconds).sid)
    assert compare(later) == expected


def test_a_call_that_is_over_here_and_runs_there_is_ended(
    exchange: Exchange, later: datetime
) -> None:
    sid = carrier.call_create(DIAL).sid
    ours(sid)
    assert [kind for kind, _, _ in compare(later)] == ["still_runs"]
    exchange.run(exchange.simulator.wait_for(sid, 5))


def test_what_is_put_right_is_open_no_more(exchange: Exchange, later: datetime) -> None:
    call = theirs(exchange)
    assert len(compare(later)) == 1
    ours(call.sid)
    assert compare(later + timedelta(hours=1)) == []
    assert CarrierDifference.objects.get().gone_at is not None


def test_calls_in_motion_are_not_compared(exchange: Exchange) -> None:
    theirs(exchange)
    ours("CA" + "9" * 32)
    assert compare(timezone.now()) == []


def test_the_command_reports_and_the_page_shows_it(exchange: Exchange, client: Client) -> None:
    theirs(exchange)
    call_command("reconcile_costs")
    assert CarrierComparison.objects.count() == 1
    client.force_login(UserFactory(is_staff=True, is_superuser=True))
    page = client.get(reverse("admin:calls_carrierdifference_changelist"))
    assert "last compared" in page.content.decode()


def test_without_the_carrier_the_command_says_so(no_carrier: None) -> None:
    with pytest.raises(CommandError, match="run it again"):
        call_command("reconcile_costs")
