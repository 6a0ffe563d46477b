"""Budgets, and how much of each is used."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from unfold.admin import ModelAdmin, TabularInline
from unfold.contrib.filters.admin import ChoicesDropdownFilter, RelatedDropdownFilter
from unfold.decorators import display

from billing.formats import usd
from billing.models import Budget, BudgetPeriod
from billing.standing import BudgetUse, budget_uses


class BudgetPeriodInline(TabularInline):
    """Past and running periods; changed by calls only."""

    model = BudgetPeriod
    fields = ("starts_on", "spent_usd", "reserved_usd")
    readonly_fields = fields
    ordering = ("-starts_on",)
    per_page: Any = 31
    hide_title = True  # it would repeat the budget's name, and read it once a row
    extra = 0
    can_delete = False

    @display(description="Spent")
    def spent_usd(self, period: BudgetPeriod) -> str:
        return usd(period.spent)

    @display(description="Promised")
    def reserved_usd(self, period: BudgetPeriod) -> str:
        return usd(period.reserved)

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
    change_form_before_template: Any = "desk/budget_now.html"
    fieldsets = (
        (None, {"fields": (("name", "active"), "campaign")}),
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

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        """Read how the listed budgets stand, all at once."""
        changes = super().get_changelist_instance(request)
        budgets = list(changes.result_list)
        uses = {use.budget.pk: use for use in budget_uses(timezone.now(), budgets)}
        for budget in budgets:
            budget.use = uses.get(budget.pk)
        changes.result_list = budgets
        return changes

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Show how the budget stands above its form."""
        more: dict[str, Any] = dict(extra_context or {})
        budget = self.get_object(request, object_id)
        if budget is not None:
            more["uses"] = budget_uses(timezone.now(), [budget])
        return super().change_view(request, object_id, form_url, more)

    @display(description="For", ordering="campaign")
    def scope(self, budget: Budget) -> str:
        return str(budget.campaign) if budget.campaign else "Everything"

    @display(description="Limit", ordering="limit")
    def limit_usd(self, budget: Budget) -> str:
        return usd(budget.limit)

    @display(description="Cheaper voice from")
    def soft(self, budget: Budget) -> str:
        return f"{budget.soft_percent} %"

    @display(description="Spent, promised and free now")
    def used(self, budget: Budget) -> SafeString | str:
        use: BudgetUse | None = getattr(budget, "use", None)
        if use is None:
            return "checked call by call"
        return format_html(
            "{}<small>{} spent, {} promised, {} free</small>",
            mark_safe(render_to_string("desk/budget_bar.html", {"use": use})),  # noqa: S308 - a template's
            usd(use.spent),
            usd(use.reserved),
            usd(use.free),
        )
