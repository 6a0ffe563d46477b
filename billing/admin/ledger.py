"""Charges and reservations: the ledger is read here and written by services only."""

from __future__ import annotations

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from unfold.admin import TabularInline
from unfold.contrib.filters.admin import (
    ChoicesDropdownFilter,
    RelatedDropdownFilter,
)
from unfold.decorators import display

from billing.admin.append_only import AppendOnlyAdmin
from billing.admin.date_range import DateRangeFilter
from billing.formats import exact_usd, usd
from billing.models import Charge, Reconciliation, Reservation, ReservationLine

STATE_COLOURS = {"Open": "warning", "Settled": "success", "Released": "info"}


class OutsideFilter(admin.SimpleListFilter):
    """Charges that belong to nothing, such as the rent of a number."""

    title = "outside"
    parameter_name = "outside"

    def lookups(self, request: HttpRequest, model_admin: object) -> list[tuple[str, str]]:
        return [("campaign", "No campaign"), ("call", "No call")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Charge]) -> QuerySet[Charge]:
        if self.value() == "campaign":
            return queryset.filter(campaign__isnull=True)
        if self.value() == "call":
            return queryset.filter(call__isnull=True)
        return queryset


@admin.register(Charge)
class ChargeAdmin(AppendOnlyAdmin):
    """Every amount of money, with what it was computed from."""

    empty_hint = "Each call writes what it costs here, line by line."
    list_display = (
        "at",
        "component",
        "provider",
        "call",
        "campaign",
        "used",
        "paid_for",
        "per_unit",
        "cost",
        "standing",
    )
    list_filter = (
        ("component", ChoicesDropdownFilter),
        "provider",
        ("campaign", RelatedDropdownFilter),
        "call__voice_tier",
        OutsideFilter,
        "is_estimate",
        ("at", DateRangeFilter),
    )
    list_filter_submit = True
    list_select_related = ("campaign", "call__lead")
    ordering = ("-at",)
    search_fields = ("key", "campaign__name", "call__lead__first_name", "call__lead__last_name")
    show_full_result_count = False

    @display(description="Used")
    def used(self, charge: Charge) -> str:
        return f"{charge.quantity.normalize():f} {charge.get_unit_display().lower()}"

    @display(description="Paid for")
    def paid_for(self, charge: Charge) -> str:
        return f"{charge.billed_quantity.normalize():f}"

    @display(description="Unit price", ordering="unit_price")
    def per_unit(self, charge: Charge) -> str:
        return exact_usd(charge.unit_price)

    @display(description="Amount", ordering="amount")
    def cost(self, charge: Charge) -> str:
        return usd(charge.amount)

    @display(
        description="Standing",
        ordering="is_estimate",
        label={"Billed": "success", "Estimate": "info", "Correction": "warning"},
    )
    def standing(self, charge: Charge) -> str:
        if charge.corrects_id:
            return "Correction"
        return "Estimate" if charge.is_estimate else "Billed"


class ReservationLineInline(TabularInline):
    """Which budgets hold the promise."""

    model = ReservationLine
    fields = ("period", "amount")
    readonly_fields = fields
    extra = 0
    can_delete = False


@admin.register(Reservation)
class ReservationAdmin(AppendOnlyAdmin):
    """Money promised to calls."""

    list_display = ("call", "promised", "state_label", "settled", "created_at", "closed_at")
    list_filter = (("state", ChoicesDropdownFilter), ("created_at", DateRangeFilter))
    list_filter_submit = True
    list_select_related = ("call__lead",)
    inlines = (ReservationLineInline,)

    @display(description="Promised", ordering="amount")
    def promised(self, row: Reservation) -> str:
        return usd(row.amount)

    @display(description="Settled", ordering="settled_amount")
    def settled(self, row: Reservation) -> str:
        return usd(row.settled_amount)

    @display(description="State", ordering="state", label=STATE_COLOURS)
    def state_label(self, row: Reservation) -> str:
        return row.get_state_display()


@admin.register(Reconciliation)
class ReconciliationAdmin(AppendOnlyAdmin):
    """Estimates beside the carrier's bills."""

    list_display = ("at", "call", "component", "estimated_usd", "cost", "off_by")
    list_filter = (("component", ChoicesDropdownFilter), ("at", DateRangeFilter))
    list_filter_submit = True
    list_select_related = ("call__lead",)
    show_full_result_count = False

    @display(description="Estimated", ordering="estimated")
    def estimated_usd(self, row: Reconciliation) -> str:
        return usd(row.estimated)

    @display(description="Billed", ordering="actual")
    def cost(self, row: Reconciliation) -> str:
        return usd(row.actual)

    @display(description="Difference")
    def off_by(self, row: Reconciliation) -> str:
        return usd(row.difference)
