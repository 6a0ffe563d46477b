"""Past calls are priced again under another tier policy."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest

from billing.policy.tiers import TierPolicy
from billing.selectors import PriceUnknown, call_cost
from billing.services import charge_record, prices_seed
from calls.desk.past_calls import WhatIfs, answered_calls, past_calls, speech_of, tier_what_ifs
from calls.models import Call, CallSpeech
from calls.services.call_speech import call_speech_add
from leads.models import LeadScore
from tests.factories import (
    CallFactory,
    CampaignFactory,
    LeadScoreFactory,
    ScoreFactorFactory,
    TurnFactory,
)

pytestmark = pytest.mark.django_db

NOON = datetime.fromisoformat("2026-11-18T18:00:00+00:00")
DAY = timedelta(days=1)
LINES = (
    ("agent", "Good day. " * 10),
    ("lead", "We want to sell next month"),
    ("agent", "That is soon. " * 10),
    ("lead", "No agent yet"),
    ("agent", "Shall we meet? " * 10),
)


@pytest.fixture(autouse=True)
def _prices(db: None) -> None:
    prices_seed()


def charge(call: Call, component: str, provider: str, quantity: str, model: str = "*") -> None:
    charge_record(
        key=f"{call.pk}:{component}", call_id=call.pk, campaign_id=call.campaign_id,
        component=component, provider=provider, quantity=Decimal(quantity), model=model, at=NOON,
    )  # fmt: skip
    Call.objects.filter(pk=call.pk).update(cost=call_cost(call.pk))


def make_call(tier: str = "local", **fields: Any) -> Call:
    call: Call = CallFactory(ended=True, **fields)
    Call.objects.filter(pk=call.pk).update(created_at=NOON)
    for speaker, text in LINES:
        TurnFactory(call=call, speaker=speaker, text=text, tier=tier if speaker == "agent" else "")
    charge(call, "telephony_out", "twilio", "2")
    return call


def scored(call: Call) -> None:
    score = LeadScoreFactory(lead=call.lead, call=call, value=75)
    for name, points, evidence in (
        ("timeframe", 45, "sell next month"), ("has_agent", 30, "no agent yet"), ("talk", 5, ""),
    ):  # fmt: skip
        ScoreFactorFactory(
            score=score, name=name, points=points, evidence=evidence, turn_index=None
        )


def found_calls() -> list[Call]:
    return list(answered_calls(since=NOON, until=NOON + DAY))


def priced_again(*policies: TierPolicy, **limits: int) -> WhatIfs:
    return tier_what_ifs(
        policies=policies or [TierPolicy("premium")],
        since=NOON,
        until=NOON + DAY,
        day=NOON.date(),
        **limits,
    )


def test_the_words_of_calls_are_added_up_with_what_was_paid_for_them(
    django_assert_num_queries: Any,
) -> None:
    for _ in range(3):
        charge(make_call("premium"), "tts", "elevenlabs", "0.195", "eleven_flash_v2_5")
    calls = found_calls()
    with django_assert_num_queries(3):
        rows = speech_of(calls)
    assert [(row.voice, row.sent, row.heard, row.said) for row in rows] == [
        (Decimal("0.0117"), Decimal("0.195"), 390, [(-1, 390)])
    ] * 3


def test_a_turn_knows_what_the_lead_had_shown_by_then() -> None:
    scored(make_call())
    [call] = past_calls(found_calls())
    assert [turn.score for turn in call.turns] == [0, 45, 75]
    assert speech_of(found_calls())[0].said == [(0, 100), (45, 140), (75, 150)]


def test_what_the_lead_was_worth_is_what_was_known_when_it_was_dialled() -> None:
    call = make_call()
    for value, at in ((30, NOON - DAY), (60, NOON - DAY / 2), (90, NOON + DAY)):
        score = LeadScoreFactory(lead=call.lead, value=value)
        LeadScore.objects.filter(pk=score.pk).update(created_at=at)
    [found] = past_calls(found_calls())
    assert found.score_at_dial == 60


def test_the_share_that_is_sent_is_measured_on_premium_calls() -> None:
    make_call()
    assert priced_again().sent_share == 1
    charge(make_call("premium"), "tts", "elevenlabs", "0.195", "eleven_flash_v2_5")
    assert priced_again().sent_share == Fraction(1, 2)


def test_only_settled_answered_calls_of_the_time_and_campaign_count() -> None:
    campaign = CampaignFactory()
    mine = make_call(campaign=campaign)
    make_call()
    for change in ({"settled_at": None}, {"answered_at": None}, {"created_at": NOON + DAY}):
        Call.objects.filter(pk=make_call(campaign=campaign).pk).update(**change)
    found = answered_calls(since=NOON, until=NOON + DAY, campaign_id=campaign.pk)
    assert list(found) == [mine]


POLICIES = (TierPolicy("local"), TierPolicy("by_score", premium_from=70), TierPolicy("premium"))


def test_calls_cost_the_same_before_and_after_their_words_are_added_up() -> None:
    scored(make_call())
    charge(make_call("premium"), "tts", "elevenlabs", "0.3", "eleven_flash_v2_5")
    before = priced_again(*POLICIES)
    settled = Call.objects.order_by("-settled_at")[0].settled_at
    assert settled is not None
    call_speech_add(now=settled + timedelta(minutes=59), seconds=9)
    assert not CallSpeech.objects.exists()
    assert not call_speech_add(now=settled + timedelta(minutes=61), seconds=9)
    assert CallSpeech.objects.count() == 2
    after = priced_again(*POLICIES)
    assert (after.sent_share, after.priced) == (before.sent_share, 2)
    assert [(one.was, one.would_be, one.p95) for one in after.results] == [
        (one.was, one.would_be, one.p95) for one in before.results
    ]
    assert not call_speech_add(now=settled + DAY, seconds=9)


def test_words_are_added_up_a_part_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("calls.services.call_speech._AT_ONCE", 2)
    for _ in range(3):
        make_call()
    later = NOON + 100 * 365 * DAY
    assert call_speech_add(now=later, seconds=-1)
    assert CallSpeech.objects.count() == 2
    assert not call_speech_add(now=later, seconds=9)
    assert CallSpeech.objects.count() == 3


@pytest.mark.parametrize("limit", ["most", "most_fresh"])
def test_it_is_told_what_share_of_the_calls_was_looked_at(limit: str) -> None:
    for _ in range(4):
        make_call()
    found = priced_again(**{limit: 1})
    assert (found.priced, found.in_all, found.share) == (1, 4, 0.25)
    whole = priced_again()
    assert (whole.priced, whole.in_all, whole.share) == (4, 4, 1.0)


@pytest.mark.parametrize(
    ("policy", "would_be"),
    [
        (TierPolicy("local"), "0.028"),
        (TierPolicy("by_score", premium_from=70), "0.037"),
        (TierPolicy("by_score", premium_from=40), "0.0454"),
        (TierPolicy("premium"), "0.0514"),
    ],
)
def test_a_policy_is_priced_at_list_prices(policy: TierPolicy, would_be: str) -> None:
    scored(make_call())
    whole = priced_again(policy)
    [found] = whole.results
    assert found.was == Decimal("0.028")
    assert found.would_be == Decimal(would_be)


def test_a_voice_without_a_price_is_named(settings: Any) -> None:
    settings.ENV = settings.ENV.model_copy(update={"elevenlabs_model": "eleven_unheard_of"})
    with pytest.raises(PriceUnknown, match="eleven_unheard_of"):
        priced_again()
