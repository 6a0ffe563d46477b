"""Budgets, and how much of each is used."""

from __future__ import annotations

from django.contrib import admin
from django.db.models import DecimalField, OuterRef, QuerySet, Subquery
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.admin import ModelAdmin, TabularInline
from unfold.contrib.filters.admin import ChoicesDropdownFilter, RelatedDropdownFilter
from unfold.decorators import display

from billing.formats import usd
from billing.models import Budget, BudgetPeriod

_MONEY = DecimalField(max_digits=14, decimal_places=6)


class BudgetPeriodInline(TabularInline):
    """Past and running periods; changed by calls only."""

    model = BudgetPeriod
    fields = ("starts_on", "spent", "reserved")
    readonly_fields = fields
    extra = 0
    can_delete = False

    def has_add_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False


@admin.register(Budget)
class BudgetAdmin(ModelAdmin):
    """Limits that no call can get past."""

    empty_hint = "Nothing limits what calls may cost. Set a limit for a day, for everything."
    list_display = ("name", "scope", "period", "limit_usd", "used", "soft", "active")
    list_filter = (("period", ChoicesDropdownFilter), ("campaign", RelatedDropdownFilter), "active")
    list_select_related = ("campaign",)
    search_fields = ("name", "campaign__name")
    autocomplete_fields = ("campaign",)
    inlines = (BudgetPeriodInline,)
    fieldsets = (
        (None, {"fields": ("name", ("campaign", "active"))}),
        (
            "Limit",
            {
                "fields": (
                    ("measure", "period"),
                    ("limit", "minimum_spend"),
                    ("soft_percent", "time_zone"),
                )
            },
        ),
        ("When it runs low", {"fields": ("notify", "pause_campaign_at_percent")}),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Budget]:
        newest = BudgetPeriod.objects.filter(budget=OuterRef("pk")).order_by("-starts_on")
        rows: QuerySet[Budget] = super().get_queryset(request)
        return rows.annotate(
            spent_last=Subquery(newest.values("spent")[:1], output_field=_MONEY),
            reserved_last=Subquery(newest.values("reserved")[:1], output_field=_MONEY),
            period_last=Subquery(newest.values("starts_on")[:1]),
        )

    @display(description="For", ordering="campaign")
    def scope(self, budget: Budget) -> str:
        return str(budget.campaign) if budget.campaign else "Everything"

    @display(description="Limit", ordering="limit")
    def limit_usd(self, budget: Budget) -> str:
        return usd(budget.limit)

    @display(description="Cheaper voice from")
    def soft(self, budget: Budget) -> str:
        return f"{budget.soft_percent} %"

    @display(description="Used in the last period")
    def used(self, budget: Budget) -> SafeString | str:
        spent = getattr(budget, "spent_last", None)
        if spent is None:
            return "nothing yet"
        reserved = getattr(budget, "reserved_last", None) or 0
        return format_html(
            "{} + {} promised <small>since {}</small>",
            usd(spent),
            usd(reserved),
            f"{getattr(budget, 'period_last', ''):%b %-d}",
        )
