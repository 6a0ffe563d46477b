"""Past calls are priced again under another tier policy."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest

from billing.policy.tiers import TierPolicy
from billing.selectors import PriceUnknown
from billing.services import charge_record, prices_seed
from calls.desk.past_calls import past_calls, sent_share, settled_calls, tier_what_ifs
from calls.models import Call
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


def test_a_call_is_its_voice_and_the_rest(django_assert_num_queries: Any) -> None:
    for _ in range(3):
        call = make_call("premium")
        charge(call, "tts", "elevenlabs", "0.39", "eleven_flash_v2_5")
    with django_assert_num_queries(4):
        found = past_calls(settled_calls(since=NOON, until=NOON + DAY))
    assert [(each.rest, each.voice) for each in found] == [
        (Decimal("0.028"), Decimal("0.0234"))
    ] * 3
    assert [turn.characters for turn in found[0].turns] == [100, 140, 150]


def test_a_turn_knows_what_the_lead_had_shown_by_then() -> None:
    scored(make_call())
    [call] = past_calls(settled_calls(since=NOON, until=NOON + DAY))
    assert [turn.score for turn in call.turns] == [0, 45, 75]


def test_what_the_lead_was_worth_is_what_was_known_when_it_was_dialled() -> None:
    call = make_call()
    for value, at in ((30, NOON - DAY), (60, NOON - DAY / 2), (90, NOON + DAY)):
        score = LeadScoreFactory(lead=call.lead, value=value)
        LeadScore.objects.filter(pk=score.pk).update(created_at=at)
    [found] = past_calls(settled_calls(since=NOON, until=NOON + DAY))
    assert found.score_at_dial == 60


def test_the_share_that_is_sent_is_measured_on_premium_calls() -> None:
    local, premium = make_call(), make_call("premium")
    assert sent_share([local.pk]) == 1
    charge(premium, "tts", "elevenlabs", "0.195", "eleven_flash_v2_5")
    assert sent_share([local.pk, premium.pk]) == Fraction(1, 2)


def test_only_settled_calls_of_the_time_and_campaign_count() -> None:
    campaign = CampaignFactory()
    mine = make_call(campaign=campaign)
    make_call()
    Call.objects.filter(pk=make_call(campaign=campaign).pk).update(settled_at=None)
    Call.objects.filter(pk=make_call(campaign=campaign).pk).update(created_at=NOON + DAY)
    found = settled_calls(since=NOON, until=NOON + DAY, campaign_id=campaign.pk)
    assert list(found) == [mine]


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
    whole = tier_what_ifs(policies=[policy], since=NOON, until=NOON + DAY, day=NOON.date())
    [found] = whole.results
    assert found.was == Decimal("0.028")
    assert found.would_be == Decimal(would_be)


def test_a_voice_without_a_price_is_named(settings: Any) -> None:
    settings.ENV = settings.ENV.model_copy(update={"elevenlabs_model": "eleven_unheard_of"})
    with pytest.raises(PriceUnknown, match="eleven_unheard_of"):
        tier_what_ifs(policies=[TierPolicy("local")], since=NOON, until=NOON + DAY, day=NOON.date())
