"""List filters that show the rows behind the figures of the dashboard."""

from __future__ import annotations

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from calls.desk.funnel import STEPS, with_lead_spoke
from calls.models import Call


class StepFilter(admin.SimpleListFilter):
    """The rows behind a figure of the dashboard."""

    title = "how far it got"
    parameter_name = "step"

    def lookups(self, request: HttpRequest, model_admin: object) -> list[tuple[str, str]]:
        return [(key, label) for key, (label, _) in STEPS.items()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Call]) -> QuerySet[Call]:
        step = STEPS.get(self.value() or "")
        return queryset if step is None else with_lead_spoke(queryset).filter(step[1])


class LiveFilter(admin.SimpleListFilter):
    """Live or ended."""

    title = "on the line"
    parameter_name = "live"

    def lookups(self, request: HttpRequest, model_admin: object) -> list[tuple[str, str]]:
        return [("yes", "Live now"), ("no", "Ended"), ("unsettled", "Ended, not settled")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Call]) -> QuerySet[Call]:
        if self.value() == "yes":
            return queryset.filter(state__in=Call.ACTIVE_STATES)
        if self.value() == "no":
            return queryset.filter(state__in=Call.FINAL_STATES)
        if self.value() == "unsettled":
            return queryset.filter(state__in=Call.FINAL_STATES, settled_at__isnull=True)
        return queryset
