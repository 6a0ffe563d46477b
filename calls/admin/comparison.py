"""The carrier's records against ours: what one side has and the other has not."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.decorators import display

from calls.models import CarrierComparison, CarrierDifference
from leads.admin.append_only import AppendOnlyAdmin


class OpenFilter(admin.SimpleListFilter):
    """Open, or in order by now."""

    title = "state"
    parameter_name = "open"

    def lookups(self, request: HttpRequest, model_admin: object) -> list[tuple[str, str]]:
        return [("yes", "Open"), ("no", "In order by now")]

    def queryset(
        self, request: HttpRequest, queryset: QuerySet[CarrierDifference]
    ) -> QuerySet[CarrierDifference]:
        if self.value() in ("yes", "no"):
            return queryset.filter(gone_at__isnull=self.value() == "yes")
        return queryset


@admin.register(CarrierDifference)
class CarrierDifferenceAdmin(AppendOnlyAdmin):
    """What the nightly comparison found, with the last runs above it."""

    empty_hint = "Every night the carrier's calls are compared with ours; what differs stands here."
    list_display = ("what", "call", "ours", "theirs", "found_at", "state_label")
    list_filter = (OpenFilter, ("kind", ChoicesDropdownFilter))
    list_select_related = ("call__lead",)
    search_fields = ("sid",)
    search_help_text = "The carrier's CallSid"
    list_before_template = "desk/comparison.html"  # type: ignore[assignment]  # unfold says None

    @display(description="Difference", ordering="kind")
    def what(self, difference: CarrierDifference) -> str:
        return difference.get_kind_display()

    @display(description="State", label={"Open": "danger", "In order": "success"})
    def state_label(self, difference: CarrierDifference) -> str:
        return "In order" if difference.gone_at else "Open"

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> Any:
        """Put the last run above the list."""
        context: dict[str, Any] = {
            **(extra_context or {}),
            "comparison": CarrierComparison.objects.first(),
            "open_differences": CarrierDifference.objects.filter(gone_at__isnull=True).count(),
        }
        return super().changelist_view(request, context)
