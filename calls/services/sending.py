"""Send a claimed call to the carrier, and write down what became of the request.

Whoever makes the call `dialing` sends it, nobody else. An answer that was lost is `unconfirmed`
and for the watchdog to find out; nothing is ever dialled again to find out.
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import structlog
from django.db import transaction
from django.db.models import F
from django.urls import reverse
from django.utils import timezone

from calls import carrier
from calls.models import Call, Campaign, Enrolment
from calls.services.caller_numbers import caller_number_give_back
from calls.services.campaigns import campaign_pause
from calls.services.ending import call_cancel_now, call_finish
from calls.services.permission import calls_without_permission
from calls.services.record import event_record
from calls.services.stopping import why_stopped
from leads.services import do_not_call_add

logger = structlog.get_logger(__name__)


def call_dial(*, call_id: UUID, now: datetime) -> bool:
    """Ask the carrier to dial a created call.

    Returns whether it may be ringing: false when somebody else has it, dialling was stopped, the
    permission was withdrawn since the gate was asked, or the carrier surely refused.
    """
    with transaction.atomic():
        if stopped := why_stopped(call_id):
            call_finish(call_id=call_id, state=Call.State.CANCELED, reason=stopped, now=now)
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
    if stopped := why_stopped(call.pk):
        call_cancel_now(call_id=call.pk, reason=stopped)


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
    # Nobody's telephone rang.
    caller_number_give_back(number=str(call.from_number), now=call.dialed_at or now)
    if error.permanent:
        # Nothing that waits can change this number. After-call work leaves a stopped one alone.
        Enrolment.objects.filter(calls=call.pk).update(
            state=Enrolment.State.STOPPED,
            claimed_at=None,
            last_outcome="failed",
            blocked_reasons=[f"carrier_{error.code}"],
        )
    else:
        # Not an attempt, in the campaign's count or the law's.
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
