"""The gate: who may be called now, every reason why not, and when it next opens."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leads.policy.calling_rules import current_rules, rules_parse
from leads.policy.may_call import CallFacts, Decision, may_call
from leads.policy.places import states, states_of_number, zones_of_state
from leads.policy.windows import CampaignWindow

NEW_YORK = ZoneInfo("America/New_York")
ZONES = sorted(
    {zone for state in states().values() for zone in state.time_zones}
    | {"Europe/London", "Australia/Sydney", "Australia/Lord_Howe", "Asia/Kolkata", "UTC"}
)
moments = st.datetimes(
    min_value=datetime(2026, 1, 1),  # noqa: DTZ001 - Hypothesis adds the zone
    max_value=datetime(2029, 1, 1),  # noqa: DTZ001
    timezones=st.just(UTC),
)
zone_sets = st.lists(st.sampled_from(ZONES), min_size=1, max_size=4, unique=True).map(tuple)


def decide(now: datetime, **facts: object) -> Decision:
    values: dict[str, object] = {
        "time_zones": ("America/New_York",),
        "states": ("NY",),
        "has_consent": True,
    }
    return may_call(CallFacts(**(values | facts)), now=now)  # type: ignore[arg-type]


def new_york(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=NEW_YORK)  # type: ignore[arg-type,misc]


NOON = new_york(2026, 11, 23, 12)


def test_it_allows_a_lead_with_consent_in_calling_hours():
    decision = decide(NOON)
    assert decision.allowed
    assert decision.reasons == ()
    assert decision.opens_at is None
    assert decision.rules_version == current_rules().version


@pytest.mark.parametrize(
    ("facts", "code"),
    [
        ({"has_consent": False}, "no_consent"),
        ({"has_consent": False, "consent_was_revoked": True}, "consent_revoked"),
        ({"do_not_call": True}, "do_not_call"),
        ({"states": ("CA",)}, "state_blocked"),
        ({"attempts_at": (NOON - timedelta(hours=1),) * 3}, "attempts_day"),
        ({"attempts_at": tuple(NOON - timedelta(hours=23 * n) for n in range(1, 8))},
         "attempts_week"),
        ({"on_call": True}, "already_on_call"),
        ({"campaign_attempts": 3, "campaign_max_attempts": 3}, "campaign_attempts"),
        ({"budget_exhausted": True}, "no_budget"),
        ({"kill_switch": True}, "kill_switch"),
        ({"campaign_running": False}, "campaign_not_running"),
        ({"time_zones": ()}, "no_time_zone"),
        ({"time_zones": ("America/New_York", "America/Nowhere")}, "no_time_zone"),
    ],
)  # fmt: skip
def test_it_refuses_with_the_reason(facts: dict[str, object], code: str):
    decision = decide(NOON, **facts)
    assert decision.codes == (code,)
    assert not decision.allowed
    assert decision.reasons[0].text.endswith(".")


def test_it_gives_every_reason_at_once():
    decision = decide(
        new_york(2026, 11, 23, 23),
        has_consent=False,
        do_not_call=True,
        states=("CA",),
        kill_switch=True,
    )
    assert set(decision.codes) == {
        "no_consent", "do_not_call", "state_blocked", "kill_switch", "outside_hours",
    }  # fmt: skip
    assert decision.opens_at is None


@pytest.mark.parametrize(
    ("hour", "minute", "second", "allowed"),
    [(7, 59, 59, False), (8, 0, 0, True), (20, 59, 59, True), (21, 0, 0, False)],
)
def test_it_keeps_the_federal_hours_to_the_second(hour, minute, second, allowed):
    assert decide(new_york(2026, 11, 23, hour, minute, second)).allowed is allowed


def test_it_ends_at_eight_in_florida():
    assert decide(new_york(2026, 11, 23, 19, 59), states=("FL",)).allowed
    late = decide(new_york(2026, 11, 23, 20, 0), states=("FL",))
    assert late.codes == ("outside_hours",)
    assert late.opens_at == new_york(2026, 11, 24, 8)


def test_it_calls_nobody_in_louisiana_on_a_sunday_or_at_christmas():
    facts = {"states": ("LA",), "time_zones": ("America/Chicago",)}
    sunday = decide(new_york(2026, 11, 22, 12), **facts)
    assert sunday.codes == ("outside_hours",)
    assert sunday.opens_at == datetime(2026, 11, 23, 8, tzinfo=ZoneInfo("America/Chicago"))
    assert not decide(new_york(2026, 12, 25, 12), **facts).allowed


def test_it_takes_the_strictest_of_all_plausible_zones():
    zones = ("America/New_York", "America/Los_Angeles")
    assert not decide(new_york(2026, 11, 23, 10, 59), time_zones=zones).allowed
    assert decide(new_york(2026, 11, 23, 11, 0), time_zones=zones).allowed
    assert not decide(new_york(2026, 11, 23, 21, 0), time_zones=zones).allowed


def test_it_never_opens_where_no_moment_suits_every_zone():
    decision = decide(NOON, time_zones=("America/New_York", "Asia/Shanghai", "Asia/Kolkata"))
    assert decision.codes == ("outside_hours",)
    assert decision.opens_at is None


def test_it_narrows_the_hours_to_the_campaigns_and_never_widens_them():
    narrow = CampaignWindow(opens=time(10), closes=time(17))
    wide = CampaignWindow(opens=time(5), closes=time(23))
    assert not decide(new_york(2026, 11, 23, 9, 30), campaign_window=narrow).allowed
    assert not decide(new_york(2026, 11, 23, 17), campaign_window=narrow).allowed
    assert not decide(new_york(2026, 11, 23, 7), campaign_window=wide).allowed
    assert not decide(new_york(2026, 11, 23, 22), campaign_window=wide).allowed


def test_it_calls_california_when_the_campaign_documents_why():
    assert decide(NOON, states=("CA",), overridden_states=frozenset({"CA"})).allowed


def test_it_opens_again_when_the_attempts_have_aged():
    attempts = tuple(NOON - timedelta(hours=hours) for hours in (20, 5, 1))
    decision = decide(NOON, attempts_at=attempts)
    assert decision.opens_at == NOON + timedelta(hours=4)  # 24 h after the oldest
    assert decide(decision.opens_at, attempts_at=attempts).allowed


def test_it_opens_only_in_hours_when_the_attempts_age_at_night():
    attempts = tuple(NOON - timedelta(hours=hours) for hours in (14, 5, 1))
    assert decide(NOON, attempts_at=attempts).opens_at == new_york(2026, 11, 24, 8)


def test_it_refuses_a_naive_moment():
    with pytest.raises(ValueError, match="aware"):
        decide(NOON.replace(tzinfo=None))


@pytest.mark.parametrize("day", [date(2026, 3, 8), date(2026, 11, 1), date(2028, 2, 29)])
@pytest.mark.parametrize("zone", ["America/New_York", "America/Phoenix", "Europe/London"])
def test_it_opens_at_eight_by_the_wall_clock_on_days_that_change(day: date, zone: str):
    midnight = datetime.combine(day, time(0), tzinfo=ZoneInfo(zone))
    opens_at = decide(midnight.astimezone(UTC), time_zones=(zone,)).opens_at
    assert opens_at is not None
    assert opens_at.astimezone(ZoneInfo(zone)).replace(tzinfo=None) == datetime.combine(
        day, time(8)
    )


@settings(max_examples=200, deadline=None)
@given(now=moments, zones=zone_sets)
def test_it_agrees_with_the_wall_clock_of_every_zone(now: datetime, zones: tuple[str, ...]):
    clocks = [now.astimezone(ZoneInfo(zone)).time() for zone in zones]
    lawful = all(time(8) <= clock < time(21) for clock in clocks)
    assert decide(now, time_zones=zones, states=()).allowed is lawful


@settings(max_examples=100, deadline=None)
@given(
    now=moments,
    zones=zone_sets,
    state=st.sampled_from(sorted(set(states()) - {"CA"})),
    ages=st.lists(st.integers(0, 8 * 24 * 60), max_size=10),
    share=st.floats(0, 1),
)
def test_it_opens_exactly_when_it_says(
    now: datetime, zones: tuple[str, ...], state: str, ages: list[int], share: float
):
    attempts = tuple(now - timedelta(minutes=age) for age in ages)
    facts = {"time_zones": zones, "states": (state,), "attempts_at": attempts}
    decision = decide(now, **facts)
    if decision.allowed or decision.opens_at is None:
        return
    opens_at = decision.opens_at
    assert opens_at > now
    assert decide(opens_at, **facts).allowed
    assert not decide(opens_at - timedelta(microseconds=1), **facts).allowed
    assert not decide(now + (opens_at - now) * share * 0.999, **facts).allowed


@settings(max_examples=100, deadline=None)
@given(
    now=moments, zones=zone_sets, more=st.sampled_from(ZONES), state=st.sampled_from([*states()])
)
def test_it_never_allows_more_when_more_places_are_plausible(now, zones, more, state):
    if decide(now, time_zones=(*zones, more), states=(state,)).allowed:
        assert decide(now, time_zones=zones, states=()).allowed


def test_it_knows_the_zones_of_every_state():
    assert len(states()) == 56  # fifty states, the district, five territories
    assert all(ZoneInfo(zone) for state in states().values() for zone in state.time_zones)
    assert set(zones_of_state("fl")) == {"America/New_York", "America/Chicago"}
    assert zones_of_state("") == ()


def test_it_knows_the_state_of_an_area_code():
    assert states_of_number("+13055550100") == {"FL"}
    assert states_of_number("+14155550100") == {"CA"}
    assert states_of_number("+18005550100") == frozenset()
    assert states_of_number("+442079460123") == frozenset()


def test_it_lists_the_states_where_every_party_must_know_of_a_recording():
    listed = current_rules().all_party_states(states=states(), day=date(2026, 11, 22))
    assert " ".join(listed) == "CA CT DE FL IL MA MD MI MT NH NV OR PA WA"


def test_every_rule_has_a_source():
    assert all(row.source and row.effective for row in current_rules().rows)


RULES = """
version = "test"
[[rule]]
rule = "hours"
region = "*"
value = { opens = "08:00", closes = "21:00" }
source = "law"
effective = 2000-01-01
[[rule]]
rule = "hours"
region = "*"
value = { opens = "09:00", closes = "20:00" }
source = "newer law"
effective = 2026-12-01
"""


def test_it_applies_a_rule_from_its_day_on():
    rules = rules_parse(RULES)
    facts = CallFacts(time_zones=("America/New_York",), has_consent=True)
    assert may_call(facts, now=new_york(2026, 11, 30, 8, 30), rules=rules).allowed
    assert not may_call(facts, now=new_york(2026, 12, 1, 8, 30), rules=rules).allowed


def test_it_names_what_a_rule_misses():
    with pytest.raises(ValueError, match="Calling rule 1 has no effective, source"):
        rules_parse('version = "x"\n[[rule]]\nrule = "hours"\nregion = "*"\nvalue = {}')
    with pytest.raises(ValueError, match="hours"):
        rules_parse('version = "x"')
