"""What the agent does on a call besides speaking: opt-out, booking, callback."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import structlog
from django.db import transaction

from agents.interface import Slot
from calls.models import Call, Enrolment, Outcome
from calls.services.record import event_record
from leads.services import SlotTaken, appointment_book, do_not_call_add, timeline_add

logger = structlog.get_logger(__name__)


@transaction.atomic
def opt_out(*, call_id: UUID | str, source: str, now: datetime) -> None:
    """Record that the person must never be called again, and stop every enrolment of the lead.

    Safe to run twice. The outcome stays do_not_call, whatever else was said before.

    Args:
        source: "voice" or "key".
    """
    call = Call.objects.select_related("lead").get(pk=call_id)
    number = call.from_number if call.direction == Call.Direction.INBOUND else call.to_number
    do_not_call_add(
        phone=str(number), source=source, reason="Asked on a call", call_id=call.pk, now=now
    )
    Call.objects.filter(pk=call.pk).update(outcome=Outcome.DO_NOT_CALL)
    Enrolment.objects.filter(lead_id=call.lead_id, state=Enrolment.State.WAITING).update(
        state=Enrolment.State.STOPPED,
        last_outcome=Outcome.DO_NOT_CALL,
        blocked_reasons=["do_not_call"],
        updated_at=now,
    )
    event_record(call_id=call.pk, kind="opt_out", data={"source": source}, now=now)


def slot_book(*, call_id: UUID | str, slot: Slot, now: datetime) -> bool:
    """Book a slot for the lead of a call. False when somebody else has taken it meanwhile.

    Safe to run twice: the slot already booked on this call is a success.
    """
    call = Call.objects.get(pk=call_id)
    if call.appointments.filter(rep_id=slot.rep_id, starts_at=slot.starts_at).exists():
        return True
    try:
        appointment_book(
            lead_id=call.lead_id,
            rep_id=slot.rep_id,
            starts_at=slot.starts_at,
            ends_at=slot.ends_at,
            call_id=call.pk,
            now=now,
        )
    except SlotTaken:
        event_record(
            call_id=call.pk,
            kind="slot_taken",
            data={"starts_at": slot.starts_at, "rep_id": slot.rep_id},
            now=now,
        )
        return False
    event_record(
        call_id=call.pk,
        kind="appointment_booked",
        data={"starts_at": slot.starts_at, "rep_id": slot.rep_id},
        now=now,
    )
    return True


@transaction.atomic
def callback_schedule(*, call_id: UUID | str, at: datetime, now: datetime) -> None:
    """Note when the lead wants to be called again; after-call work makes it due then.

    A later time on the same call replaces the earlier one. The gate still decides at that time
    whether the call is lawful.
    """
    call = Call.objects.select_related("lead").get(pk=call_id)
    Call.objects.filter(pk=call.pk).update(callback_at=at, updated_at=now)
    event_record(call_id=call.pk, kind="callback_scheduled", data={"at": at}, now=now)
    timeline_add(
        lead_id=call.lead_id,
        kind="callback",
        text=f"Asked to be called again on {at:%Y-%m-%d at %H:%M} UTC.",
        call_id=call.pk,
        data={"at": at.isoformat()},
        key=f"callback:{call.pk}:{at.isoformat()}",
    )
