"""What past calls would have cost under another tier policy."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.policy.tiers import TierPolicy, TierReason
from billing.policy.what_if import (
    PastCall,
    PricedCall,
    SpokenTurn,
    VoicePrice,
    WhatIf,
    premium_characters,
    said_by_score,
    sent_share_of,
    tiers_of,
    what_if,
)

FLASH = VoicePrice(Decimal("0.06"))
OWN = VoicePrice(Decimal(0))
LOCAL, PREMIUM = TierPolicy("local"), TierPolicy("premium")
BY_SCORE = TierPolicy("by_score", premium_from=70)


def past(*turns: tuple[int, int | None], score: int | None = None) -> PastCall:
    """Return a call with agent's turns of (characters, score so far), ten seconds apart."""
    spoken = [
        SpokenTurn(number * 10_000, characters, so_far)
        for number, (characters, so_far) in enumerate(turns)
    ]
    return PastCall(score, spoken)


def priced(call: PastCall, *, rest: str = "0.072", voice: str = "0") -> PricedCall:
    """Return a call with what it cost, in USD for the voice and for the rest."""
    cost = Decimal(rest) + Decimal(voice)
    return PricedCall(uuid4(), cost, Decimal(voice), said_by_score(call))


def price(
    *calls: PastCall | PricedCall, policy: TierPolicy, share: Fraction = Fraction(1)
) -> WhatIf:
    rows = [priced(call) if isinstance(call, PastCall) else call for call in calls]
    return what_if(rows, policy=policy, premium=FLASH, local=OWN, sent_share=share)


def test_a_premium_call_pays_for_every_character():
    result = price(past((500, None), (1500, None)), policy=PREMIUM)
    assert result.would_be == Decimal("0.072") + Decimal("0.12")
    assert (result.was, result.difference) == (Decimal("0.072"), Decimal("0.12"))
    assert (result.premium_calls, result.unchanged) == (1, 0)


def test_a_local_policy_saves_what_the_voice_cost():
    result = price(priced(past((2000, None)), voice="0.12"), policy=LOCAL)
    assert (result.was, result.would_be) == (Decimal("0.192"), Decimal("0.072"))
    assert result.premium_calls == 0


def test_by_score_pays_from_the_turn_on_at_which_the_score_is_there():
    call = past((1000, None), (1000, 50), (1000, 72), (1000, 40))
    result = price(call, policy=BY_SCORE)
    assert result.would_be == Decimal("0.072") + Decimal("0.12")
    tiers = [
        (change.at_ms, change.choice.tier, change.choice.reason)
        for change in tiers_of(call, BY_SCORE)
    ]
    assert tiers == [
        (0, "local", TierReason.SCORE_UNKNOWN), (20_000, "premium", TierReason.SCORE_REACHED),
    ]  # fmt: skip


def test_by_score_begins_premium_for_a_lead_with_the_score():
    call = past((1000, 5), score=85)
    assert price(call, policy=BY_SCORE).premium_calls == 1
    assert len(tiers_of(call, BY_SCORE)) == 1


def test_the_calls_that_differ_most_come_first():
    calls = [priced(past((characters, None))) for characters in (100, 300, 0, 200)]
    result = price(*calls, policy=PREMIUM)
    assert [each.call_id for each in result.furthest] == [
        calls[index].call_id for index in (1, 3, 0)
    ]
    assert result.furthest[0].more == Decimal("0.018")
    assert result.unchanged == 1


def test_the_cache_spares_its_share():
    result = price(past((1000, None)), policy=PREMIUM, share=Fraction(1, 4))
    assert result.would_be == Decimal("0.072") + Decimal("0.015")


def test_the_share_is_what_was_charged_for_what_was_heard():
    assert sent_share_of(charged=Decimal("0.5"), spoken=2000) == Fraction(1, 4)
    assert sent_share_of(charged=Decimal(0), spoken=0) == 1


def test_a_negative_share_is_refused():
    with pytest.raises(ValueError, match="negative"):
        price(policy=PREMIUM, share=Fraction(-1))


def test_a_call_that_nobody_answered_costs_what_it_cost():
    result = price(priced(past(), rest="0"), policy=PREMIUM)
    assert (result.was, result.would_be, result.premium_calls) == (0, 0, 0)


def test_mean_and_p95_are_of_the_calls():
    calls = [priced(past(), rest=str(Decimal(cents) / 100)) for cents in range(1, 101)]
    result = price(*calls, policy=LOCAL)
    assert (result.mean, result.p95) == (Decimal("0.505"), Decimal("0.95"))
    nothing = price(policy=LOCAL)
    assert (nothing.mean, nothing.p95, nothing.would_be) == (None, None, 0)


scores = st.none() | st.integers(0, 100)
past_calls = st.builds(
    PastCall,
    score_at_dial=scores,
    turns=st.lists(
        st.builds(
            SpokenTurn, at_ms=st.integers(0, 600_000), characters=st.integers(0, 900), score=scores
        ),
        max_size=8,
    ),
)
priced_calls = st.builds(
    PricedCall,
    call_id=st.uuids(),
    cost=st.decimals(1, 2, places=6),
    voice=st.decimals(0, 1, places=6),
    said=past_calls.map(said_by_score),
)
prices = st.builds(VoicePrice, unit_price=st.decimals(0, 1, places=6))
shares = st.fractions(0, 2, max_denominator=50)


@given(call=past_calls, policy=st.sampled_from([LOCAL, PREMIUM]) | st.builds(
    TierPolicy, mode=st.just("by_score"), premium_from=st.integers(0, 100)
))  # fmt: skip
def test_words_added_up_by_score_are_those_of_a_live_call_s_decisions(call, policy):
    changes = tiers_of(call, policy)
    assert len(changes) <= 2
    turn_by_turn, tier = 0, changes[0].choice.tier
    known = call.score_at_dial
    for turn in call.turns:
        heard = [score for score in (known, turn.score) if score is not None]
        known = max(heard, default=None)
        if policy.mode == "by_score" and known is not None and known >= policy.premium_from:
            tier = "premium"
        turn_by_turn += turn.characters if tier == "premium" else 0
    assert premium_characters(said_by_score(call), policy) == turn_by_turn
    if turn_by_turn:
        assert changes[-1].choice.tier == "premium"


@given(
    calls=st.lists(priced_calls, max_size=6),
    premium=prices,
    share=shares,
    low=st.integers(0, 100),
    more=st.integers(0, 100),
)
def test_sums_are_their_parts_and_a_stricter_policy_never_costs_more(
    calls, premium, share, low, more
):
    policies = [
        LOCAL,
        TierPolicy("by_score", premium_from=low + more),
        TierPolicy("by_score", premium_from=low),
        PREMIUM,
    ]
    totals = []
    for policy in policies:
        result = what_if(calls, policy=policy, premium=premium, local=OWN, sent_share=share)
        assert result.was == sum((call.cost for call in calls), Decimal(0))
        assert result.unchanged + len(result.furthest) == len(calls)
        assert result.difference == sum((each.more for each in result.furthest), Decimal(0))
        assert all(each.would_be >= 0 for each in result.furthest)
        totals.append(result.would_be)
    assert totals == sorted(totals)
    assert totals[0] == sum((call.cost - call.voice for call in calls), Decimal(0))
