"""Appointments as iCalendar invitations (RFC 5545, RFC 5546)."""

from __future__ import annotations

from datetime import UTC, datetime

from icalendar import (  # type: ignore[import-untyped]
    Calendar,
    Event,
    vCalAddress,
    vText,
)

from leads.calendars import rep_name
from leads.models import Appointment


def invitation(
    appointment: Appointment,
    *,
    business_name: str,
    organizer_email: str,
    now: datetime,
    cancelled: bool = False,
) -> bytes:
    """Return the invitation to an appointment, or its cancellation.

    UID stays the same over every change and SEQUENCE grows, so that a calendar replaces the entry
    it has instead of adding another.

    Args:
        business_name: whom the lead meets; the representative alone if empty.
        cancelled: cancel it although it stands, for a representative who gave it to another.
    """
    cancelled = cancelled or appointment.status == Appointment.Status.CANCELLED
    rep = rep_name(appointment.rep)
    event = Event()
    event.add("uid", appointment.uid)
    event.add("sequence", appointment.sequence)
    event.add("dtstamp", now.astimezone(UTC))
    event.add("dtstart", appointment.starts_at.astimezone(UTC))
    event.add("dtend", appointment.ends_at.astimezone(UTC))
    event.add("summary", f"Appointment with {business_name or rep}")
    event.add("status", "CANCELLED" if cancelled else "CONFIRMED")
    if appointment.place:
        event.add("location", appointment.place)
    organizer = vCalAddress(f"mailto:{organizer_email}")
    organizer.params["CN"] = vText(business_name or rep)
    event["organizer"] = organizer
    for address, name in (
        (appointment.lead.email, appointment.lead.full_name),
        (appointment.rep.email, rep),
    ):
        if address:
            attendee = vCalAddress(f"mailto:{address}")
            attendee.params["CN"] = vText(name or address)
            event.add("attendee", attendee, encode=False)
    calendar = Calendar()
    calendar.add("prodid", "-//REAutomation2//Appointments//EN")
    calendar.add("version", "2.0")
    calendar.add("method", "CANCEL" if cancelled else "REQUEST")
    calendar.add_component(event)
    return bytes(calendar.to_ical())
