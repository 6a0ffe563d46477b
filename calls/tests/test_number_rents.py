"""The rent of a number is shared by its calls, day by day, and a month's parts are its rent."""

from __future__ import annotations

import re
from calendar import monthrange
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from html import unescape
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from billing.models import Charge, Price, RentedNumber
from billing.policy.rent import call_parts, day_part
from billing.selectors import call_cost
from billing.services import price_change, prices_seed, rented_number_note
from calls.desk.dashboard import needs_a_person
from calls.models import Call, CallerNumber
from calls.services.number_rents import rents_charge
from calls.services.outbox import outbox_run_due
from calls.services.schedule import schedule_pass
from tests.factories import BudgetFactory, CallFactory, CampaignFactory, ManagerFactory

NUMBER = "+15125550100"
FIRST = datetime(2026, 11, 1, 6, tzinfo=UTC)
RENT = Decimal("1.15")


@given(
    monthly=st.decimals(min_value=0, max_value=10_000, places=6),
    month=st.dates(date(2024, 1, 1), date(2030, 12, 31)),
    calls=st.lists(st.integers(0, 400), min_size=31, max_size=31),
)
def test_the_parts_of_a_month_are_its_rent(monthly: Decimal, month: date, calls: list[int]) -> None:
    days = [month.replace(day=n + 1) for n in range(monthrange(month.year, month.month)[1])]
    parts = [call_parts(monthly, day, calls=calls[day.day - 1]) for day in days]
    assert sum(sum(part) for part in parts) == monthly
    assert all(part >= 0 for day in parts for part in day)
    assert [sum(part) for part in parts] == [day_part(monthly, day) for day in days]


def started_with(number: str) -> Any:
    campaign = CampaignFactory(running=True, caller_number=number, started_at=FIRST)
    CallerNumber.objects.filter(number=number).update(created_at=FIRST)
    return campaign


@pytest.fixture
def started(db: None, settings: Any) -> Any:
    prices_seed()
    settings.ENV = settings.ENV.model_copy(update={"account_time_zone": "America/Chicago"})
    return started_with(NUMBER)


def call_on(campaign: Any, at: datetime, **fields: Any) -> Call:
    made: Call = CallFactory(campaign=campaign, from_number=NUMBER, **fields)
    Call.objects.filter(pk=made.pk).update(created_at=at)
    return made


def rents(day: date | None = None) -> Any:
    rows = Charge.objects.filter(component="number")
    return rows.filter(key__contains=f":{day}:") if day else rows


def total(rows: Any) -> Decimal:
    return sum(rows.values_list("amount", flat=True), Decimal(0))


def test_the_calls_of_a_day_share_its_rent(started: Any) -> None:
    # 04:59 UTC on the 2nd is still the evening of the 1st in Austin.
    ours = [call_on(started, FIRST + timedelta(hours=hours)) for hours in (2, 9, 22)]
    other = call_on(started, FIRST + timedelta(days=1, hours=2))
    assert rents_charge(FIRST + timedelta(days=2)) == 2
    shares = [call_cost(call.pk) for call in ours]
    assert shares == [Decimal("0.012777"), Decimal("0.012777"), Decimal("0.012779")]
    assert call_cost(other.pk) == Decimal("0.038333")
    ours[0].refresh_from_db()
    assert ours[0].cost == shares[0]
    assert rents().filter(campaign=started).count() == 4


def test_a_month_of_calls_costs_its_rent_exactly_however_often_it_runs(started: Any) -> None:
    for day in range(0, 30, 7):
        for minute in range(day % 3 + 1):
            call_on(started, FIRST + timedelta(days=day, hours=4, minutes=minute))
    for day in (3, 3, 9, 20, 31, 31):
        rents_charge(FIRST + timedelta(days=day))
    november = rents().filter(key__contains=":2026-11-")
    assert total(november) == RENT
    # Days without calls are the account's.
    assert november.filter(call__isnull=True).count() == 30 - 5
    assert rents().exclude(key__contains=":2026-11-").count() == 1


def test_a_run_that_died_halfway_is_completed(
    started: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = [call_on(started, FIRST + timedelta(hours=n + 1)) for n in range(4)]
    written = []
    monkeypatch.setattr(
        "billing.services.rents.charge_write",
        lambda charge: written.append(charge.save()) if len(written) < 2 else 1 / 0,
    )
    with pytest.raises(ZeroDivisionError):
        rents_charge(FIRST + timedelta(days=1))
    monkeypatch.undo()
    assert rents().count() == 2
    rents_charge(FIRST + timedelta(days=1))
    assert set(rents().values_list("call_id", flat=True)) == {call.pk for call in calls}
    assert total(rents()) == day_part(RENT, date(2026, 11, 1))


def test_rent_is_spent_from_the_budgets_of_the_account(started: Any) -> None:
    budget = BudgetFactory(period="month", limit=5, time_zone="America/Chicago")
    rents_charge(FIRST + timedelta(days=3))
    assert budget.periods.get().spent == total(rents()) == 3 * Decimal("0.038333")


def test_a_price_that_changes_holds_for_the_days_from_then_on(started: Any) -> None:
    price_change(
        provider="twilio", component="number", region="US", model="local",
        unit_price=Decimal("3.00"), valid_from=date(2026, 11, 2), source="test", author=None,
        now=FIRST,
    )  # fmt: skip
    rents_charge(FIRST + timedelta(days=2))
    assert total(rents(date(2026, 11, 1))) == Decimal("0.038333")
    assert total(rents(date(2026, 11, 2))) == Decimal("0.1")


def test_a_number_that_was_given_back_costs_nothing_more(started: Any) -> None:
    rents_charge(FIRST + timedelta(days=2))
    RentedNumber.objects.update(rented_to=date(2026, 11, 5))
    rents_charge(FIRST + timedelta(days=20))
    assert rents().count() == 4


def test_a_number_without_a_price_holds_up_no_other(started: Any) -> None:
    Price.objects.filter(component="number", region="US").delete()
    started_with("+14165550100")
    assert rents_charge(FIRST + timedelta(days=2)) == 2
    assert rents_charge(FIRST + timedelta(days=2)) == 0
    assert rents().count() == 2


def test_a_missing_price_is_named_with_where_to_add_it(started: Any, client: Client) -> None:
    rents_charge(FIRST + timedelta(days=2))
    rented_number_note(number="+442079460100", kind="local", since=FIRST.date())
    client.force_login(ManagerFactory())
    page = client.get(reverse("admin:billing_rentednumber_changelist")).content.decode()
    assert "$1.15" in page
    [link] = re.findall(r'href="([^"]+)">No price for local numbers of GB', page)
    form = client.get(unescape(link)).context["adminform"].form
    names = ("provider", "component", "region", "model", "unit")
    assert [form.initial[name] for name in names] == [
        "twilio", "number", "GB", "local", "month",
    ]  # fmt: skip
    [row] = [row for row in needs_a_person(timezone.now()) if "rent" in row.text]
    assert (row.link, "+442079460100" in row.text) == (unescape(link), True)
    price_change(
        provider="twilio", component="number", region="GB", model="local", unit="month",
        unit_price=Decimal("1.4"), valid_from=timezone.now().date(), source="test", author=None,
        now=timezone.now(),
    )  # fmt: skip
    assert not [row for row in needs_a_person(timezone.now()) if "rent" in row.text]


def test_the_night_s_work_charges_it(started: Any) -> None:
    now = FIRST
    for hours in (0, 30):
        now = FIRST + timedelta(hours=hours)
        schedule_pass(now)
    outbox_run_due(now, limit=50)
    assert rents().count() == 1
