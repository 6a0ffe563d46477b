"""Appointments are booked and cancelled. No representative is booked twice at a time."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from django.contrib.auth import get_user_model
from django.contrib.auth.models import AbstractBaseUser
from django.db import IntegrityError, transaction

from leads.models import Appointment, Lead, TimelineEntry
from leads.services.leads import lead_stage_set
from leads.services.timeline import timeline_add

# The names under which PostgreSQL and SQLite report a double booking.
_DOUBLE_BOOKING = (
    "appointment_rep_no_overlap",
    "appointment_rep_start_once",
    "leads_appointment.rep_id, leads_appointment.starts_at",
)


class SlotTaken(Exception):  # noqa: N818 - says what happened, and is a contract
    """The time cannot be booked any more: offer another one."""

    def __init__(self, why: str = "The representative has another appointment then.") -> None:
        super().__init__(f"{why} Offer another time.")


def appointment_book(
    *,
    lead_id: UUID,
    rep_id: int,
    starts_at: datetime,
    ends_at: datetime,
    call_id: UUID | None = None,
    actor: AbstractBaseUser | None = None,
    notes: str = "",
    now: datetime,
) -> Appointment:
    """Book a meeting and move the lead to the stage "appointment".

    The same meeting booked twice is one meeting.

    Raises:
        SlotTaken: somebody else was quicker, or the time has passed.
    """
    if starts_at <= now:
        raise SlotTaken("That time has passed.")
    try:
        with transaction.atomic():
            return _book(lead_id, rep_id, starts_at, ends_at, call_id, actor, notes, now)
    except IntegrityError as error:
        if any(name in str(error) for name in _DOUBLE_BOOKING):
            raise SlotTaken() from None
        raise


@transaction.atomic
def appointment_cancel(
    *,
    appointment_id: UUID,
    reason: str,
    now: datetime,
    actor: AbstractBaseUser | None = None,
    call_id: UUID | None = None,
) -> Appointment:
    """Cancel a booked meeting; its time is free at once. Safe to repeat."""
    appointment = Appointment.objects.select_for_update().get(pk=appointment_id)
    if appointment.status != Appointment.Status.BOOKED:
        return appointment
    appointment.status = Appointment.Status.CANCELLED
    appointment.sequence += 1
    appointment.save(update_fields=["status", "sequence", "updated_at"])
    timeline_add(
        lead_id=appointment.lead_id,
        kind=TimelineEntry.Kind.APPOINTMENT,
        text=f"Appointment cancelled: {reason}",
        call_id=call_id,
        actor=actor,
        data={"appointment": str(appointment.pk)},
        key=f"appointment:{appointment.pk}:cancelled",
        at=now,
    )
    return appointment


def _book(
    lead_id: UUID,
    rep_id: int,
    starts_at: datetime,
    ends_at: datetime,
    call_id: UUID | None,
    actor: AbstractBaseUser | None,
    notes: str,
    now: datetime,
) -> Appointment:
    # One booking at a time per representative: PostgreSQL could else find a deadlock between two
    # inserts that wait for each other's exclusion check. SQLite holds its write lock already.
    rep = get_user_model().objects.select_for_update(no_key=True).get(pk=rep_id)
    lead = Lead.objects.get(pk=lead_id)
    overlapping = Appointment.objects.filter(
        rep_id=rep_id,
        status=Appointment.Status.BOOKED,
        starts_at__lt=ends_at,
        ends_at__gt=starts_at,
    )
    for other in overlapping:
        if (other.lead_id, other.starts_at, other.ends_at) == (lead_id, starts_at, ends_at):
            return other
        raise SlotTaken()
    appointment = Appointment.objects.create(
        lead=lead,
        rep_id=rep_id,
        starts_at=starts_at,
        ends_at=ends_at,
        call_id=call_id,
        notes=notes,
    )
    local = starts_at.astimezone(ZoneInfo(lead.time_zone))
    timeline_add(
        lead_id=lead.pk,
        kind=TimelineEntry.Kind.APPOINTMENT,
        text=f"Appointment with {rep} booked for {local:%A %d %B %Y %H:%M} ({lead.time_zone}).",
        call_id=call_id,
        actor=actor,
        data={"appointment": str(appointment.pk), "starts_at": starts_at.isoformat()},
        key=f"appointment:{appointment.pk}:booked",
        at=now,
    )
    lead_stage_set(
        lead_id=lead.pk,
        stage=Lead.Stage.APPOINTMENT,
        reason="an appointment was booked",
        call_id=call_id,
    )
    return appointment
