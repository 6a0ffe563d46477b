"""When somebody is told that bills and estimates differ, and what they were told."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponseRedirect
from django.urls import reverse
from unfold.admin import ModelAdmin
from unfold.decorators import display

from billing.admin.append_only import AppendOnlyAdmin
from billing.formats import usd
from billing.models import VarianceAlert, VarianceRule


@admin.register(VarianceRule)
class VarianceRuleAdmin(ModelAdmin):
    """One row: the list leads to it."""

    fields = (("percent", "least"), "notify")

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> Any:
        if not self.has_view_permission(request):
            return super().changelist_view(request, extra_context)
        row = VarianceRule.objects.first() or VarianceRule.objects.create()
        return HttpResponseRedirect(reverse("admin:billing_variancerule_change", args=(row.pk,)))

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(VarianceAlert)
class VarianceAlertAdmin(AppendOnlyAdmin):
    """What people were told of."""

    list_display = ("day", "component", "calls", "estimated_usd", "billed", "emailed_at", "problem")

    @display(description="Estimated", ordering="estimated")
    def estimated_usd(self, row: VarianceAlert) -> str:
        return usd(row.estimated)

    @display(description="Billed", ordering="actual")
    def billed(self, row: VarianceAlert) -> str:
        return usd(row.actual)
