"""What is billed for what was used: whole minutes, seconds and characters, to the sixth place."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.policy.limits import budget_pressure, hardest, period_start
from billing.policy.rounding import amount, billed_quantity, in_unit, started_minutes

quantities = st.decimals(min_value=0, max_value=100_000, places=6)
increments = st.sampled_from([Decimal(x) for x in ("1", "0.1", "0.001", "0.000001", "6", "0.5")])
seconds = st.integers(0, 4 * 3600 * 1000).map(lambda ms: Decimal(ms) / 1000)


@pytest.mark.parametrize(
    ("used", "minutes"), [("0", 0), ("0.001", 1), ("60", 1), ("60.001", 2), ("190", 4)]
)
def test_a_started_minute_is_a_whole_minute(used: str, minutes: int):
    quantity = in_unit(Decimal(used), "minute")
    assert billed_quantity(quantity, increment=Decimal(1)) == minutes
    assert list(started_minutes(Decimal(used))) == list(range(1, minutes + 1))


@given(quantity=quantities, increment=increments, minimum=st.sampled_from([0, 1, 30]))
def test_it_bills_whole_increments_and_never_one_too_many(quantity, increment, minimum):
    billed = billed_quantity(quantity, increment=increment, minimum=Decimal(minimum))
    if quantity == 0:
        assert billed == 0
        return
    assert billed >= quantity
    assert billed >= minimum
    assert billed == minimum or billed % increment == 0
    assert billed == minimum or billed - quantity < increment


@given(
    quantity=quantities,
    increment=increments,
    minimum=st.sampled_from([0, 1, 30]),
    rounding=st.sampled_from(["up", "nearest", "down"]),
)
def test_every_rounding_bills_whole_steps_and_is_off_by_no_more_than_it_says(
    quantity, increment, minimum, rounding
):
    billed = billed_quantity(
        quantity, increment=increment, minimum=Decimal(minimum), rounding=rounding
    )
    assert billed % increment == 0 or billed == minimum
    if quantity == 0 or billed == minimum:
        assert billed in (0, minimum)
        return
    off = billed - quantity
    match rounding:
        case "up":
            assert 0 <= off < increment
        case "nearest":
            assert -increment / 2 < off <= increment / 2
        case "down":
            assert -increment < off <= 0


@given(seconds=seconds)
def test_minutes_charged_one_by_one_add_up_to_the_whole(seconds: Decimal):
    price = Decimal("0.014")
    whole = amount(
        billed_quantity(in_unit(seconds, "minute"), increment=Decimal(1)), unit_price=price
    )
    one = amount(billed_quantity(Decimal(1), increment=Decimal(1)), unit_price=price)
    assert sum((one for _ in started_minutes(seconds)), Decimal(0)) == whole


@given(first=seconds, more=seconds)
def test_a_longer_call_owes_the_same_minutes_and_maybe_more(first: Decimal, more: Decimal):
    before, after = started_minutes(first), started_minutes(first + more)
    assert list(after[: len(before)]) == list(before)


@given(billed=quantities, price=st.decimals(min_value=0, max_value=100, places=6))
def test_an_amount_is_exact_to_half_a_millionth(billed: Decimal, price: Decimal):
    exact = Fraction(billed) * Fraction(price)
    assert abs(Fraction(amount(billed, unit_price=price)) - exact) <= Fraction(1, 2_000_000)


def test_it_refuses_what_makes_no_sense():
    with pytest.raises(ValueError, match="negative"):
        billed_quantity(Decimal(-1), increment=Decimal(1))
    with pytest.raises(ValueError, match="more than 0"):
        billed_quantity(Decimal(1), increment=Decimal(0))
    with pytest.raises(ValueError, match="negative"):
        started_minutes(-1)
    with pytest.raises(ValueError, match="does not bill time"):
        in_unit(1, "call")


@pytest.mark.parametrize(
    ("period", "zone", "start"),
    [
        ("day", "UTC", date(2026, 11, 23)),
        ("day", "America/New_York", date(2026, 11, 22)),
        ("week", "UTC", date(2026, 11, 23)),
        ("week", "America/New_York", date(2026, 11, 16)),
        ("month", "UTC", date(2026, 11, 1)),
        ("total", "UTC", date(2000, 1, 1)),
    ],
)
def test_a_period_begins_in_the_budgets_zone(period: str, zone: str, start: date):
    now = datetime(2026, 11, 23, 3, tzinfo=UTC)  # a Monday; Sunday evening in New York
    assert period_start(period, now=now, time_zone=zone) == start


def test_a_single_calls_budget_has_no_period():
    with pytest.raises(ValueError, match="'call'"):
        period_start("call", now=datetime(2026, 11, 23, tzinfo=UTC), time_zone="UTC")


@pytest.mark.parametrize(
    ("committed", "pressure"),
    [("7.999999", "normal"), ("8", "soft"), ("10", "soft"), ("10.000001", "hard")],
)
def test_a_budget_presses_harder_as_it_fills(committed: str, pressure: str):
    found = budget_pressure(committed=Decimal(committed), limit=Decimal(10), soft_percent=80)
    assert found == pressure


def test_the_hardest_pressure_counts():
    assert hardest() == "normal"
    assert hardest("normal", "hard", "soft") == "hard"
