"""Appointments are booked, moved, cancelled and closed. No representative is booked twice."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from django.contrib.auth import get_user_model
from django.contrib.auth.models import AbstractBaseUser
from django.db import IntegrityError, transaction

from leads.calendars import rep_calendars, rep_name
from leads.models import Appointment, Lead, TimelineEntry
from leads.policy.stages import stage_after_meeting
from leads.policy.windows import known_zone
from leads.services.appointment_mails import mails_cancel, mails_confirm
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
        self.why = why
        super().__init__(f"{why} Offer another time.")


class NotBooked(Exception):  # noqa: N818 - says what happened
    """The appointment is cancelled or over: the message says what to do instead."""


def appointment_book(
    *,
    lead_id: UUID,
    rep_id: int,
    starts_at: datetime,
    ends_at: datetime,
    call_id: UUID | None = None,
    actor: AbstractBaseUser | None = None,
    notes: str = "",
    location: str = "",
    now: datetime,
) -> Appointment:
    """Book a meeting, invite both sides, and move the lead to the stage "appointment".

    The same meeting booked twice is one meeting. Without an actor the product itself books, and
    keeps to working hours, buffers, time off and holidays; a person may book outside of them, but
    nobody books a representative twice.

    Raises:
        SlotTaken: somebody else was quicker, the representative does not work then, or the time
            has passed.
    """
    if starts_at <= now:
        raise SlotTaken("That time has passed.")
    with _double_booking_told(), transaction.atomic():
        _reps_lock(rep_id)
        lead = Lead.objects.get(pk=lead_id)
        same = Appointment.objects.filter(
            rep_id=rep_id,
            lead_id=lead_id,
            starts_at=starts_at,
            ends_at=ends_at,
            status=Appointment.Status.BOOKED,
        ).first()
        if same is not None:
            return same
        _refuse_if_taken(rep_id, starts_at, ends_at, by_person=actor is not None)
        appointment = Appointment.objects.create(
            lead=lead,
            rep_id=rep_id,
            starts_at=starts_at,
            ends_at=ends_at,
            call_id=call_id,
            notes=notes,
            location=location.strip()[:200],
        )
        _tell(
            appointment,
            f"Appointment with {rep_name(appointment.rep)} booked for {_local(appointment)}.",
            step="booked",
            actor=actor,
            call_id=call_id,
            now=now,
        )
        lead_stage_set(
            lead_id=lead.pk,
            stage=Lead.Stage.APPOINTMENT,
            reason="an appointment was booked",
            call_id=call_id,
        )
        mails_confirm(appointment, now=now)
    return appointment


def appointment_move(
    *,
    appointment_id: UUID,
    starts_at: datetime,
    ends_at: datetime,
    rep_id: int | None = None,
    reason: str = "",
    actor: AbstractBaseUser | None = None,
    call_id: UUID | None = None,
    now: datetime,
) -> Appointment:
    """Give a booked meeting another time or representative, and tell both sides.

    It keeps its UID and gets the next SEQUENCE, so that calendars move the entry they have.
    Moving it to where it is changes nothing.

    Args:
        rep_id: who has it from now on; the same as before if not given.

    Raises:
        SlotTaken: as `appointment_book`.
        NotBooked: it was cancelled, or marked held or missed.
    """
    if starts_at <= now:
        raise SlotTaken("That time has passed.")
    with _double_booking_told(), transaction.atomic():
        before = Appointment.objects.get(pk=appointment_id)
        rep_id = rep_id or before.rep_id
        _reps_lock(rep_id, before.rep_id)
        appointment = Appointment.objects.select_for_update().get(pk=appointment_id)
        if appointment.status != Appointment.Status.BOOKED:
            raise NotBooked(
                f"This appointment is {appointment.get_status_display().lower()}: book a new one."
            )
        old = (appointment.rep_id, appointment.starts_at, appointment.ends_at)
        if old == (rep_id, starts_at, ends_at):
            return appointment
        _refuse_if_taken(
            rep_id, starts_at, ends_at, by_person=actor is not None, moving=appointment_id
        )
        old_rep_id, was = appointment.rep_id, _local(appointment)
        appointment.rep = get_user_model().objects.get(pk=rep_id)
        appointment.starts_at, appointment.ends_at = starts_at, ends_at
        appointment.sequence += 1
        appointment.save(update_fields=["rep", "starts_at", "ends_at", "sequence", "updated_at"])
        _tell(
            appointment,
            f"Appointment moved from {was} to {_local(appointment)}, with "
            f"{rep_name(appointment.rep)}" + (f": {reason}" if reason else "."),
            step=f"moved:{appointment.sequence}",
            actor=actor,
            call_id=call_id,
            now=now,
        )
        if old_rep_id != rep_id:
            mails_cancel(appointment, user_ids=[old_rep_id], to_lead=False, now=now)
        mails_confirm(appointment, now=now)
    return appointment


@transaction.atomic
def appointment_cancel(
    *,
    appointment_id: UUID,
    reason: str,
    now: datetime,
    actor: AbstractBaseUser | None = None,
    call_id: UUID | None = None,
) -> Appointment:
    """Cancel a booked meeting and tell both sides; its time is free at once. Safe to repeat."""
    appointment = Appointment.objects.select_for_update().get(pk=appointment_id)
    if appointment.status != Appointment.Status.BOOKED:
        return appointment
    appointment.status = Appointment.Status.CANCELLED
    appointment.sequence += 1
    appointment.save(update_fields=["status", "sequence", "updated_at"])
    _tell(
        appointment,
        f"Appointment cancelled: {reason}",
        step="cancelled",
        actor=actor,
        call_id=call_id,
        now=now,
    )
    if appointment.ends_at > now:
        mails_cancel(appointment, user_ids=[appointment.rep_id], to_lead=True, now=now)
    return appointment


@transaction.atomic
def appointment_close(
    *,
    appointment_id: UUID,
    status: str,
    stage: str = "",
    note: str = "",
    actor: AbstractBaseUser,
    now: datetime,
) -> Appointment:
    """Note what became of a meeting, and let the lead's stage follow.

    Args:
        status: "held" or "no_show".
        stage: where the lead stands after it; by default a lead that missed it is qualified again
            and one that came stays where it is.
        note: what was said, for the timeline.

    Raises:
        NotBooked: it was cancelled, or has not begun.
        ValidationError: the lead may not go to that stage.
    """
    appointment = Appointment.objects.select_for_update().get(pk=appointment_id)
    status = Appointment.Status(status)
    if status not in (Appointment.Status.HELD, Appointment.Status.NO_SHOW):
        raise ValueError("An appointment is closed as held or no_show.")
    if appointment.status == status:
        return appointment
    if appointment.status == Appointment.Status.CANCELLED:
        raise NotBooked("This appointment was cancelled: it cannot have been held or missed.")
    if appointment.starts_at > now:
        raise NotBooked("This appointment has not begun: cancel it or wait.")
    appointment.status = status
    appointment.save(update_fields=["status", "updated_at"])
    words = "was held" if status == Appointment.Status.HELD else "was missed by the lead"
    _tell(
        appointment,
        f"Appointment of {_local(appointment)} {words}" + (f": {note}" if note else "."),
        step=status.value,
        actor=actor,
        now=now,
    )
    after = stage or stage_after_meeting(appointment.lead.stage, status.value)
    if after and after != appointment.lead.stage:
        lead_stage_set(
            lead_id=appointment.lead_id,
            stage=after,
            reason=f"the appointment {words}",
            actor=actor,
        )
    return appointment


@contextmanager
def _double_booking_told() -> Iterator[None]:
    """Turn the database's refusal of a double booking into `SlotTaken`."""
    try:
        yield
    except IntegrityError as error:
        if any(name in str(error) for name in _DOUBLE_BOOKING):
            raise SlotTaken() from None
        raise


def _reps_lock(*rep_ids: int) -> None:
    """Let one booking at a time look at a representative's calendar, in the order of their ids.

    PostgreSQL could else find a deadlock between two inserts that wait for each other's exclusion
    check. SQLite holds its write lock already.
    """
    users = get_user_model().objects.select_for_update(no_key=True)
    list(users.filter(pk__in=rep_ids).order_by("pk").values_list("pk"))


def _refuse_if_taken(
    rep_id: int,
    starts_at: datetime,
    ends_at: datetime,
    *,
    by_person: bool,
    moving: UUID | None = None,
) -> None:
    (calendar,) = rep_calendars(since=starts_at, until=ends_at, rep_ids=[rep_id], leave_out=moving)
    if by_person:
        problem = "" if calendar.overlap(starts_at, ends_at) is None else SlotTaken().why
    else:
        problem = calendar.problem(starts_at, ends_at) or ""
    if problem:
        raise SlotTaken(problem)


def _local(appointment: Appointment) -> str:
    zone = appointment.lead.time_zone
    local = appointment.starts_at.astimezone(known_zone(zone) or ZoneInfo("UTC"))
    return f"{local:%A %d %B %Y %H:%M} ({zone})"


def _tell(
    appointment: Appointment,
    text: str,
    *,
    step: str,
    actor: AbstractBaseUser | None,
    call_id: UUID | None = None,
    now: datetime,
) -> None:
    timeline_add(
        lead_id=appointment.lead_id,
        kind=TimelineEntry.Kind.APPOINTMENT,
        text=text,
        call_id=call_id,
        actor=actor,
        data={
            "appointment": str(appointment.pk),
            "starts_at": appointment.starts_at.isoformat(),
        },
        key=f"appointment:{appointment.pk}:{step}",
        at=now,
    )
