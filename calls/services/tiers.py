"""Which voice a call speaks with: decided when it begins, and again at every tick of its meter.

Every decision is an event of the call ("tier", with the tier, the one before and why); a change is
in the lead's timeline too. `Call.voice_tier` stays the tier that the call began with. What voice
makes of it is its own event, "voice_tier": where that went local without being asked to, the
premium voice has failed, and neither this call nor the next ones ask for it again.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import cast

from django.conf import settings
from django.db import transaction

from agents.scoring import score
from billing.models import Reservation
from billing.models.price import Component
from billing.policy.limits import Pressure
from billing.policy.tiers import (
    FOR_GOOD,
    TURN_CHARACTERS,
    Mode,
    Tier,
    TierChoice,
    TierFacts,
    TierPolicy,
    TierReason,
    tier_at_dial,
    tier_next,
)
from billing.selectors import PriceUnknown, price_of, price_on
from billing.services import reservation_extend
from calls.models import Call, CallEvent, Campaign
from calls.selectors import notes_of
from calls.services.record import event_record
from leads.services import timeline_add

PREMIUM_PROVIDER = "elevenlabs"
DECIDED = "tier"
HEARD = "voice_tier"
FAILURE_REMEMBERED = timedelta(minutes=5)
"""How long calls begin with the local voice after the premium one failed on another call."""
_QUOTA_WORDS = ("quota", "credits")


@dataclass(frozen=True, slots=True)
class _Past:
    """What a call's events say of its tier."""

    tier: Tier
    reason: TierReason
    went_down: bool
    changes: int
    failure: TierReason | None


def policy_of(campaign: Campaign) -> TierPolicy:
    """Return what a campaign wants of the voice."""
    return TierPolicy(cast(Mode, campaign.voice_tier), campaign.premium_from_score)


def tier_begin(*, call: Call, now: datetime) -> TierChoice:
    """Decide the tier of a call to be made or taken now, and keep it with the reason.

    Call it in the transaction that makes the call, after its money is promised: the promise may
    be what brings a budget to its soft share, and the meter would see that seconds later.
    """
    if call.campaign is None or call.campaign.voice_tier == Campaign.VoiceTier.LOCAL:
        choice = tier_at_dial(TierPolicy("local"), TierFacts())
    else:
        failure = _failure_of_others(now)
        facts = TierFacts(
            score=call.lead.score,
            pressure=reservation_extend(call_id=call.pk, amount_total=Decimal(0), now=now),
            quota_used_up=failure is TierReason.QUOTA,
            engine_failed=failure is TierReason.ENGINE or not _set_up(),
        )
        choice = tier_at_dial(policy_of(call.campaign), facts)
        if choice.tier == "premium" and not _turn_promised(call, now):
            choice = TierChoice("local", TierReason.BUDGET)
    if call.voice_tier != choice.tier:
        call.voice_tier = choice.tier
        call.save(update_fields=["voice_tier", "updated_at"])
    _event(call, choice, before="", now=now)
    return choice


def tier_tick(*, call: Call, pressure: Pressure, now: datetime) -> TierChoice:
    """Decide the tier of a live call anew, keep the change if it is one, and return what holds.

    Called by the call's meter only, one tick after the other.

    Args:
        call: with its campaign; its notes as they were last kept.
    """
    if call.campaign is None or call.campaign.voice_tier == Campaign.VoiceTier.LOCAL:
        return TierChoice("local", TierReason.LOCAL_ONLY)
    past = _past(call)
    facts = TierFacts(
        score=_score_so_far(call),
        pressure=pressure,
        quota_used_up=past.failure is TierReason.QUOTA,
        engine_failed=past.failure is TierReason.ENGINE or not _set_up(),
    )
    choice = tier_next(policy_of(call.campaign), facts, current=past.tier, went_down=past.went_down)
    if choice.tier == past.tier:
        return TierChoice(past.tier, past.reason)
    if choice.tier == "premium" and not _turn_promised(call, now):
        # Taken up now it would be taken down at the next tick: it is not worth being heard.
        return TierChoice(past.tier, past.reason)
    with transaction.atomic():
        _event(call, choice, before=past.tier, now=now)
        timeline_add(
            lead_id=call.lead_id,
            kind="call",
            text=f"Voice of the call changed to {choice.tier}: {choice.words}.",
            call_id=call.pk,
            data={"tier": choice.tier, "reason": choice.reason.value},
            key=f"tier:{call.pk}:{past.changes + 1}",
            at=now,
        )
    return choice


def tier_now(call: Call) -> Tier:
    """Return what a call, given with its campaign, speaks with now."""
    if call.campaign is None or call.campaign.voice_tier == Campaign.VoiceTier.LOCAL:
        return "local"
    return _past(call).tier


def turn_ahead(now: datetime) -> Decimal:
    """Return the USD of one turn of the premium voice, which may be said before it is charged.

    Nothing without a price: such speech is not charged either.
    """
    try:
        price = price_on(
            provider=PREMIUM_PROVIDER,
            component=Component.TTS,
            region="US",
            model=settings.ENV.elevenlabs_model,
            day=now.date(),
        )
    except PriceUnknown:
        return Decimal(0)
    return price_of(price, Fraction(TURN_CHARACTERS, 1000))


def _turn_promised(call: Call, now: datetime) -> bool:
    """Promise a turn of the premium voice on top of what is promised; whether no budget objects."""
    promised = Reservation.objects.filter(call=call).values_list("amount", flat=True).first()
    if promised is None:
        return False
    total = promised + turn_ahead(now)
    return reservation_extend(call_id=call.pk, amount_total=total, now=now) == "normal"


def _event(call: Call, choice: TierChoice, *, before: str, now: datetime) -> None:
    offset = now - call.stream_started_at if call.stream_started_at else None
    event_record(
        call_id=call.pk,
        kind=DECIDED,
        offset_ms=max(round(offset.total_seconds() * 1000), 0) if offset is not None else None,
        data={
            "tier": choice.tier,
            "before": before,
            "reason": choice.reason.value,
            "why": choice.words,
        },
        now=now,
    )


def _past(call: Call) -> _Past:
    events = list(
        CallEvent.objects.filter(call_id=call.pk, kind__in=(DECIDED, HEARD)).order_by("at")
    )
    decided = [event.data for event in events if event.kind == DECIDED]
    tier = str(decided[-1]["tier"]) if decided else call.voice_tier
    return _Past(
        tier="premium" if tier == "premium" else "local",
        reason=TierReason(decided[-1]["reason"]) if decided else TierReason.UNCHANGED,
        went_down=any(data["reason"] in FOR_GOOD for data in decided),
        changes=sum(1 for data in decided if data["before"]),
        failure=_failure([event for event in events if event.kind == HEARD]),
    )


def _failure_of_others(now: datetime) -> TierReason | None:
    """Return whether the premium voice failed on a call of the last minutes."""
    since = now - FAILURE_REMEMBERED
    return _failure(
        CallEvent.objects.filter(
            call__created_at__gte=since - timedelta(hours=1), kind=HEARD, at__gte=since
        )
    )


def _failure(heard: Iterable[CallEvent]) -> TierReason | None:
    """Return why voice left the premium tier without being asked to, if it did."""
    asked_for = {reason.words for reason in TierReason}
    for event in heard:
        why = str(event.data.get("reason", ""))
        if event.data.get("tier") == "local" and why not in asked_for:
            used_up = any(word in why.lower() for word in _QUOTA_WORDS)
            return TierReason.QUOTA if used_up else TierReason.ENGINE
    return None


def _set_up() -> bool:
    return bool(settings.ENV.elevenlabs_api_keys.get_secret_value())


def _score_so_far(call: Call) -> int | None:
    """Return the higher of what the lead was worth before and what was heard until now."""
    known = call.lead.score
    if not call.notes:
        return known
    heard = score(notes_of(call)).value
    return heard if known is None else max(known, heard)
