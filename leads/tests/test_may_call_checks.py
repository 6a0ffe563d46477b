"""The gate shows each rule with its verdict, and when that rule alone next opens."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leads.policy.may_call import CallFacts, Check, LookUp, may_call

NOON = datetime(2026, 11, 23, 12, tzinfo=ZoneInfo("America/New_York"))
FACTS = CallFacts(
    time_zones=("America/New_York",),
    states=("NY",),
    has_consent=True,
    consent_on=date(2026, 10, 1),
    national=LookUp(date(2026, 11, 20)),
    reassigned=LookUp(date(2026, 11, 20)),
    campaign_max_attempts=3,
)
NAMES = [
    "Kill switch", "Attempts of the campaign", "Budget", "Line", "Do-not-call list",
    "National registry", "Written consent", "Reassigned number", "State", "Attempts in 24 hours",
    "Attempts in 7 days", "Calling hours",
]  # fmt: skip


def check(name: str, at: datetime = NOON, **facts: object) -> Check:
    decision = may_call(replace(FACTS, **facts), now=at)  # type: ignore[arg-type]
    return next(check for check in decision.checks if check.name == name)


def test_every_rule_is_shown_with_words_also_when_it_allows_the_call() -> None:
    decision = may_call(FACTS, now=NOON)
    assert [check.name for check in decision.checks] == NAMES
    assert {check.verdict for check in decision.checks} == {"pass"}
    assert all(check.text.endswith(".") for check in decision.checks)


def test_a_refusing_rule_says_when_it_alone_opens() -> None:
    night = NOON.replace(hour=23)
    hours = check("Calling hours", night)
    assert hours.verdict == "refuse"
    assert hours.opens_at == datetime(2026, 11, 24, 8, tzinfo=ZoneInfo("America/New_York"))
    assert "23:00" in hours.text
    assert "(08:00 to 21:00)" in hours.text
    calls = tuple(NOON - timedelta(hours=n) for n in (1, 2, 3))
    assert check("Attempts in 24 hours", attempts_at=calls).opens_at == NOON + timedelta(hours=21)


def test_a_rule_that_only_a_person_can_change_opens_at_no_time() -> None:
    assert check("Do-not-call list", do_not_call=True).opens_at is None
    assert check("Written consent", has_consent=False).opens_at is None
    assert check("Kill switch", kill_switch=True).opens_at is None


def test_the_reasons_are_the_refusing_rules_and_nothing_else() -> None:
    decision = may_call(replace(FACTS, do_not_call=True, kill_switch=True), now=NOON)
    refusing = [check for check in decision.checks if check.refuses]
    assert [(check.code, check.text) for check in refusing] == [
        (reason.code, reason.text) for reason in decision.reasons
    ]


def test_california_says_that_the_campaign_documents_why() -> None:
    facts = {"states": ("CA", "NY"), "overridden_states": frozenset({"CA"})}
    assert "campaign documents" in check("State", **facts).text
    assert check("State", states=("CA", "NY")).code == "state_blocked"
    assert "AB 2905" in check("State", states=("CA", "NY")).source


def test_florida_names_its_own_law_for_its_attempts() -> None:
    assert "501.616(6)(b)" in check("Attempts in 24 hours", states=("FL",)).source


def test_a_number_on_the_national_registry_is_refused_or_said_as_the_account_wants() -> None:
    listed = LookUp(date(2026, 11, 20), listed=True)
    assert check("National registry", national=listed).code == "national_do_not_call"
    decision = may_call(replace(FACTS, national=listed, national_blocks=False), now=NOON)
    assert decision.allowed
    assert [reason.code for reason in decision.warnings] == ["national_do_not_call"]


@pytest.mark.parametrize(
    ("name", "fact", "switch", "code", "days"),
    [
        ("National registry", "national", "stale_national_blocks", "national_scrub_stale", 31),
        ("Reassigned number", "reassigned", "stale_reassigned_blocks", "reassigned_check_stale",
         45),
    ],
)  # fmt: skip
def test_a_look_up_that_is_too_old_warns_or_blocks(
    name: str, fact: str, switch: str, code: str, days: int
) -> None:
    today = NOON.astimezone(UTC).date()
    fresh, old = LookUp(today - timedelta(days=days)), LookUp(today - timedelta(days=days + 1))
    assert check(name, **{fact: fresh}).verdict == "pass"
    for stale in (old, LookUp(None)):
        assert check(name, **{fact: stale}).verdict == "warn"
        blocked = may_call(replace(FACTS, **{fact: stale, switch: True}), now=NOON)
        assert blocked.codes == (code,)
        assert blocked.opens_at is None


def test_a_reassigned_number_needs_a_consent_of_its_new_owner() -> None:
    gone = LookUp(date(2026, 10, 15), listed=True)
    assert check("Reassigned number", reassigned=gone).code == "number_reassigned"
    later = check("Reassigned number", reassigned=gone, consent_on=date(2026, 10, 16))
    assert later.verdict == "pass"


def test_numbers_outside_the_united_states_are_not_asked_for_in_american_lists() -> None:
    names = [c.name for c in may_call(replace(FACTS, national=None, reassigned=None),
                                      now=NOON).checks]  # fmt: skip
    assert "National registry" not in names
    assert "Reassigned number" not in names


@given(
    facts=st.fixed_dictionaries(
        {
            "has_consent": st.booleans(),
            "consent_was_revoked": st.booleans(),
            "do_not_call": st.booleans(),
            "on_call": st.booleans(),
            "kill_switch": st.booleans(),
            "budget_exhausted": st.booleans(),
            "campaign_running": st.booleans(),
            "campaign_attempts": st.integers(0, 5),
            "states": st.sampled_from([("NY",), ("FL",), ("CA",), ("CA", "FL"), ()]),
            "national_blocks": st.booleans(),
            "stale_national_blocks": st.booleans(),
            "national": st.builds(
                LookUp, st.none() | st.just(date(2026, 11, 1)), st.just(value=False)
            ),
        }
    ),
    hour=st.integers(0, 23),
)
def test_it_allows_a_call_exactly_when_no_rule_refuses(facts: dict[str, object], hour: int) -> None:
    decision = may_call(replace(FACTS, **facts), now=NOON.replace(hour=hour))  # type: ignore[arg-type]
    assert decision.allowed is not any(check.refuses for check in decision.checks)
    assert set(decision.codes) == {check.code for check in decision.checks if check.refuses}
    for check in decision.checks:
        assert not (check.warns and not check.code)
        if check.opens_at:
            assert check.refuses
