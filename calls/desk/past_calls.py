"""Past calls as `billing.policy.what_if` wants them: what they cost, said, and were worth when."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction
from uuid import UUID

from django.conf import settings
from django.db.models import Q, QuerySet, Sum
from django.db.models.functions import Length

from billing.models import Charge
from billing.models.price import Component
from billing.policy.rounding import micro
from billing.policy.tiers import TierPolicy
from billing.policy.what_if import (
    PastCall,
    SpokenTurn,
    VoicePrice,
    WhatIf,
    sent_share_of,
    what_if,
)
from billing.selectors import price_on
from calls.desk.call_page import turn_where_said
from calls.models import Call, Turn
from leads.models import LeadScore

PREMIUM_PROVIDER = "elevenlabs"
MOST = 5000


@dataclass(frozen=True, slots=True)
class WhatIfs:
    """Some policies on the same past calls."""

    results: list[WhatIf]
    """One per policy, in their order."""
    premium: VoicePrice
    local: VoicePrice
    sent_share: Fraction
    """Characters that the premium voice was sent for each one heard, measured on these calls."""
    more: bool
    """Whether older calls were left out."""


def tier_what_ifs(
    *,
    policies: Sequence[TierPolicy],
    since: datetime,
    until: datetime,
    campaign_id: UUID | None = None,
    day: date,
    most: int = MOST,
) -> WhatIfs:
    """Return what the settled calls of a time would have cost, under each of some policies.

    Args:
        since, until: when the calls were made; `until` is the first moment after.
        day: whose prices hold for the voices.
        most: how many calls are looked at, the newest.

    Raises:
        PriceUnknown: the price list lacks one of the voices; it names which.
    """
    premium, local = voice_prices(day)
    calls = settled_calls(since=since, until=until, campaign_id=campaign_id)
    answered = calls.filter(answered_at__isnull=False)
    read = past_calls(answered, most=most)
    share = sent_share([call.call_id for call in read])
    return WhatIfs(
        results=[
            what_if(read, policy=policy, premium=premium, local=local, sent_share=share)
            for policy in policies
        ],
        premium=premium,
        local=local,
        sent_share=share,
        more=len(read) == most and answered[most:].exists(),
    )


def settled_calls(
    *, since: datetime, until: datetime, campaign_id: UUID | None = None
) -> QuerySet[Call]:
    """Return the calls whose money is settled, newest first."""
    scope = Q(created_at__gte=since, created_at__lt=until, settled_at__isnull=False)
    if campaign_id is not None:
        scope &= Q(campaign_id=campaign_id)
    return Call.objects.filter(scope).order_by("-created_at")


def past_calls(calls: QuerySet[Call], *, most: int = MOST) -> list[PastCall]:
    """Return calls with their costs and the agent's turns, in a constant number of queries."""
    rows = list(calls.only("pk", "lead_id", "created_at")[:most])
    ids = [call.pk for call in rows]
    voice, rest = _costs(ids)
    turns: dict[UUID, list[Turn]] = defaultdict(list)
    for turn in Turn.objects.filter(call_id__in=ids).order_by("call_id", "index"):
        turns[turn.call_id].append(turn)
    own, before = _scores(rows)
    return [
        PastCall(
            call_id=call.pk,
            rest=rest[call.pk],
            voice=voice[call.pk],
            score_at_dial=before.get(call.pk),
            turns=_spoken(turns[call.pk], own.get(call.pk)),
        )
        for call in rows
    ]


def sent_share(call_ids: Sequence[UUID]) -> Fraction:
    """Return how many characters the premium voice was sent for each one heard; 1 if none was."""
    charged = Charge.objects.filter(
        call_id__in=call_ids, provider=PREMIUM_PROVIDER, component=Component.TTS
    ).aggregate(total=Sum("quantity"))["total"]
    heard = Turn.objects.filter(
        call_id__in=call_ids, speaker=Turn.Speaker.AGENT, tier="premium"
    ).aggregate(total=Sum(Length("text")))["total"]
    return sent_share_of(charged=micro(Decimal(charged or 0)), spoken=heard or 0)


def voice_prices(day: date) -> tuple[VoicePrice, VoicePrice]:
    """Return the prices of the premium and the local voice that are set up.

    Raises:
        PriceUnknown: one of them has none.
    """
    env = settings.ENV
    # The engine that speaks through Piper's server has Piper's price.
    local = "piper" if env.tts_engine.startswith("piper") else env.tts_engine
    return (_price(PREMIUM_PROVIDER, env.elevenlabs_model, day), _price(local, "*", day))


def _price(provider: str, model: str, day: date) -> VoicePrice:
    row = price_on(provider=provider, component=Component.TTS, region="US", model=model, day=day)
    return VoicePrice(row.unit_price, row.increment, row.minimum, row.rounding)


def _costs(ids: list[UUID]) -> tuple[dict[UUID, Decimal], dict[UUID, Decimal]]:
    """Return USD per call for the agent's voice, and for the rest."""
    voice: dict[UUID, Decimal] = defaultdict(Decimal)
    rest: dict[UUID, Decimal] = defaultdict(Decimal)
    sums = (
        Charge.objects.filter(call_id__in=ids)
        .order_by()
        .values_list("call_id", "component")
        .annotate(total=Sum("amount"))
    )
    for call_id, component, total in sums:
        part = voice if component == Component.TTS else rest
        # SQLite adds decimals as binary fractions; to six places the sum is exact again.
        part[call_id] += micro(total)
    return voice, rest


def _scores(calls: list[Call]) -> tuple[dict[UUID, LeadScore], dict[UUID, int]]:
    """Return the scoring of each call, and what its lead was worth when it began."""
    own: dict[UUID, LeadScore] = {}
    of_lead: dict[UUID, list[LeadScore]] = defaultdict(list)
    scores = (
        LeadScore.objects.filter(lead_id__in={call.lead_id for call in calls})
        .prefetch_related("factors")
        .order_by("created_at")
    )
    for score in scores:
        of_lead[score.lead_id].append(score)
        if score.call_id is not None:
            own[score.call_id] = score
    before: dict[UUID, int] = {}
    for call in calls:
        for score in of_lead[call.lead_id]:
            if score.created_at < call.created_at:
                before[call.pk] = score.value
    return own, before


def _spoken(turns: list[Turn], score: LeadScore | None) -> list[SpokenTurn]:
    """Return the agent's turns, each with the points that the lead's words had earned before it.

    A factor without words counts for nothing until the call was over.
    """
    points: dict[int, int] = defaultdict(int)
    for factor in score.factors.all() if score is not None else ():
        index = factor.turn_index
        if index is None:
            index = turn_where_said(factor.evidence, turns)
        if index is not None:
            points[index] += factor.points
    spoken, earned = [], 0
    for turn in turns:
        if turn.speaker == Turn.Speaker.AGENT:
            known = max(0, min(100, earned)) if points else None
            spoken.append(SpokenTurn(turn.started_ms, len(turn.text), known))
        earned += points.get(turn.index, 0)
    return spoken
