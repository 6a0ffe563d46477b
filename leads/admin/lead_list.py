"""The list of leads: its filters, its columns, and what narrows a million of them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.apps import apps
from django.db.models import DateTimeField, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.http import HttpRequest
from django.utils import timezone
from unfold.contrib.filters.admin import DropdownFilter, TextFilter
from unfold.decorators import display
from unfold.views import ChangeList

from leads.admin.scoped import ScopedAdmin
from leads.calendars import rep_name
from leads.formats import national
from leads.lists import lead_sources, tagged
from leads.models import Appointment, Lead, Task
from leads.policy.places import states
from leads.staff import staff

STAGE_COLOURS = {
    "New": "info",
    "Attempted": "warning",
    "Qualified": "success",
    "Appointment": "success",
    "Won": "success",
    "Lost": "danger",
}

COLUMNS = {
    "name": "Name",
    "number": "Number",
    "stage_label": "Stage",
    "score_words": "Score",
    "kind": "Kind",
    "place": "Place",
    "owner_name": "Owner",
    "last_call": "Last call",
    "next_meeting": "Next appointment",
    "next_task": "Next task",
    "email": "E-mail",
    "source": "Source",
    "tag_words": "Tags",
    "line_type": "Line",
    "created": "Created",
    "changed": "Changed",
}
"""Every column that the list can have, in the order in which they stand."""

USUAL = (
    "name",
    "number",
    "stage_label",
    "score_words",
    "kind",
    "place",
    "owner_name",
    "last_call",
    "created",
)
OWN_PARAMETERS = ("columns", "view")
"""Parameters of the address that filter nothing."""


def columns_of(request: HttpRequest) -> tuple[str, ...]:
    """Return the columns that the address asks for, or the usual ones. The name is always there."""
    asked = request.GET.get("columns", "").split(",")
    chosen = tuple(name for name in COLUMNS if name in asked or name == "name")
    return chosen if len(chosen) > 1 else USUAL


class LeadChangeList(ChangeList):
    """Leaves the parameters alone that name a view and its columns."""

    def get_filters_params(self, params: Any = None) -> dict[str, Any]:
        found: dict[str, Any] = super().get_filters_params(params)
        return {name: value for name, value in found.items() if name not in OWN_PARAMETERS}


class TemperatureFilter(DropdownFilter):
    """Hot, warm and cold by the same points as `Lead.temperature`."""

    title = "temperature"
    parameter_name = "temperature"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(value, str(label)) for value, label in Lead.Temperature.choices]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Lead]) -> QuerySet[Lead]:
        ranges = {
            "hot": Q(score__gte=70),
            "warm": Q(score__gte=40, score__lt=70),
            "cold": Q(score__lt=40) | Q(score__isnull=True),
        }
        wanted = ranges.get(self.value() or "")
        return queryset if wanted is None else queryset.filter(wanted)


class OwnerFilter(DropdownFilter):
    """Whose leads: one's own, nobody's, or somebody's. A shared view of "me" is each viewer's."""

    title = "owner"
    parameter_name = "owner"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        people = [(str(person.pk), rep_name(person)) for person in staff()]
        return [("me", "Me"), ("nobody", "Nobody"), *people]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Lead]) -> QuerySet[Lead]:
        wanted = self.value() or ""
        if wanted == "me":
            return queryset.filter(owner_id=request.user.pk)
        if wanted == "nobody":
            return queryset.filter(owner__isnull=True)
        return queryset.filter(owner_id=int(wanted)) if wanted.isdecimal() else queryset


class StateFilter(DropdownFilter):
    """US states, all of them: asking which are in use would read every lead."""

    title = "state"
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        rows = sorted(states().values(), key=lambda state: state.name)
        return [(state.code, state.name) for state in rows]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Lead]) -> QuerySet[Lead]:
        return queryset.filter(state=self.value()) if self.value() else queryset


class SourceFilter(DropdownFilter):
    """Where leads come from."""

    title = "source"
    parameter_name = "source"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(source, source) for source in lead_sources()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Lead]) -> QuerySet[Lead]:
        return queryset.filter(source=self.value()) if self.value() else queryset


class TagFilter(TextFilter):
    """One tag, written as it is on the lead."""

    title = "tag"
    parameter_name = "tag"

    def queryset(self, request: HttpRequest, queryset: QuerySet[Lead]) -> QuerySet[Lead]:
        tag = self.value()
        return tagged(queryset, tag) if tag else queryset


class LeadColumns(ScopedAdmin):
    """What the columns show. Only those with an index of their own can be sorted by."""

    def with_columns(self, rows: QuerySet[Lead], chosen: Iterable[str]) -> QuerySet[Lead]:
        """Add what the chosen columns need, read for the rows of the page only."""
        now = timezone.now()
        calls = apps.get_model("calls", "Call").objects.filter(lead=OuterRef("pk"))
        meetings = Appointment.objects.filter(
            lead=OuterRef("pk"), status=Appointment.Status.BOOKED, starts_at__gte=now
        )
        tasks = Task.objects.filter(lead=OuterRef("pk"), done_at__isnull=True)
        wanted = {
            "last_call": calls.order_by("-created_at").values("created_at"),
            "next_meeting": meetings.order_by("starts_at").values("starts_at"),
            "next_task": tasks.order_by("due_at").values("due_at"),
        }
        return rows.annotate(
            **{
                f"{name}_at": Subquery(query[:1], output_field=DateTimeField())
                for name, query in wanted.items()
                if name in chosen
            }
        )

    @display(description="Name", ordering="last_name")
    def name(self, lead: Lead) -> str:
        return str(lead.full_name or national(lead.phone))

    @display(description="Number", ordering="phone")
    def number(self, lead: Lead) -> str:
        return national(lead.phone)

    @display(description="Stage", label=STAGE_COLOURS)
    def stage_label(self, lead: Lead) -> str:
        return lead.get_stage_display()

    @display(description="Score", ordering=Coalesce("score", -1).desc())
    def score_words(self, lead: Lead) -> str:
        return "–" if lead.score is None else f"{lead.score} · {lead.temperature}"

    @display(description="Place")
    def place(self, lead: Lead) -> str:
        return ", ".join(part for part in (lead.city, lead.state) if part)

    @display(description="Owner", empty_value="nobody")
    def owner_name(self, lead: Lead) -> str | None:
        return rep_name(lead.owner) if lead.owner else None

    @display(description="Last call", empty_value="never")
    def last_call(self, lead: Lead) -> str | None:
        return _moment(getattr(lead, "last_call_at", None))

    @display(description="Next appointment", empty_value="–")
    def next_meeting(self, lead: Lead) -> str | None:
        return _moment(getattr(lead, "next_meeting_at", None))

    @display(description="Next task", empty_value="–")
    def next_task(self, lead: Lead) -> str | None:
        return _moment(getattr(lead, "next_task_at", None))

    @display(description="Created", ordering="created_at")
    def created(self, lead: Lead) -> str | None:
        return _moment(lead.created_at)

    @display(description="Changed")
    def changed(self, lead: Lead) -> str | None:
        return _moment(lead.updated_at)

    @display(description="Tags")
    def tag_words(self, lead: Lead) -> str:
        return lead.tag_words


def _moment(moment: datetime | None) -> str | None:
    """Return a moment on the viewer's clock, short enough for a column."""
    if moment is None:
        return None
    local = timezone.localtime(moment)
    this_year = local.year == timezone.localtime().year
    return f"{local:%-d %b, %H:%M}" if this_year else f"{local:%-d %b %Y}"
