"""The days' sums and the charges since are the ledger, to the last place, at any moment."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import models, transaction
from hypothesis import given, settings
from hypothesis import strategies as st

from billing.models import Charge, DailySpend, SpendMark
from billing.services import daily_spend_add
from billing.services.daily import SETTLES_AFTER
from billing.spend import SpendCell, SpendScope, cells_of, spend_cells, spend_total, total_of
from tests import factories
from tests.factories import Call

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 11, 18, 18, 0, tzinfo=UTC)
_DAYS = 6 * 24 * 60
_SETTLES = SETTLES_AFTER // timedelta(minutes=1)
_CHARGE = st.tuples(
    st.integers(0, 10**7),  # millionths of a dollar
    st.sampled_from(["telephony_out", "tts", "tts_cached"]),
    st.sampled_from([0, 1, 2, None]),  # which call
    st.integers(0, _DAYS),  # minutes ago it was spent
    st.integers(0, 5 * 60),  # minutes later it was written
    st.integers(0, _SETTLES - 1),  # minutes its transaction took from there
)


def charge(micros: int, component: str, call: Call | None, ago: int, later: int) -> None:
    at = NOW - timedelta(minutes=ago)
    row = factories.ChargeFactory(
        call=call,
        price=factories.PriceFactory(component=component),
        amount=Decimal(micros) / 10**6,
        at=at,
    )
    written(row, at + timedelta(minutes=later))


def written(row: Charge, at: datetime) -> None:
    """Make a charge one that was written then; the ledger itself refuses."""
    models.QuerySet(Charge).filter(pk=row.pk).update(created_at=at)


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
    [15, pytest.param(1000, marks=[pytest.mark.slow, pytest.mark.timeout(600)])],
)
def test_sums_and_late_charges_are_the_ledger(examples: int) -> None:
    first = factories.CallFactory(ended=True, voice_tier="local")
    other = factories.CallFactory(ended=True, voice_tier="premium")
    same = factories.CallFactory(ended=True, voice_tier="local", campaign=other.campaign)
    calls: dict[int | None, Call | None] = {0: first, 1: other, 2: same, None: None}

    @given(
        charges=st.lists(_CHARGE, min_size=1, max_size=6),
        adds=st.lists(st.integers(0, _DAYS), max_size=4),
    )
    @settings(max_examples=examples, deadline=None)
    def holds(charges: list[Any], adds: list[int]) -> None:
        # All in the order in which it becomes visible: a charge may be later than its time stamp.
        steps: list[tuple[int, Any]] = [(ago, None) for ago in adds]
        steps += [(one[3] - one[4] - one[5], one) for one in charges]
        # An example of its own has a ledger and a mark of its own.
        with transaction.atomic():
            for ago, one in sorted(steps, key=lambda step: -step[0]):
                if one is None:
                    daily_spend_add(now=NOW - timedelta(minutes=ago))
                else:
                    micros, component, whose, spent, later, _ = one
                    charge(micros, component, calls[whose], spent, later)
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


def test_a_charge_is_added_once_however_often_that_is_done() -> None:
    charge(1_000_000, "tts", None, 300, 0)
    assert daily_spend_add(now=NOW) == 1
    assert daily_spend_add(now=NOW) == 0
    assert daily_spend_add(now=NOW - timedelta(days=1)) == 0
    assert [row.amount for row in DailySpend.objects.all()] == [Decimal(1)]


def test_a_charge_just_written_waits_until_no_transaction_can_come_before_it() -> None:
    charge(1_000_000, "tts", None, 10, 0)
    assert daily_spend_add(now=NOW) == 0
    assert spend_total(SpendScope()).amount == 1
    assert daily_spend_add(now=NOW + SETTLES_AFTER) == 1
    assert spend_total(SpendScope()).amount == 1


def test_a_charge_of_long_ago_that_is_written_now_goes_to_its_day() -> None:
    charge(1_000_000, "tts", None, 300, 0)
    daily_spend_add(now=NOW)
    days = 5 * 24 * 60
    charge(500_000, "tts", None, days, days + 10)
    assert spend_total(SpendScope()).amount == Decimal("1.5")
    daily_spend_add(now=NOW + timedelta(hours=2))
    assert spend_total(SpendScope()).amount == Decimal("1.5")
    assert {row.day for row in DailySpend.objects.all()} == {
        NOW.date(),
        (NOW - timedelta(days=5)).date(),
    }


def test_charges_behind_the_mark_of_a_clock_that_was_ahead_are_found() -> None:
    charge(1_000_000, "tts", None, 300, 0)
    daily_spend_add(now=NOW + timedelta(days=1))
    charge(500_000, "tts", None, 10, 0)
    assert daily_spend_add(now=NOW) == 1
    assert spend_total(SpendScope()).amount == Decimal("1.5")
    assert SpendMark.objects.get().upto == NOW - SETTLES_AFTER


def test_days_begin_anew_where_the_account_moves(settings: Any) -> None:
    charge(1_000_000, "tts", None, 17 * 60, 0)  # 01:00 in UTC is the day before in Chicago
    daily_spend_add(now=NOW)
    assert DailySpend.objects.get().day == NOW.date()
    settings.ENV = settings.ENV.model_copy(update={"account_time_zone": "America/Chicago"})
    assert [cell.day for cell in spend_cells(SpendScope())] == [NOW.date() - timedelta(days=1)]
    daily_spend_add(now=NOW)
    assert DailySpend.objects.get().day == NOW.date() - timedelta(days=1)
    assert SpendMark.objects.get().time_zone == "America/Chicago"
