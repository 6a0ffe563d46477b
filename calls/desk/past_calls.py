"""Past calls as `billing.policy.what_if` wants them: what they cost, said, and were worth when."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db.models import Q, QuerySet, Sum

from billing.models import Charge
from billing.models.price import Component
from billing.policy.rounding import micro
from billing.policy.tiers import TierPolicy
from billing.policy.what_if import (
    PastCall,
    PricedCall,
    SpokenTurn,
    VoicePrice,
    WhatIf,
    said_by_score,
    sent_share_of,
    what_if,
)
from billing.selectors import price_on
from calls.desk.call_page import turn_where_said
from calls.models import Call, CallSpeech, Turn
from leads.models import LeadScore

PREMIUM_PROVIDER = "elevenlabs"
MOST = 50_000
"""Newest calls of a time that are priced again: what a viewer waits for without noticing."""
MOST_FRESH = 500
"""Of them, calls whose words are not added up yet; the job that does it leaves fewer."""


@dataclass(frozen=True, slots=True)
class WhatIfs:
    """Some policies on the same past calls."""

    results: list[WhatIf]
    """One per policy, in their order."""
    premium: VoicePrice
    local: VoicePrice
    sent_share: Fraction
    """Characters that the premium voice was sent for each one heard, measured on these calls."""
    priced: int
    """Calls that were looked at."""
    in_all: int
    """Calls of the time; more than `priced` where there are too many to look at."""

    @property
    def share(self) -> float:
        """The share of the time's calls that was looked at (0-1)."""
        return self.priced / self.in_all if self.in_all else 1.0


def tier_what_ifs(
    *,
    policies: Sequence[TierPolicy],
    since: datetime,
    until: datetime,
    campaign_id: UUID | None = None,
    day: date,
    most: int = MOST,
    most_fresh: int = MOST_FRESH,
) -> WhatIfs:
    """Return what the settled calls of a time would have cost, under each of some policies.

    A constant number of queries. Words are read from their sums (`CallSpeech`), and turn by turn
    for the calls that have none yet.

    Args:
        since, until: when the calls were made; `until` is the first moment after.
        day: whose prices hold for the voices.
        most: how many calls are looked at, the newest.
        most_fresh: how many of them may have no sums yet.

    Raises:
        PriceUnknown: the price list lacks one of the voices; it names which.
    """
    premium, local = voice_prices(day)
    calls = answered_calls(since=since, until=until, campaign_id=campaign_id)
    read, left_out = _read(calls, most=most, most_fresh=most_fresh)
    priced = [PricedCall(pk, cost, voice, said) for pk, cost, voice, said, _, _ in read]
    share = sent_share_of(
        charged=sum((row[4] for row in read), Decimal(0)), spoken=sum(row[5] for row in read)
    )
    return WhatIfs(
        results=[
            what_if(priced, policy=policy, premium=premium, local=local, sent_share=share)
            for policy in policies
        ],
        premium=premium,
        local=local,
        sent_share=share,
        priced=len(priced),
        in_all=calls.count() if left_out else len(priced),
    )


def answered_calls(
    *, since: datetime, until: datetime, campaign_id: UUID | None = None
) -> QuerySet[Call]:
    """Return the calls that were answered and whose money is settled, newest first."""
    scope = Q(
        created_at__gte=since,
        created_at__lt=until,
        settled_at__isnull=False,
        answered_at__isnull=False,
    )
    if campaign_id is not None:
        scope &= Q(campaign_id=campaign_id)
    return Call.objects.filter(scope).order_by("-created_at")


def past_calls(calls: Sequence[Call]) -> list[PastCall]:
    """Return what calls said and were worth when, in a constant number of queries."""
    return _past(calls, _turns(calls))


def speech_of(calls: Sequence[Call]) -> list[CallSpeech]:
    """Return the words of calls added up, not saved, in a constant number of queries."""
    turns = _turns(calls)
    voice, sent = _paid([call.pk for call in calls])
    return [
        CallSpeech(
            call_id=call.pk,
            said=said_by_score(past),
            voice=voice[call.pk],
            sent=sent[call.pk],
            heard=sum(len(turn.text) for turn in turns[call.pk] if turn.tier == "premium"),
        )
        for call, past in zip(calls, _past(calls, turns), strict=True)
    ]


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


def _read(
    calls: QuerySet[Call], *, most: int, most_fresh: int
) -> tuple[list[tuple[Any, ...]], bool]:
    """Return calls with their words added up, and whether some had to be left out."""
    rows = list(
        calls.values_list(
            "pk", "cost", "speech__voice", "speech__said", "speech__sent", "speech__heard"
        )[:most]
    )
    read = [row for row in rows if row[2] is not None]
    costs = {row[0]: row[1] for row in rows if row[2] is None}
    ids = list(costs)[:most_fresh]
    fresh = list(Call.objects.filter(pk__in=ids).only("pk", "lead_id", "created_at"))
    read += [
        (row.call_id, costs[row.call_id], row.voice, row.said, row.sent, row.heard)
        for row in speech_of(fresh)
    ]
    return read, len(rows) == most or len(costs) > len(ids)


def _turns(calls: Sequence[Call]) -> dict[UUID, list[Turn]]:
    turns: dict[UUID, list[Turn]] = defaultdict(list)
    found = Turn.objects.filter(call_id__in=[call.pk for call in calls])
    for turn in found.order_by("call_id", "index"):
        turns[turn.call_id].append(turn)
    return turns


def _past(calls: Sequence[Call], turns: dict[UUID, list[Turn]]) -> list[PastCall]:
    own, before = _scores(calls)
    return [
        PastCall(before.get(call.pk), _spoken(turns[call.pk], own.get(call.pk))) for call in calls
    ]


def _paid(ids: list[UUID]) -> tuple[dict[UUID, Decimal], dict[UUID, Decimal]]:
    """Return USD per call for the agent's voice, and thousands of characters of the premium one."""
    voice: dict[UUID, Decimal] = defaultdict(Decimal)
    sent: dict[UUID, Decimal] = defaultdict(Decimal)
    sums = (
        Charge.objects.filter(call_id__in=ids, component=Component.TTS)
        .order_by()
        .values_list("call_id", "provider")
        .annotate(total=Sum("amount"), used=Sum("quantity"))
    )
    for call_id, provider, total, used in sums:
        # SQLite adds decimals as binary fractions; to six places the sum is exact again.
        voice[call_id] += micro(total)
        if provider == PREMIUM_PROVIDER:
            sent[call_id] += micro(used)
    return voice, sent


def _scores(calls: Sequence[Call]) -> tuple[dict[UUID, LeadScore], dict[UUID, int]]:
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
