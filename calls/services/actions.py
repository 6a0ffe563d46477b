"""What the agent does on a call besides speaking: opt-out, booking, callback."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import structlog
from django.db import transaction

from agents.interface import Slot
from calls.models import Call, Enrolment, Outcome
from calls.services.record import event_record
from leads.models import Appointment
from leads.services import (
    NotBooked,
    SlotTaken,
    appointment_book,
    appointment_cancel,
    appointment_move,
    do_not_call_add,
    timeline_add,
)

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


def slot_move(
    *, call_id: UUID | str, appointment_id: UUID | str, slot: Slot, now: datetime
) -> bool:
    """Give the appointment of a call's lead another time. False when that cannot be had.

    Both sides get the changed invitation: the same UID, the next SEQUENCE. Safe to run twice.
    """
    call = Call.objects.get(pk=call_id)
    data = {"appointment": appointment_id, "starts_at": slot.starts_at, "rep_id": slot.rep_id}
    try:
        appointment = Appointment.objects.get(pk=appointment_id, lead_id=call.lead_id)
        appointment_move(
            appointment_id=appointment.pk,
            starts_at=slot.starts_at,
            ends_at=slot.ends_at,
            rep_id=slot.rep_id,
            reason="the lead asked for it on a call",
            call_id=call.pk,
            now=now,
        )
    except (SlotTaken, NotBooked, Appointment.DoesNotExist):
        event_record(call_id=call.pk, kind="appointment_not_moved", data=data, now=now)
        return False
    event_record(call_id=call.pk, kind="appointment_moved", data=data, now=now)
    return True


def appointment_drop(*, call_id: UUID | str, appointment_id: UUID | str, now: datetime) -> bool:
    """Cancel the appointment of a call's lead, and tell both sides. Safe to run twice.

    False when the lead has no such appointment.
    """
    call = Call.objects.get(pk=call_id)
    data = {"appointment": appointment_id}
    appointment = Appointment.objects.filter(pk=appointment_id, lead_id=call.lead_id).first()
    if appointment is None:
        event_record(call_id=call.pk, kind="appointment_not_cancelled", data=data, now=now)
        return False
    appointment_cancel(
        appointment_id=appointment.pk,
        reason="the lead asked for it on a call.",
        call_id=call.pk,
        now=now,
    )
    event_record(call_id=call.pk, kind="appointment_cancelled", data=data, now=now)
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
