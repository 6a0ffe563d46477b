"""Dial the next lead that may be called now and whose call is paid for.

One call is three transactions with the carrier's request between the last two, so that a crash at
any point never dials twice:

1. claim: the enrolment becomes `claimed`, the gate is asked, the call row is made (`created`) and
   its money reserved. All or nothing.
2. the call becomes `dialing`. Until here the carrier has surely not heard of it: a row left in
   `created` is failed by the watchdog and its lead waits again.
3. the answer of `POST /Calls` is written. Lost: `unconfirmed`, and the watchdog finds out; nothing
   is ever dialled again to find out.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

import structlog
from django.db import IntegrityError, transaction
from django.db.models import F
from django.urls import reverse
from django.utils import timezone

from agents.selectors import playbook_version_current
from billing.selectors import PriceUnknown, call_estimate
from billing.services import BudgetExhausted, budget_reserve
from calls import carrier
from calls.models import Call, Campaign, Enrolment
from calls.policy.gate import is_for_good, look_again_at
from calls.policy.metering import seconds_to_promise
from calls.selectors import (
    campaigns_with_work,
    enrolment_facts,
    kill_switch_engaged,
)
from calls.services.budget_alerts import budget_refusal_note
from calls.services.campaigns import campaign_pause
from calls.services.capacity import voice_capacity_free
from calls.services.ending import call_end_now, call_finish
from calls.services.metering import region_of
from calls.services.permission import calls_without_permission
from calls.services.record import event_record
from calls.services.tiers import tier_begin
from leads.policy.may_call import may_call
from leads.services import do_not_call_add

logger = structlog.get_logger(__name__)

REFUSALS_PER_PASS = 50
"""Leads the gate may refuse before the dialer looks after its other work."""


class _Refused(Exception):  # noqa: N818 - says what happened
    """The claim is undone, and the enrolment waits or stops for these reasons."""

    def __init__(
        self,
        enrolment_id: UUID,
        codes: tuple[str, ...],
        opens_at: datetime | None = None,
        exhausted: BudgetExhausted | None = None,
    ) -> None:
        super().__init__(", ".join(codes))
        self.enrolment_id = enrolment_id
        self.codes = codes
        self.opens_at = opens_at
        self.exhausted = exhausted


def dial_next(now: datetime) -> Call | None:
    """Dial one call. `None` when nobody may be called now, or nothing more at the same time.

    Nobody is called whom no voice process has a place for.

    Campaigns take turns: the one that dialled longest ago goes first.
    """
    if kill_switch_engaged() or carrier.circuit.is_open or voice_capacity_free(now) == 0:
        return None
    refusals = 0
    for campaign_id in _in_turn(now):
        while refusals < REFUSALS_PER_PASS:
            try:
                call = _claim(campaign_id, now)
            except _Refused as refusal:
                refusals += 1
                _put_back(refusal, now)
                if refusal.exhausted is not None:
                    budget_refusal_note(exhausted=refusal.exhausted, now=now)
                continue
            if call is None:
                break
            call_dial(call_id=call.pk, now=now)
            call.refresh_from_db()
            return call
    return None


def _in_turn(now: datetime) -> list[UUID]:
    due = list(campaigns_with_work(now=now).values_list("pk", flat=True))
    if len(due) < 2:
        return due
    last = {
        pk: Call.objects.filter(campaign_id=pk)
        .order_by("-created_at")
        .values_list("created_at", flat=True)
        .first()
        for pk in due
    }
    return sorted(due, key=lambda pk: (last[pk] is not None, last[pk]))


@transaction.atomic
def _claim(campaign_id: UUID, now: datetime) -> Call | None:
    """Claim the campaign's next lead. `None` when it has none due or enough on the line.

    Raises:
        _Refused: this lead may not be called now; ask again for another one.
    """
    # The campaign's row is the lock on its concurrency; another dialer is at it when it is taken.
    campaign = (
        Campaign.objects.select_for_update(skip_locked=True, no_key=True)
        .filter(pk=campaign_id, state=Campaign.State.RUNNING)
        .first()
    )
    if campaign is None:
        return None
    on_the_line = Call.objects.filter(campaign=campaign, state__in=Call.ACTIVE_STATES).count()
    if on_the_line >= campaign.max_concurrent:
        return None
    enrolment = (
        Enrolment.objects.select_for_update(skip_locked=True, of=("self",))
        .select_related("lead", "campaign")
        .filter(campaign=campaign, state=Enrolment.State.WAITING, due_at__lte=now)
        .order_by("-priority", "due_at")
        .first()
    )
    if enrolment is None:
        return None
    decision = may_call(enrolment_facts(enrolment, now=now), now=now)
    if not decision.allowed:
        raise _Refused(enrolment.pk, decision.codes, decision.opens_at)
    claimed = Enrolment.objects.filter(pk=enrolment.pk, state=Enrolment.State.WAITING).update(
        state=Enrolment.State.CLAIMED, claimed_at=now, blocked_reasons=[], updated_at=now
    )
    if not claimed:
        return None
    try:
        with transaction.atomic():
            return _promise(campaign, enrolment, decision.rules_version, now)
    except IntegrityError:
        # Another campaign's call to the same lead was quicker.
        raise _Refused(enrolment.pk, ("already_on_call",)) from None
    except BudgetExhausted as error:
        raise _Refused(enrolment.pk, ("no_budget",), exhausted=error) from None
    except PriceUnknown as error:
        logger.error("estimate_without_price", problem=str(error))
        raise _Refused(enrolment.pk, ("no_price",)) from None


def _promise(campaign: Campaign, enrolment: Enrolment, rules_version: str, now: datetime) -> Call:
    """Make the call's row and reserve its money."""
    version = playbook_version_current(campaign.playbook_id)
    if version is None:
        raise _Refused(enrolment.pk, ("no_playbook",))
    by_carrier = campaign.recording_policy == Campaign.RecordingPolicy.CARRIER
    call = Call.objects.create(
        lead=enrolment.lead,
        campaign=campaign,
        enrolment=enrolment,
        playbook_version=version,
        to_number=enrolment.lead.phone,
        from_number=campaign.caller_number,
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


def _put_back(refusal: _Refused, now: datetime) -> None:
    """Write why a lead was not called, and when to ask again, or that asking is of no use."""
    changes: dict[str, object] = {"blocked_reasons": list(refusal.codes), "updated_at": now}
    if is_for_good(refusal.codes):
        changes["state"] = Enrolment.State.STOPPED
    else:
        changes["due_at"] = look_again_at(refusal.codes, opens_at=refusal.opens_at, now=now)
    Enrolment.objects.filter(pk=refusal.enrolment_id, state=Enrolment.State.WAITING).update(
        **changes
    )


def call_dial(*, call_id: UUID, now: datetime) -> bool:
    """Ask the carrier to dial a created call. Whoever makes it `dialing` sends it, nobody else.

    Returns whether it may be ringing: false when somebody else has it, the kill switch is on, the
    permission was withdrawn since the gate was asked, or the carrier surely refused.
    """
    with transaction.atomic():
        if kill_switch_engaged():
            call_finish(call_id=call_id, state=Call.State.CANCELED, reason="kill_switch", now=now)
            return False
        if calls_without_permission(call_id):
            reason = "permission_withdrawn"
            call_finish(call_id=call_id, state=Call.State.CANCELED, reason=reason, now=now)
            return False
        mine = Call.objects.filter(pk=call_id, state=Call.State.CREATED).update(
            state=Call.State.DIALING, dialed_at=now, updated_at=now
        )
        if not mine:
            return False
        call = Call.objects.get(pk=call_id)
        Enrolment.objects.filter(calls=call.pk).update(attempts=F("attempts") + 1)
        event_record(call_id=call.pk, kind="state.dialing", now=now)
    with structlog.contextvars.bound_contextvars(call_id=str(call.pk)):
        try:
            answer = carrier.call_create(dial_of(call))
        except carrier.CarrierUnclear as error:
            _note_unclear(call, error, timezone.now())
            return True
        except carrier.CarrierError as error:
            _note_refusal(call, error, timezone.now())
            return False
        _note_accepted(call, answer.sid, timezone.now())
    return True


def dial_of(call: Call) -> carrier.Dial:
    """Return what is asked of the carrier for a call; our own id is in every address."""

    def address(name: str) -> str:
        return carrier.public_url(reverse(name, kwargs={"call": call.pk}))

    by_carrier = call.recording_policy == Campaign.RecordingPolicy.CARRIER
    return carrier.Dial(
        to=str(call.to_number),
        from_=str(call.from_number),
        twiml_url=address("twilio-voice"),
        status_url=address("twilio-status"),
        amd_url=address("twilio-amd") if call.detect_machines else "",
        recording_url=address("twilio-recording") if by_carrier else "",
        ring_seconds=call.ring_seconds,
        max_seconds=call.max_seconds,
    )


def _note_accepted(call: Call, sid: str, now: datetime) -> None:
    # A webhook may have come first and brought the same sid.
    Call.objects.filter(pk=call.pk, provider_sid="").update(provider_sid=sid, updated_at=now)
    logger.info("call_dialed")
    if kill_switch_engaged():
        call_end_now(call_id=call.pk, reason="kill_switch")


def _note_unclear(call: Call, error: carrier.CarrierUnclear, now: datetime) -> None:
    logger.warning("call_unconfirmed", code=error.code, problem=str(error))
    Call.objects.filter(pk=call.pk, state=Call.State.DIALING, provider_sid="").update(
        state=Call.State.UNCONFIRMED, updated_at=now
    )
    event_record(call_id=call.pk, kind="state.unconfirmed", data={"code": error.code}, now=now)


@transaction.atomic
def _note_refusal(call: Call, error: carrier.CarrierError, now: datetime) -> None:
    """Fail a call that the carrier surely did not dial, by what kind of no it was."""
    logger.warning("call_refused_by_carrier", code=error.code, permanent=error.permanent)
    event_record(call_id=call.pk, kind="carrier_refused", data={"code": error.code}, now=now)
    if error.permanent:
        # Nothing that waits can change this number. After-call work leaves a stopped one alone.
        Enrolment.objects.filter(calls=call.pk).update(
            state=Enrolment.State.STOPPED,
            claimed_at=None,
            last_outcome="failed",
            blocked_reasons=[f"carrier_{error.code}"],
        )
    else:
        # Nobody's telephone rang: not an attempt, in the campaign's count or the law's.
        Call.objects.filter(pk=call.pk).update(dialed_at=None)
        Enrolment.objects.filter(calls=call.pk, attempts__gt=0).update(attempts=F("attempts") - 1)
    if error.code == carrier.OPTED_OUT:
        do_not_call_add(
            phone=str(call.to_number),
            source="carrier",
            reason="The carrier reports an opt-out",
            call_id=call.pk,
            now=now,
        )
    if error.stops_campaign and call.campaign_id is not None:
        campaign_pause(
            campaign_id=call.campaign_id,
            reason=f"The carrier refuses every call (error {error.code}): see "
            f"https://www.twilio.com/docs/api/errors/{error.code}, then start it again.",
            now=now,
        )
    call_finish(
        call_id=call.pk,
        state=Call.State.FAILED,
        reason=f"carrier_{error.code}" if error.code else "carrier_unreachable",
        now=now,
    )
