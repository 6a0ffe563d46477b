"""What holds of every number, date, price and spelled name, not only of those thought of."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.understanding.homes import property_in
from agents.understanding.money import money_in
from agents.understanding.months import months_in
from agents.understanding.rents import rent_in
from agents.understanding.spelled import phone_in
from agents.understanding.times import callback_moment, named_time
from agents.understanding.words import normalised

ONES = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
TEENS = (
    *ONES,
    *("ten", "eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen"),
    *("eighteen", "nineteen"),
)
TENS = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
ZONES = tuple(
    map(ZoneInfo, ("America/New_York", "America/Denver", "America/Phoenix", "Pacific/Honolulu"))
)
# Near both changes of the clocks, and far from them.
NOWS = st.datetimes(datetime(2026, 1, 1), datetime(2027, 12, 1), timezones=st.sampled_from(ZONES))  # noqa: DTZ001


def spoken(number: int) -> str:
    """Return a number below 1000 in words, as an American says it."""
    if number < 20:
        return TEENS[number]
    if number < 100:
        rest = f" {ONES[number % 10]}" if number % 10 else ""
        return TENS[number // 10 - 2] + rest
    rest = f" {spoken(number % 100)}" if number % 100 else ""
    return f"{ONES[number // 100]} hundred{rest}"


@given(st.integers(50, 999), st.sampled_from(("", "about ", "um maybe ", "i'd say ")))
def test_a_price_in_thousands_is_understood(thousands: int, before: str) -> None:
    words = normalised(f"{before}{spoken(thousands)} thousand")
    assert money_in(words, expected=False) == thousands * 1_000


@given(st.integers(1, 9), st.sampled_from(range(10, 100, 5)))
def test_a_price_said_without_its_thousands_is_understood(hundreds: int, tens: int) -> None:
    words = normalised(f"{ONES[hundreds]} {spoken(tens)}")
    assert money_in(words, expected=True) == (hundreds * 100 + tens) * 1_000


@given(st.integers(6, 60))
def test_a_rent_in_hundreds_is_understood(hundreds: int) -> None:
    if hundreds % 10:  # nobody says "twenty hundred"
        words = normalised(f"{spoken(hundreds)} hundred a month")
        assert rent_in(words, expected=False) == hundreds * 100


@given(st.integers(1, 30), st.sampled_from((("weeks", 7 / 30), ("months", 1.0), ("years", 12.0))))
def test_a_span_is_understood_in_months(count: int, unit: tuple[str, float]) -> None:
    name, months = unit
    if count == 1:
        name = name.rstrip("s")
    found = months_in(
        normalised(f"in about {spoken(count)} {name}"), today=date(2026, 11, 23), expected=True
    )
    if count * months <= 120:
        assert found == round(count * months)


@given(st.integers(1, 9))
def test_rooms_are_understood(rooms: int) -> None:
    words = normalised(f"it's a {spoken(rooms)} bedroom house")
    assert property_in(words, expected=True) == {"kind": "house", "bedrooms": rooms}


NUMBER_WORDS = (
    *(*ONES, *TEENS, *TENS, "hundred", "thousand", "million", "and", "a", "half", "to", "months"),
    *("week", "bedrooms", "no", "nah", "not", "it is"),
)


@given(st.lists(st.sampled_from(NUMBER_WORDS), max_size=12))
def test_no_jumble_of_numbers_breaks_anything(jumble: list[str]) -> None:
    words = normalised(" ".join(jumble))
    for amount in (money_in(words, expected=True), money_in(words, expected=False)):
        assert amount is None or 10_000 <= amount <= 100_000_000
    rent = rent_in(words, expected=True)
    assert rent is None or rent > 0
    months = months_in(words, today=date(2026, 2, 28), expected=True)
    assert months is None or 0 <= months <= 120


@given(NOWS, st.integers(9, 19), st.sampled_from(("tomorrow", "on monday", "next friday")))
def test_a_named_hour_is_that_hour_on_the_leads_clock(now: datetime, hour: int, day: str) -> None:
    zone = now.tzinfo
    assert isinstance(zone, ZoneInfo)
    half = "a m" if hour < 12 else "p m"
    words = normalised(f"{day} at {spoken(hour % 12 or 12)} {half}".replace("a m", "am"))
    words = words.replace("p m", "pm")
    moment = callback_moment(named_time(words, now=now, zone=zone), now=now, zone=zone)
    assert moment is not None
    local = moment.astimezone(zone)
    assert local.time() == time(hour)
    assert now.date() < local.date() <= now.date() + timedelta(days=14)


@given(NOWS, st.integers(1, 12))
def test_hours_from_now_pass_the_change_of_the_clocks(now: datetime, hours: int) -> None:
    zone = now.tzinfo
    assert isinstance(zone, ZoneInfo)
    words = normalised(f"in {spoken(hours)} hours" if hours > 1 else "in an hour")
    moment = callback_moment(named_time(words, now=now, zone=zone), now=now, zone=zone)
    assert moment is not None
    assert moment.astimezone(UTC) - now.astimezone(UTC) == timedelta(hours=hours)


@pytest.mark.parametrize(
    ("today", "clock"),
    [("2026-03-07", "2026-03-08T10:00:00-04:00"), ("2026-10-31", "2026-11-01T10:00:00-05:00")],
)
def test_tomorrow_at_ten_is_ten_though_the_clocks_change_at_night(today: str, clock: str) -> None:
    zone = ZoneInfo("America/New_York")
    now = datetime.fromisoformat(f"{today}T12:00").replace(tzinfo=zone)
    named = named_time("tomorrow at ten", now=now, zone=zone)
    moment = callback_moment(named, now=now, zone=zone)
    assert moment == datetime.fromisoformat(clock)


@given(st.integers(200, 999), st.integers(2_000_000, 9_999_999))
def test_a_number_said_digit_by_digit_is_understood_or_left_alone(area: int, rest: int) -> None:
    digits = f"{area}{rest}"
    found = phone_in(" ".join(ONES[int(each)] for each in digits))
    assert found in ("", f"+1{digits}")
    assert found == phone_in(digits)
