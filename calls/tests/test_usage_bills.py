"""What the carrier bills by the day is put beside the ledger, and corrects its calls."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from unittest import mock

import pytest
from django.core.management import CommandError, call_command
from django.urls import reverse

from billing.models import Charge, Reconciliation, UsageBill
from billing.selectors import call_cost
from billing.services import charge_record, prices_seed
from calls import carrier
from calls.desk.variance import variances
from calls.models import Call
from calls.services.usage_bills import usage_reconcile
from calls.services.variance_alerts import variances_watch
from calls.simulator import usage
from calls.simulator.call import Event
from calls.tests.conftest import Exchange
from calls.tests.test_carrier import DIAL
from tests.factories import CallFactory, ManagerFactory

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)
THEN = datetime(2026, 11, 20, 18, 0, tzinfo=UTC)
NOW = THEN + 3 * DAY


@pytest.fixture(autouse=True)
def _prices(db: None) -> None:
    prices_seed()


def made_there(exchange: Exchange, *, seconds: int, at: datetime = THEN) -> None:
    """Have the carrier bill a stream of some seconds and a detection."""
    carrier.call_create(DIAL)
    call = exchange.calls[-1]
    call.created = at
    call.timeline = [
        Event(1000, "stream_opened", {}),
        Event(2000, "amd", {}),
        Event(1000 + seconds * 1000, "stream_closed", {}),
    ]


def made_here(*, minutes: int, at: datetime = THEN) -> Call:
    call: Call = CallFactory(ended=True)
    Call.objects.filter(pk=call.pk).update(created_at=at)
    charges = [("media_stream", minute) for minute in range(minutes)] + [("amd", 0)]
    for component, minute in charges:
        charge_record(
            key=f"{call.pk}:{component}:{minute}",
            call_id=call.pk,
            campaign_id=call.campaign_id,
            component=component,
            provider="twilio",
            quantity=Decimal(1),
            at=at + timedelta(minutes=minute),
        )
    return call


def reconcile(now: datetime = NOW) -> tuple[int, int]:
    done = usage_reconcile(now=now, since=now - 7 * DAY)
    return done.compared, done.waiting


@pytest.fixture
def dearer(monkeypatch: pytest.MonkeyPatch) -> None:
    """Streams cost half as much again as the price list says."""
    monkeypatch.setitem(usage._PRICES, usage.STREAMS, Decimal("0.006"))


def test_calls_are_corrected_by_what_a_minute_cost(exchange: Exchange, dearer: None) -> None:
    made_there(exchange, seconds=150)
    made_there(exchange, seconds=60)
    long, short = made_here(minutes=3), made_here(minutes=1)
    assert reconcile() == (2, 0)
    assert reconcile() == (0, 0)
    assert call_cost(long.pk) == Decimal("0.018") + Decimal("0.0075")
    assert call_cost(short.pk) == Decimal("0.006") + Decimal("0.0075")
    long.refresh_from_db()
    assert long.cost == call_cost(long.pk)
    streams = UsageBill.objects.get(component="media_stream")
    assert (streams.first, streams.last) == (THEN.date(), THEN.date())
    assert (streams.used, streams.billed) == (4, 4)
    assert (streams.estimated, streams.actual) == (Decimal("0.016"), Decimal("0.024"))
    off = {row.component: row.share for row in variances(since=NOW - DAY)}
    assert off == {"media_stream": Decimal("0.5"), "amd": 0}
    assert variances_watch(NOW + timedelta(hours=1)) == 0  # less than a cent is told to nobody


def test_what_other_programs_used_is_shown_and_charged_to_no_call(
    exchange: Exchange, client: Any
) -> None:
    for _ in range(3):
        made_there(exchange, seconds=60)
    call = made_here(minutes=1)
    assert reconcile() == (2, 0)
    assert call_cost(call.pk) == Decimal("0.004") + Decimal("0.0075")
    bill = UsageBill.objects.get(component="media_stream")
    assert (bill.used, bill.billed) == (1, 3)
    client.force_login(ManagerFactory())
    page = client.get(reverse("costs-variance"), {"since": NOW.date(), "until": NOW.date()})
    assert "Bills of whole days" in page.content.decode()
    assert [row.component for row in page.context["bills"]] == ["amd", "media_stream"]


def test_a_day_is_asked_about_once_it_is_complete(exchange: Exchange) -> None:
    made_there(exchange, seconds=60)
    made_here(minutes=1)
    midnight = datetime(2026, 11, 21, tzinfo=UTC)
    assert reconcile(midnight + DAY - timedelta(minutes=1)) == (0, 0)
    assert reconcile(midnight + DAY) == (2, 0)


def test_a_bill_that_is_not_there_yet_is_asked_for_again(exchange: Exchange) -> None:
    call = made_here(minutes=1)
    assert reconcile() == (0, 2)
    assert not Reconciliation.objects.exists()
    made_there(exchange, seconds=60)
    assert reconcile() == (2, 0)
    assert Reconciliation.objects.filter(call=call).count() == 2


def test_a_call_at_midnight_is_of_the_day_on_which_it_began(exchange: Exchange) -> None:
    at = datetime(2026, 11, 20, 23, 59, tzinfo=UTC)
    made_there(exchange, seconds=170, at=at)
    call = made_here(minutes=3, at=at)
    assert reconcile() == (2, 0)
    row = Reconciliation.objects.get(call=call, component="media_stream")
    assert (row.estimated, row.actual) == (Decimal("0.012"), Decimal("0.012"))


def test_a_run_that_died_is_completed(exchange: Exchange, dearer: None) -> None:
    made_there(exchange, seconds=60)
    made_there(exchange, seconds=60)
    calls = [made_here(minutes=1) for _ in range(2)]
    with (
        mock.patch(
            "calls.services.usage_bills.call_cost", side_effect=[Decimal(1), KeyboardInterrupt]
        ),
        pytest.raises(KeyboardInterrupt),
    ):
        reconcile()
    assert reconcile() == (2, 0)
    assert {call_cost(call.pk) for call in calls} == {Decimal("0.0135")}
    assert Reconciliation.objects.count() == 4


def test_the_rent_of_a_month_is_compared_when_it_is_over(exchange: Exchange) -> None:
    october = datetime(2026, 10, 5, 18, 0, tzinfo=UTC)
    made_there(exchange, seconds=60, at=october)
    charge_record(
        key="rent", call_id=None, campaign_id=None, component="number", provider="twilio",
        quantity=Decimal(2), model="local", at=october,
    )  # fmt: skip
    assert reconcile() == (1, 0)
    bill = UsageBill.objects.get()
    assert (bill.first, bill.last) == (date(2026, 10, 1), date(2026, 10, 31))
    assert (bill.estimated, bill.actual, bill.billed) == (Decimal("2.3"), Decimal("1.15"), 1)
    assert Charge.objects.count() == 1
    [row] = variances(since=NOW - DAY)
    assert (row.component, row.share, row.alerts) == ("number", Decimal("-0.5"), True)
    assert variances_watch(NOW + timedelta(hours=1)) == 1


def test_the_command_fails_when_usage_cannot_be_asked(exchange: Exchange) -> None:
    call = made_here(minutes=1)
    Call.objects.filter(pk=call.pk).update(created_at=datetime.now(UTC) - 3 * DAY)
    with (
        mock.patch.object(carrier, "usage_fetch", side_effect=carrier.CarrierDown),
        pytest.raises(CommandError, match="run it again"),
    ):
        call_command("reconcile_costs")
