"""What the page of one lead shows of the lead's own story."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils import timezone

from leads.models import Appointment, Consent, DoNotCall, Lead, LeadScore, TimelineEntry

TIMELINE_LENGTH = 200


@dataclass(frozen=True, slots=True)
class LeadPage:
    """Everything on the page that the lead's own app knows."""

    lead: Lead
    timeline: list[TimelineEntry]
    appointments: list[Appointment]
    consents: list[Consent]
    do_not_call: DoNotCall | None
    score: LeadScore | None

    @property
    def next_appointment(self) -> Appointment | None:
        """The first booked meeting that is still to come."""
        now = timezone.now()
        coming = [
            meeting
            for meeting in self.appointments
            if meeting.status == Appointment.Status.BOOKED and meeting.starts_at > now
        ]
        return min(coming, key=lambda meeting: meeting.starts_at, default=None)


def lead_page(lead: Lead) -> LeadPage:
    """Return the lead's page in a constant number of queries."""
    return LeadPage(
        lead=lead,
        timeline=list(lead.timeline.select_related("actor")[:TIMELINE_LENGTH]),
        appointments=list(lead.appointments.select_related("rep").order_by("-starts_at")[:100]),
        consents=list(lead.consents.all()),
        do_not_call=DoNotCall.objects.filter(phone=lead.phone).first(),
        score=lead.scores.prefetch_related("factors").first(),
    )
