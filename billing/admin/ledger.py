"""Charges and reservations: the ledger is read here and written by services only."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.admin import TabularInline
from unfold.contrib.filters.admin import (
    ChoicesDropdownFilter,
    RelatedDropdownFilter,
)
from unfold.decorators import display

from billing.admin.append_only import AppendOnlyAdmin
from billing.admin.date_range import DateRangeFilter
from billing.admin.ledger_total import LedgerPaginator, scope_asked
from billing.formats import exact_usd, usd
from billing.models import Charge, DailySpend, Price, Reconciliation, Reservation, ReservationLine

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


class VoiceFilter(admin.SimpleListFilter):
    """Charges of calls that began with one voice."""

    title = "voice"
    parameter_name = "call__voice_tier"

    def lookups(self, request: HttpRequest, model_admin: object) -> list[tuple[str, str]]:
        return [("local", "Local voice"), ("premium", "Premium voice")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Charge]) -> QuerySet[Charge]:
        return queryset.filter(call__voice_tier=self.value()) if self.value() else queryset


class ProviderFilter(admin.SimpleListFilter):
    """Charges of one provider. The price list knows them all; the ledger is long to search."""

    title = "provider"
    parameter_name = "provider"

    def lookups(self, request: HttpRequest, model_admin: object) -> list[tuple[str, str]]:
        names = Price.objects.order_by("provider").values_list("provider", flat=True).distinct()
        return [(name, name) for name in names]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Charge]) -> QuerySet[Charge]:
        return queryset.filter(provider=self.value()) if self.value() else queryset


@admin.register(Charge)
class ChargeAdmin(AppendOnlyAdmin):
    """Every amount of money, with what it was computed from."""

    empty_hint = "Each call writes what it costs here, line by line."
    list_display = (
        "when",
        "component",
        "lead",
        "in_campaign",
        "used",
        "per_unit",
        "cost",
        "standing",
    )
    list_filter = (
        ("component", ChoicesDropdownFilter),
        ProviderFilter,
        ("campaign", RelatedDropdownFilter),
        VoiceFilter,
        OutsideFilter,
        "is_estimate",
        ("at", DateRangeFilter),
    )
    list_filter_submit = True
    list_select_related = ("campaign", "call__lead")
    ordering = ("-at",)
    search_fields = ("key", "campaign__name")  # shows the box; see `get_search_results`
    search_help_text = "Key or campaign; a call's charges are on its page"
    show_full_result_count = False
    list_per_page = 50
    list_before_template: Any = "desk/ledger_total.html"

    def get_paginator(
        self, request: HttpRequest, queryset: Any, per_page: int, *args: Any, **kwargs: Any
    ) -> Any:
        """Count and add up, from the sums of days where the filters allow it."""
        if queryset.model is not Charge:  # the history of one
            return super().get_paginator(request, queryset, per_page, *args, **kwargs)
        paginator = LedgerPaginator(queryset, per_page, *args, **kwargs)
        paginator.scope = scope_asked(request.GET)
        return paginator

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Charge], search_term: str
    ) -> tuple[QuerySet[Charge], bool]:
        """Find a charge by its whole key, or the charges of campaigns; the ledger is long."""
        if term := search_term.strip():
            spent = DailySpend.objects.filter(campaign__name__icontains=term)
            campaigns = set(spent.values_list("campaign_id", flat=True))
            queryset = queryset.filter(Q(key=term) | Q(campaign_id__in=campaigns))
        return queryset, False

    @display(description="When", ordering="at")
    def when(self, charge: Charge) -> str:
        return f"{timezone.localtime(charge.at):%-d %b %Y, %H:%M:%S}"

    @display(description="Call")
    def lead(self, charge: Charge) -> SafeString | str:
        if charge.call is None:
            return "–"
        link = reverse("admin:calls_call_change", args=(charge.call_id,))
        return format_html('<a href="{}">{}</a>', link, charge.call.lead)

    @display(description="Campaign", ordering="campaign")
    def in_campaign(self, charge: Charge) -> str:
        return str(charge.campaign or "–")

    @display(description="Used, and paid for")
    def used(self, charge: Charge) -> str:
        unit = charge.get_unit_display().lower()
        used, paid = (
            f"{number.normalize():f}" for number in (charge.quantity, charge.billed_quantity)
        )
        times = " ×" if unit[0].isdigit() else ""
        return f"{used}{times} {unit}" + ("" if paid == used else f", paid {paid}")

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
