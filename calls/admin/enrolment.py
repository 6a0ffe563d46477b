"""Which lead is where in which campaign, and why it is not being called."""

from __future__ import annotations

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from unfold.contrib.filters.admin import ChoicesDropdownFilter, RelatedDropdownFilter
from unfold.decorators import display

from calls.models import Enrolment
from calls.policy.explanation import REASONS
from leads.admin.append_only import AppendOnlyAdmin


class ReasonFilter(admin.SimpleListFilter):
    """Leads by why the gate last said no."""

    title = "why not called"
    parameter_name = "reason"

    def lookups(self, request: HttpRequest, model_admin: object) -> list[tuple[str, str]]:
        return list(REASONS.items())

    def queryset(self, request: HttpRequest, queryset: QuerySet[Enrolment]) -> QuerySet[Enrolment]:
        code = self.value()
        if code not in REASONS:
            return queryset
        # `contains` on JSON is not there on SQLite; codes never contain one another's quotes.
        return queryset.filter(blocked_reasons__icontains=f'"{code}"')


@admin.register(Enrolment)
class EnrolmentAdmin(AppendOnlyAdmin):
    """Which lead is where in which campaign."""

    list_display = (
        "lead",
        "campaign",
        "state",
        "due_at",
        "attempts",
        "last_result",
        "why_not",
    )
    list_filter = (
        ("state", ChoicesDropdownFilter),
        ("campaign", RelatedDropdownFilter),
        ReasonFilter,
        "last_outcome",
    )
    list_select_related = ("lead", "campaign")
    search_fields = ("lead__first_name", "lead__last_name", "lead__phone", "campaign__name")

    @display(description="Last outcome", ordering="last_outcome")
    def last_result(self, enrolment: Enrolment) -> str:
        return enrolment.last_outcome.replace("_", " ") or "–"

    @display(description="Why not called")
    def why_not(self, enrolment: Enrolment) -> str:
        return "; ".join(REASONS.get(code, code) for code in enrolment.blocked_reasons) or "–"
