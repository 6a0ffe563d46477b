"""The days' sums and the charges since are the ledger, to the last place, at any moment."""

from __future__ import annotations

import random
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.db import connection, models, transaction
from hypothesis import given, settings
from hypothesis import strategies as st

from billing.models import Charge, DailySpend, SpendMark, UnsummedCharge
from billing.services import daily, daily_spend_add
from billing.spend import SpendCell, SpendScope, cells_of, spend_cells, spend_total, total_of
from tests import factories
from tests.factories import Call
from tests.threads import at_once, shared_database

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 11, 18, 18, 0, tzinfo=UTC)
_DAYS = 6 * 24 * 60
_CHARGE = st.tuples(
    st.integers(0, 10**7),  # millionths of a dollar
    st.sampled_from(["telephony_out", "tts", "tts_cached"]),
    st.sampled_from([0, 1, 2, None]),  # which call
    st.integers(0, _DAYS),  # minutes ago it was spent
)


def charge(micros: int, component: str, call: Call | None, ago: int) -> Charge:
    row: Charge = factories.ChargeFactory(
        call=call,
        price=factories.PriceFactory(component=component),
        amount=Decimal(micros) / 10**6,
        at=NOW - timedelta(minutes=ago),
    )
    return row


def summed(cells: Iterable[SpendCell]) -> dict[Any, tuple[int, Decimal, Decimal, Decimal]]:
    sums: dict[Any, tuple[int, Decimal, Decimal, Decimal]] = {}
    for cell in cells:
        key = (cell.day, cell.component, cell.campaign_id, cell.tier)
        count, amount, quantity, worth = sums.get(key, (0, Decimal(0), Decimal(0), Decimal(0)))
        sums[key] = (
            count + cell.charges,
            amount + cell.amount,
            quantity + cell.quantity,
            (worth + cell.worth).quantize(Decimal("1e-9")),
        )
    return sums


@pytest.mark.parametrize(
    "examples",
    [15, pytest.param(200, marks=[pytest.mark.slow, pytest.mark.timeout(600)])],
)
def test_sums_and_late_charges_are_the_ledger(
    examples: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(daily, "_AT_ONCE", 2)
    first = factories.CallFactory(ended=True, voice_tier="local")
    other = factories.CallFactory(ended=True, voice_tier="premium")
    same = factories.CallFactory(ended=True, voice_tier="local", campaign=other.campaign)
    calls: dict[int | None, Call | None] = {0: first, 1: other, 2: same, None: None}

    @given(steps=st.lists(_CHARGE | st.none(), min_size=1, max_size=10))
    @settings(max_examples=examples, deadline=None)
    def holds(steps: list[Any]) -> None:
        # An example of its own has a ledger and sums of its own. None adds up what there is.
        with transaction.atomic():
            for one in steps:
                if one is None:
                    daily_spend_add()
                else:
                    micros, component, whose, ago = one
                    charge(micros, component, calls[whose], ago)
            the_sums_are_the_ledger(other.campaign_id)
            transaction.set_rollback(True)

    holds()


def the_sums_are_the_ledger(campaign_id: Any) -> None:
    first, last = (NOW - timedelta(days=3)).date(), NOW.date()
    for scope in (
        SpendScope(),
        SpendScope(first, last),
        SpendScope(first, last, component="tts"),
        SpendScope(first, tier="premium"),
        SpendScope(last=last, campaign_id=campaign_id),
        SpendScope(outside="call"),
    ):
        assert summed(spend_cells(scope)) == summed(cells_of(scope.charges))
        assert spend_total(scope) == total_of(scope.charges)


@pytest.mark.django_db(transaction=True)
def test_whoever_commits_when_and_whatever_clocks_say_each_charge_is_counted_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Writers commit late and with clocks that are hours off; two others add up; others read."""
    monkeypatch.setattr(daily, "_AT_ONCE", 3)
    calls = [factories.CallFactory(ended=True) for _ in range(4)]
    price = factories.PriceFactory()

    def write(number: int) -> None:
        chance = random.Random(number)
        for _ in range(6):
            with transaction.atomic():
                for _ in range(chance.randint(1, 3)):
                    factories.ChargeFactory(
                        call=calls[number], price=price, amount=Decimal("0.000001"), at=NOW
                    )
                models.QuerySet(Charge).filter(call=calls[number]).update(
                    created_at=NOW + timedelta(hours=chance.randint(-9, 9))
                )
                if connection.vendor == "postgresql":
                    with connection.cursor() as cursor:
                        cursor.execute("SELECT pg_sleep(%s)", [chance.random() / 20])

    def read(_: int) -> None:
        for _ in range(25):
            before = total_of(Charge.objects.all())
            found = spend_total(SpendScope())
            after = total_of(Charge.objects.all())
            assert before.amount <= found.amount <= after.amount
            assert before.charges <= found.charges <= after.charges

    def work(number: int) -> None:
        if number < 4:
            write(number)
        elif number < 6:
            for _ in range(15):
                daily_spend_add()
        else:
            read(number)

    with shared_database(tmp_path):
        assert at_once(8, work) == [None] * 8
        [found] = at_once(1, lambda _: (daily_spend_add(), *checked()))
    assert found[1:] == (0, True), found


def checked() -> tuple[int, bool]:
    """Return how many charges wait to be added up, and whether the sums are the ledger."""
    ledger = total_of(Charge.objects.all())
    days = sum((row.amount for row in DailySpend.objects.all()), Decimal(0))
    return UnsummedCharge.objects.count(), days == ledger.amount and ledger.charges > 0


def test_a_charge_is_added_once_however_often_that_is_done() -> None:
    charge(1_000_000, "tts", None, 300)
    assert daily_spend_add() == 1
    assert daily_spend_add() == 0
    assert [row.amount for row in DailySpend.objects.all()] == [Decimal(1)]


def test_a_charge_of_long_ago_that_is_written_now_goes_to_its_day() -> None:
    charge(1_000_000, "tts", None, 300)
    daily_spend_add()
    charge(500_000, "tts", None, 5 * 24 * 60)
    assert spend_total(SpendScope()).amount == Decimal("1.5")
    daily_spend_add()
    assert spend_total(SpendScope()).amount == Decimal("1.5")
    assert {row.day for row in DailySpend.objects.all()} == {
        NOW.date(),
        (NOW - timedelta(days=5)).date(),
    }


def test_a_charge_that_is_rolled_back_leaves_nothing_to_add() -> None:
    with transaction.atomic():
        charge(1_000_000, "tts", None, 300)
        transaction.set_rollback(True)
    assert daily_spend_add() == 0
    assert spend_total(SpendScope()).amount == 0


def test_sums_that_were_thrown_away_are_made_again() -> None:
    charge(1_000_000, "tts", None, 300)
    daily_spend_add()
    SpendMark.objects.all().delete()
    DailySpend.objects.all().delete()
    charge(500_000, "tts", None, 200)
    assert spend_total(SpendScope()).amount == Decimal("1.5")
    assert daily_spend_add() == 1
    assert spend_total(SpendScope()).amount == Decimal("1.5")


def test_charges_are_not_written_without_their_mark() -> None:
    with pytest.raises(TypeError, match="one by one"):
        Charge.objects.bulk_create([Charge(key="a")])


def test_days_begin_anew_where_the_account_moves(settings: Any) -> None:
    charge(1_000_000, "tts", None, 17 * 60)  # 01:00 in UTC is the day before in Chicago
    daily_spend_add()
    assert DailySpend.objects.get().day == NOW.date()
    settings.ENV = settings.ENV.model_copy(update={"account_time_zone": "America/Chicago"})
    assert [cell.day for cell in spend_cells(SpendScope())] == [NOW.date() - timedelta(days=1)]
    daily_spend_add()
    assert DailySpend.objects.get().day == NOW.date() - timedelta(days=1)
    assert SpendMark.objects.get().time_zone == "America/Chicago"
