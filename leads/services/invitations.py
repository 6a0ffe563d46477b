"""Appointments as iCalendar invitations (RFC 5545, RFC 5546)."""

from __future__ import annotations

from datetime import UTC, datetime

from icalendar import (  # type: ignore[import-untyped]
    Calendar,
    Event,
    vCalAddress,
    vText,
)

from leads.models import Appointment


def invitation(
    appointment: Appointment, *, business_name: str, organizer_email: str, now: datetime
) -> bytes:
    """Return the invitation to an appointment, or its cancellation.

    UID stays the same over every change and SEQUENCE grows, so that a calendar replaces the entry
    it has instead of adding another.
    """
    cancelled = appointment.status == Appointment.Status.CANCELLED
    event = Event()
    event.add("uid", appointment.uid)
    event.add("sequence", appointment.sequence)
    event.add("dtstamp", now.astimezone(UTC))
    event.add("dtstart", appointment.starts_at.astimezone(UTC))
    event.add("dtend", appointment.ends_at.astimezone(UTC))
    event.add("summary", f"Appointment with {business_name}")
    event.add("status", "CANCELLED" if cancelled else "CONFIRMED")
    organizer = vCalAddress(f"mailto:{organizer_email}")
    organizer.params["CN"] = vText(business_name)
    event["organizer"] = organizer
    for address, name in (
        (appointment.lead.email, appointment.lead.full_name),
        (appointment.rep.email, appointment.rep.get_full_name()),
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
