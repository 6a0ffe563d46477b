"""What the page of one lead shows of the lead's own story."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.db.models import Q
from django.utils import timezone

from leads.models import (
    Appointment,
    Consent,
    DoNotCall,
    Lead,
    LeadScore,
    Mail,
    ScoreOverride,
    Task,
    TimelineEntry,
)

PAGE = 40
"""Entries of the timeline that are shown at a time."""
_KIND = TimelineEntry.Kind
KINDS: dict[str, tuple[str, tuple[str, ...]]] = {
    "": ("Everything", ()),
    "talk": ("Calls", (_KIND.CALL, _KIND.CALLBACK)),
    "notes": ("Notes", (_KIND.NOTE,)),
    "tasks": ("Tasks", (_KIND.TASK, _KIND.CALLBACK)),
    "meetings": ("Appointments", (_KIND.APPOINTMENT, _KIND.MAIL)),
    "consent": ("Consent", (_KIND.CONSENT, _KIND.DO_NOT_CALL)),
    "changes": (
        "Changes",
        (
            _KIND.CREATED,
            _KIND.EDIT,
            _KIND.STAGE,
            _KIND.SCORE,
            _KIND.ASSIGNMENT,
            _KIND.IMPORT,
            _KIND.MERGE,
        ),
    ),
}
"""What the timeline can be narrowed to."""


@dataclass(frozen=True, slots=True)
class TimelinePage:
    """Some entries, and the address of the older ones."""

    entries: list[TimelineEntry]
    kind: str
    older: str

    @property
    def kinds(self) -> list[tuple[str, str]]:
        """What it can be narrowed to: key and name."""
        return [(key, name) for key, (name, _) in KINDS.items()]


@dataclass(frozen=True, slots=True)
class LeadPage:
    """Everything on the page that the lead's own app knows."""

    lead: Lead
    timeline: TimelinePage
    changes: TimelinePage
    appointments: list[Appointment]
    tasks: list[Task]
    consents: list[Consent]
    do_not_call: DoNotCall | None
    scores: list[LeadScore]
    overrides: list[ScoreOverride]
    assignment: TimelineEntry | None
    unsent: list[Mail]
    now: datetime

    @property
    def score(self) -> LeadScore | None:
        """The newest scoring."""
        return self.scores[0] if self.scores else None

    @property
    def override(self) -> ScoreOverride | None:
        """The score that a person set and nobody lifted."""
        return next((row for row in self.overrides if row.lifted_at is None), None)

    @property
    def next_appointment(self) -> Appointment | None:
        """The first booked meeting that is still to come."""
        coming = [
            meeting
            for meeting in self.appointments
            if meeting.status == Appointment.Status.BOOKED and meeting.starts_at > self.now
        ]
        return min(coming, key=lambda meeting: meeting.starts_at, default=None)

    @property
    def next_task(self) -> Task | None:
        """The first thing that is still to be done."""
        return self.tasks[0] if self.tasks else None

    @property
    def open_stages(self) -> list[tuple[str, str]]:
        """The stages that the lead is not in."""
        return [(v, label) for v, label in Lead.Stage.choices if v != self.lead.stage]


def lead_page(lead: Lead, *, asked: Mapping[str, Any]) -> LeadPage:
    """Return the lead's page in a constant number of queries.

    Args:
        asked: the address's parameters: `kind` and `before` of the timeline.
    """
    now = timezone.now()
    tasks = lead.tasks.filter(done_at__isnull=True).select_related("owner").order_by("due_at")
    return LeadPage(
        lead=lead,
        timeline=timeline_page(lead, kind=asked.get("kind", ""), before=asked.get("before", "")),
        changes=timeline_page(lead, kind="changes"),
        appointments=list(lead.appointments.select_related("rep").order_by("-starts_at")[:100]),
        tasks=list(tasks[:50]),
        consents=list(lead.consents.all()[:100]),
        do_not_call=DoNotCall.objects.filter(phone=lead.phone).first(),
        scores=list(lead.scores.prefetch_related("factors")[:20]),
        overrides=list(lead.overrides.select_related("actor", "lifted_by")[:20]),
        assignment=lead.timeline.filter(kind=_KIND.ASSIGNMENT).select_related("actor").first(),
        unsent=list(
            lead.mails.filter(sent_at__isnull=True, dropped_at__isnull=True)
            .exclude(problem="")
            .select_related("user")[:5]
        ),
        now=now,
    )


def timeline_page(lead: Lead, *, kind: str = "", before: str = "") -> TimelinePage:
    """Return a page of the timeline, the newest first. One query, as fast at the end as at first.

    Args:
        kind: a key of `KINDS`.
        before: what the page before gave as the place where it ended.
    """
    if kind not in KINDS:
        kind = ""
    rows = lead.timeline.select_related("actor")
    if KINDS[kind][1]:
        rows = rows.filter(kind__in=KINDS[kind][1])
    place = _place(before)
    if place is not None:
        at, pk = place
        # The first condition walks the index; the second takes the entry apart from its twins.
        rows = rows.filter(at__lte=at).filter(Q(at__lt=at) | Q(pk__lt=pk))
    entries = list(rows.order_by("-at", "-id")[: PAGE + 1])
    older = ""
    if len(entries) > PAGE:
        entries.pop()
        last = entries[-1]
        older = urlencode({"kind": kind, "before": f"{last.at.isoformat()}~{last.pk}"})
    return TimelinePage(entries, kind, older)


def _place(before: str) -> tuple[datetime, UUID] | None:
    moment, _, pk = before.partition("~")
    try:
        at = datetime.fromisoformat(moment)
        return (at, UUID(pk)) if at.tzinfo else None
    except ValueError:
        return None
