"""Dial the next lead that may be called now and whose call is paid for.

One call is three transactions with the carrier's request between the last two, so that a crash at
any point never dials twice:

1. claim: the enrolment becomes `claimed`, the gate is asked, the call row is made (`created`), its
   number and its money are taken, and the account's next call. All or nothing.
2. the call becomes `dialing`. Until here the carrier has surely not heard of it: a row left in
   `created` is failed by the watchdog and its lead waits again.
3. the answer of `POST /Calls` is written. Lost: `unconfirmed` (see `calls.services.sending`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import structlog
from django.db import IntegrityError, transaction

from agents.selectors import playbook_version_current
from billing.selectors import PriceUnknown, call_estimate
from billing.services import BudgetExhausted, budget_reserve
from calls import carrier
from calls.models import Call, Campaign, Enrolment
from calls.policy.gate import HELD_FOR, is_for_good, look_again_at
from calls.policy.metering import seconds_to_promise
from calls.policy.turns import in_turn
from calls.selectors import campaigns_standing, enrolment_facts, enrolment_next, kill_switch_engaged
from calls.services.budget_alerts import budget_refusal_note
from calls.services.caller_numbers import NoCallerNumber, caller_number_take, day_after
from calls.services.capacity import voice_capacity_free
from calls.services.metering import region_of
from calls.services.night import night_postpone
from calls.services.pace import OutOfPace, carrier_down_note, dialer_state, pace_wait, turn_take
from calls.services.sending import call_dial
from calls.services.tiers import tier_begin
from leads.policy.may_call import CallFacts, may_call

__all__ = ["DialPass", "call_dial", "dial_next", "dial_pass"]

logger = structlog.get_logger(__name__)

REFUSALS_PER_PASS = 50
"""Leads the gate may refuse before the dialer looks after its other work."""


class _Refused(Exception):  # noqa: N818 - says what happened
    """The claim is undone, and the enrolment waits or stops for these reasons."""

    def __init__(
        self,
        enrolment: Enrolment,
        codes: tuple[str, ...],
        opens_at: datetime | None = None,
        exhausted: BudgetExhausted | None = None,
    ) -> None:
        super().__init__(", ".join(codes))
        self.enrolment = enrolment
        self.codes = codes
        self.opens_at = opens_at
        self.exhausted = exhausted


@dataclass(frozen=True, slots=True)
class DialPass:
    """What one look for a lead came to: the call, and how many leads the gate refused."""

    call: Call | None
    refused: int = 0


def dial_next(now: datetime, *, per_second: float | None = None) -> Call | None:
    """Dial one call. `None` when nobody may be called now, or nothing more at the same time."""
    return dial_pass(now, per_second=per_second).call


def dial_pass(now: datetime, *, per_second: float | None = None) -> DialPass:
    """Dial one call, if anybody may be called now whom a voice process has a place for.

    Urgent leads go first (called by a person's wish, or promised a time), then campaigns by their
    priority, and those of one priority in turn, by their share.

    Args:
        per_second: calls that the account may send in a second, over all dialers; None: whoever
            calls this keeps the pace.
    """
    if carrier.circuit.is_open:
        carrier_down_note(now)
        return DialPass(None)
    if kill_switch_engaged() or (per_second is not None and pace_wait(now)):
        return DialPass(None)
    if voice_capacity_free(now) == 0:
        return DialPass(None)
    refused = 0
    for campaign_id in in_turn(campaigns_standing(now=now), now_at=dialer_state().turn):
        while refused < REFUSALS_PER_PASS:
            try:
                call = _claim(campaign_id, per_second, now)
            except OutOfPace:
                return DialPass(None, refused)
            except _Refused as refusal:
                refused += 1
                if _put_back(campaign_id, refusal, now):
                    break
                continue
            if call is None:
                break
            call_dial(call_id=call.pk, now=now)
            call.refresh_from_db()
            return DialPass(call, refused)
    return DialPass(None, refused)


@transaction.atomic
def _claim(campaign_id: UUID, per_second: float | None, now: datetime) -> Call | None:
    """Claim the campaign's next lead. `None` when it has none due or enough on the line.

    Locks are taken in one order: campaign, enrolment, number, budgets, pace.

    Raises:
        _Refused: this lead may not be called now; ask again for another one.
        OutOfPace: another dialer has sent a call in this moment.
    """
    # The campaign's row is the lock on its concurrency; another dialer is at it when it is taken.
    campaign = (
        Campaign.objects.select_for_update(skip_locked=True, no_key=True)
        .filter(pk=campaign_id, state=Campaign.State.RUNNING)
        .first()
    )
    if campaign is None or (campaign.next_dial_at and campaign.next_dial_at > now):
        return None
    on_the_line = Call.objects.filter(campaign=campaign, state__in=Call.ACTIVE_STATES).count()
    if on_the_line >= campaign.max_concurrent:
        return None
    enrolment = enrolment_next(campaign, now=now)
    if enrolment is None:
        return None
    facts = enrolment_facts(enrolment, now=now)
    decision = may_call(facts, now=now)
    if not decision.allowed:
        raise _Refused(enrolment, decision.codes, decision.opens_at)
    claimed = Enrolment.objects.filter(pk=enrolment.pk, state=Enrolment.State.WAITING).update(
        state=Enrolment.State.CLAIMED, claimed_at=now, blocked_reasons=[], updated_at=now
    )
    if not claimed:
        return None
    try:
        with transaction.atomic():
            call = _promise(campaign, enrolment, facts, decision.rules_version, now)
    except IntegrityError:
        # Another campaign's call to the same lead was quicker.
        raise _Refused(enrolment, ("already_on_call",)) from None
    except NoCallerNumber as error:
        raise _Refused(enrolment, (error.code,)) from None
    except BudgetExhausted as error:
        raise _Refused(enrolment, ("no_budget",), exhausted=error) from None
    except PriceUnknown as error:
        logger.error("estimate_without_price", problem=str(error))
        raise _Refused(enrolment, ("no_price",)) from None
    turn_take(campaign=campaign, per_second=per_second, now=now)
    return call


def _promise(
    campaign: Campaign, enrolment: Enrolment, facts: CallFacts, rules_version: str, now: datetime
) -> Call:
    """Make the call's row, take a number for it and reserve its money."""
    version = playbook_version_current(campaign.playbook_id)
    if version is None:
        raise _Refused(enrolment, ("no_playbook",))
    by_carrier = campaign.recording_policy == Campaign.RecordingPolicy.CARRIER
    call = Call.objects.create(
        lead=enrolment.lead,
        campaign=campaign,
        enrolment=enrolment,
        playbook_version=version,
        to_number=enrolment.lead.phone,
        from_number=caller_number_take(
            campaign=campaign,
            lead_number=str(enrolment.lead.phone),
            lead_states=facts.states,
            now=now,
        ),
        recording_policy=campaign.recording_policy,
        detect_machines=campaign.detect_machines,
        max_seconds=campaign.max_call_seconds,
        ring_seconds=campaign.ring_seconds,
        rules_version=rules_version,
    )
    budget_reserve(
        call_id=call.pk,
        campaign_id=campaign.pk,
        amount=call_estimate(
            seconds=seconds_to_promise(0),
            recorded_by_carrier=by_carrier,
            detect_machines=campaign.detect_machines,
            region=region_of(call),
            day=now.date(),
        ),
        now=now,
        expires_at=now + timedelta(seconds=campaign.ring_seconds + campaign.max_call_seconds + 900),
    )
    tier_begin(call=call, now=now)
    return call


def _put_back(campaign_id: UUID, refusal: _Refused, now: datetime) -> bool:
    """Write why a lead was not called, and when to ask again, or that asking is of no use.

    Returns whether the reason holds for the whole campaign, which is passed over for a while: its
    leads stay as they are, instead of being refused one by one.
    """
    if refusal.codes == ("outside_hours",):
        night_postpone(enrolment=refusal.enrolment, now=now)
    held = next((code for code in refusal.codes if code in HELD_FOR), "")
    changes: dict[str, object] = {"blocked_reasons": list(refusal.codes), "updated_at": now}
    if is_for_good(refusal.codes):
        changes["state"] = Enrolment.State.STOPPED
    elif not held or refusal.exhausted is not None:
        # Another lead's call may be cheaper.
        changes["due_at"] = look_again_at(refusal.codes, opens_at=refusal.opens_at, now=now)
    Enrolment.objects.filter(pk=refusal.enrolment.pk, state=Enrolment.State.WAITING).update(
        **changes
    )
    if held:
        until = day_after(now) if held == "number_cap" else now + HELD_FOR[held]
        Campaign.objects.filter(pk=campaign_id).update(held_until=until, held_reason=held)
        logger.info("campaign_held", campaign_id=str(campaign_id), reason=held)
    if refusal.exhausted is not None:
        budget_refusal_note(exhausted=refusal.exhausted, now=now)
    return bool(held)
