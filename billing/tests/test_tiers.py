"""Which voice a call begins with, and when it changes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.policy.tiers import (
    FOR_GOOD,
    TierFacts,
    TierPolicy,
    TierReason,
    tier_at_dial,
    tier_next,
)

LOCAL, PREMIUM = TierPolicy("local"), TierPolicy("premium")
BY_SCORE = TierPolicy("by_score", premium_from=70)


@pytest.mark.parametrize(
    ("policy", "facts", "tier", "reason"),
    [
        (LOCAL, TierFacts(score=100), "local", TierReason.LOCAL_ONLY),
        (PREMIUM, TierFacts(), "premium", TierReason.PREMIUM_ONLY),
        (PREMIUM, TierFacts(pressure="soft"), "local", TierReason.BUDGET),
        (PREMIUM, TierFacts(quota_used_up=True), "local", TierReason.QUOTA),
        (PREMIUM, TierFacts(engine_failed=True, pressure="soft"), "local", TierReason.ENGINE),
        (BY_SCORE, TierFacts(), "local", TierReason.SCORE_UNKNOWN),
        (BY_SCORE, TierFacts(score=69), "local", TierReason.SCORE_BELOW),
        (BY_SCORE, TierFacts(score=70), "premium", TierReason.SCORE_REACHED),
        (BY_SCORE, TierFacts(score=70, pressure="soft"), "local", TierReason.BUDGET),
    ],
)
def test_a_call_begins_with_the_tier_it_is_worth(policy, facts, tier, reason):
    choice = tier_at_dial(policy, facts)
    assert (choice.tier, choice.reason) == (tier, reason)
    assert choice.words


def test_a_running_call_goes_up_when_the_score_gets_there():
    below = tier_next(BY_SCORE, TierFacts(score=69), current="local", went_down=False)
    assert (below.tier, below.reason) == ("local", TierReason.UNCHANGED)
    there = tier_next(BY_SCORE, TierFacts(score=70), current="local", went_down=False)
    assert (there.tier, there.reason) == ("premium", TierReason.SCORE_REACHED)


def test_a_score_that_falls_takes_nothing_back():
    choice = tier_next(BY_SCORE, TierFacts(score=5), current="premium", went_down=False)
    assert choice.tier == "premium"


@pytest.mark.parametrize("pressure", ["soft", "hard"])
def test_a_budget_that_presses_takes_the_premium_voice_from_every_policy(pressure):
    for policy in (PREMIUM, BY_SCORE):
        facts = TierFacts(score=90, pressure=pressure)
        choice = tier_next(policy, facts, current="premium", went_down=False)
        assert (choice.tier, choice.reason) == ("local", TierReason.BUDGET)


def test_a_call_that_went_down_stays_down():
    choice = tier_next(BY_SCORE, TierFacts(score=95), current="local", went_down=True)
    assert (choice.tier, choice.reason) == ("local", TierReason.UNCHANGED)


def test_a_local_campaign_is_never_taken_up():
    choice = tier_next(LOCAL, TierFacts(score=100), current="local", went_down=False)
    assert choice.tier == "local"


facts_of_a_moment = st.builds(
    TierFacts,
    score=st.none() | st.integers(0, 100),
    pressure=st.sampled_from(["normal", "soft", "hard"]),
    quota_used_up=st.booleans(),
    engine_failed=st.booleans(),
)
policies = st.builds(
    TierPolicy,
    mode=st.sampled_from(["local", "premium", "by_score"]),
    premium_from=st.integers(0, 100),
)


@given(policy=policies, moments=st.lists(facts_of_a_moment, min_size=1, max_size=30))
def test_whatever_wavers_a_call_changes_its_voice_at_most_twice(policy, moments):
    choice = tier_at_dial(policy, moments[0])
    tier, went_down = choice.tier, choice.reason in FOR_GOOD
    heard = [tier]
    for facts in moments[1:]:
        choice = tier_next(policy, facts, current=tier, went_down=went_down)
        assert (choice.tier == tier) == (choice.reason is TierReason.UNCHANGED)
        if choice.tier != tier:
            tier = choice.tier
            heard.append(tier)
            went_down = went_down or choice.reason in FOR_GOOD
        if tier == "premium":
            assert facts.pressure == "normal"
            assert not facts.engine_failed
    assert heard in (
        ["local"], ["premium"], ["local", "premium"], ["premium", "local"],
        ["local", "premium", "local"],
    )  # fmt: skip
