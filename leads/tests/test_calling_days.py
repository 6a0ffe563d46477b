"""Holidays, leap days and state lines: when and where the gate differs."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leads.policy.calling_rules import current_rules, rules_parse
from leads.policy.holidays import holiday, holidays_of
from leads.policy.may_call import CallFacts, may_call
from leads.policy.phones import candidate_zones, phone_parse
from leads.policy.places import states, states_of_number

CHICAGO = ZoneInfo("America/Chicago")
STATES = sorted(states())
HOURS = st.integers(0, 24 * 4 - 1).map(lambda quarter: timedelta(minutes=15 * quarter))
DAYS = st.dates(date(2024, 1, 1), date(2032, 12, 31))


@pytest.mark.parametrize(
    ("name", "year", "day"),
    [
        ("07-04", 2026, date(2026, 7, 4)),
        ("02-29", 2028, date(2028, 2, 29)),
        ("02-29", 2027, None),
        ("fourth thursday november", 2026, date(2026, 11, 26)),
        ("last monday may", 2026, date(2026, 5, 25)),
        ("first monday september", 2025, date(2025, 9, 1)),
        ("third monday january", 2029, date(2029, 1, 15)),
        ("good friday", 2026, date(2026, 4, 3)),
        ("good friday", 2027, date(2027, 3, 26)),
        ("mardi gras", 2028, date(2028, 2, 29)),
        ("mardi gras", 2026, date(2026, 2, 17)),
        ("general election", 2026, date(2026, 11, 3)),
        ("general election", 2027, None),
        ("general election", 2032, date(2032, 11, 2)),
    ],
)
def test_it_finds_a_holiday_by_the_name_the_law_gives_it(
    name: str, year: int, day: date | None
) -> None:
    assert holiday(name, year) == day


@pytest.mark.parametrize("name", ["fifth monday may", "christmas", "13-01", "last maiday may"])
def test_it_refuses_a_holiday_it_does_not_know(name: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - of the calendar's own, too
        holiday(name, 2026)


def test_a_rule_with_an_unknown_holiday_is_no_rule() -> None:
    rules = """
    version = "x"
    [[rule]]
    rule = "closed"
    region = "US-AL"
    value = { weekdays = [], days = ["02-30"] }
    source = "law"
    effective = 2000-01-01
    """
    with pytest.raises(ValueError, match="there is no day “02-30”"):
        rules_parse(rules)


def test_a_holiday_on_a_weekend_is_observed_next_to_it() -> None:
    fourth = frozenset({"07-04"})  # a Saturday in 2026, a Sunday in 2027
    assert holidays_of(fourth, 2026, observed=True) == {date(2026, 7, 3), date(2026, 7, 4)}
    assert holidays_of(fourth, 2027, observed=True) == {date(2027, 7, 4), date(2027, 7, 5)}
    assert holidays_of(fourth, 2026, observed=False) == {date(2026, 7, 4)}
    # New Year's Day of 2028 is a Saturday: its Friday is in the year before.
    assert date(2027, 12, 31) in holidays_of(frozenset({"01-01"}), 2027, observed=True)


def verdict(state: str, at: datetime, zones: tuple[str, ...]) -> bool:
    facts = CallFacts(
        time_zones=zones,
        states=(state,),
        has_consent=True,
        overridden_states=frozenset({state}),
    )
    return may_call(facts, now=at).allowed


@pytest.mark.parametrize(
    "day",
    [date(2026, 11, 26), date(2026, 4, 3), date(2026, 2, 17), date(2026, 5, 25), date(2026, 7, 3),
     date(2028, 2, 29)],
)  # fmt: skip
def test_louisiana_is_not_called_on_its_holidays_and_texas_is(day: date) -> None:
    noon = datetime.combine(day, time(12), tzinfo=CHICAGO)
    assert not verdict("LA", noon, ("America/Chicago",))
    assert verdict("TX", noon, ("America/Chicago",))


@given(day=DAYS, clock=HOURS, state=st.sampled_from(STATES))
def test_every_state_is_called_exactly_in_the_hours_and_on_the_days_of_its_rules(
    day: date, clock: timedelta, state: str
) -> None:
    """The rows, read independently: hours, weekdays, holidays, in every zone of the state."""
    zones = states()[state].time_zones
    local = datetime.combine(day, time(0), tzinfo=ZoneInfo(zones[0])) + clock
    now = local.astimezone(UTC)
    lawful = True
    for zone in zones:
        there = now.astimezone(ZoneInfo(zone))
        for row in current_rules().rows:
            if row.region not in ("*", f"US-{state}") or row.effective > there.date():
                continue
            if row.rule == "hours":
                opens, closes = (time.fromisoformat(row.value[k]) for k in ("opens", "closes"))
                lawful &= opens <= there.time() < closes
            if row.rule == "closed":
                around = [there.date() + timedelta(days=n) for n in (-1, 0, 1)]
                fall = {
                    day for name in row.value["days"] for day in around
                    if holiday(name, day.year) == day
                }  # fmt: skip
                shifted = {
                    day + timedelta(days=-1 if day.weekday() == 5 else 1)
                    for day in fall if day.weekday() >= 5
                }  # fmt: skip
                lawful &= there.weekday() not in row.value["weekdays"]
                lawful &= there.date() not in fall | shifted
    assert verdict(state, now, zones) is lawful


@given(
    day=DAYS,
    clock=HOURS,
    number_state=st.sampled_from(STATES),
    address_state=st.sampled_from(STATES),
)
def test_across_a_state_line_both_sides_must_allow_the_call(
    day: date, clock: timedelta, number_state: str, address_state: str
) -> None:
    zones = tuple(
        dict.fromkeys((*states()[address_state].time_zones, *states()[number_state].time_zones))
    )
    now = datetime.combine(day, time(0), tzinfo=UTC) + clock
    facts = CallFacts(
        time_zones=zones,
        states=tuple(sorted({number_state, address_state})),
        has_consent=True,
        overridden_states=frozenset({"CA"}),
    )
    both = verdict(number_state, now, zones) and verdict(address_state, now, zones)
    assert may_call(facts, now=now).allowed is both


def test_a_number_of_the_florida_panhandle_keeps_both_of_its_zones() -> None:
    zones = candidate_zones(phone_parse("+18505550123").time_zones, state="")
    assert {"America/Chicago", "America/New_York"} <= set(zones)
    eight = datetime(2026, 11, 23, 19, 30, tzinfo=ZoneInfo("America/New_York"))
    facts = CallFacts(
        time_zones=zones, states=tuple(states_of_number("+18505550123")), has_consent=True
    )
    assert may_call(facts, now=eight).allowed
    assert not may_call(facts, now=eight + timedelta(minutes=30)).allowed  # 20:00 in the east
    morning = datetime(2026, 11, 23, 8, 30, tzinfo=ZoneInfo("America/New_York"))
    assert not may_call(facts, now=morning).allowed  # 07:30 in the west


def test_moving_from_texas_to_florida_ends_the_evening_at_eight() -> None:
    """An Austin number with a Miami address: Florida's hours, in either zone."""
    zones = candidate_zones(phone_parse("+15125550123").time_zones, state="FL")
    facts = CallFacts(time_zones=zones, states=("FL", "TX"), has_consent=True)
    late = datetime(2026, 11, 23, 20, 0, tzinfo=ZoneInfo("America/New_York"))
    assert may_call(facts, now=late).codes == ("outside_hours",)
    assert may_call(facts, now=late - timedelta(minutes=1)).allowed


def test_the_day_of_29_february_is_a_day_like_any_other() -> None:
    opening = datetime(2028, 2, 29, 8, tzinfo=CHICAGO)
    assert verdict("TX", opening, ("America/Chicago",))
    facts = CallFacts(time_zones=("America/Chicago",), has_consent=True)
    assert may_call(facts, now=opening - timedelta(hours=1)).opens_at == opening


def test_attempts_before_a_leap_day_age_by_hours_and_not_by_dates() -> None:
    noon = datetime(2028, 3, 1, 12, tzinfo=CHICAGO)
    attempts = tuple(noon - timedelta(hours=23, minutes=n) for n in range(3))
    facts = CallFacts(time_zones=("America/Chicago",), has_consent=True, attempts_at=attempts)
    assert may_call(facts, now=noon).codes == ("attempts_day",)
    assert may_call(facts, now=noon + timedelta(hours=1)).allowed
