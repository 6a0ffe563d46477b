"""How long each kind of data is kept."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest
from unfold.admin import ModelAdmin
from unfold.decorators import display

from leads.admin.actor import actor_of
from leads.models import AuditEntry, RetentionRule
from leads.retention import days_check, kinds, rules_complete
from leads.services.audit import audit_record


class RuleForm(forms.ModelForm):  # type: ignore[type-arg]
    """A period, not below what the law asks for."""

    class Meta:
        model = RetentionRule
        fields = ("days",)

    def clean_days(self) -> int | None:
        days: int | None = self.cleaned_data["days"]
        days_check(kinds()[self.instance.kind], days)
        return days


@admin.register(RetentionRule)
class RetentionRuleAdmin(ModelAdmin):
    """Every kind, with its period and its minimum."""

    form = RuleForm
    list_display = ("what", "period", "least", "about")
    fields = ("what", "about", "least", "days")
    readonly_fields = ("what", "about", "least")

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> Any:
        rules_complete()
        return super().changelist_view(request, {**(extra_context or {}), "title": "Retention"})

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    @display(description="Kind of data", ordering="kind")
    def what(self, rule: RetentionRule) -> str:
        return kinds()[rule.kind].label if rule.kind in kinds() else str(rule)

    @display(description="What it is")
    def about(self, rule: RetentionRule) -> str:
        return kinds()[rule.kind].about if rule.kind in kinds() else ""

    @display(description="Kept for", ordering="days")
    def period(self, rule: RetentionRule) -> str:
        return "ever" if rule.days is None else f"{rule.days:,} days"

    @display(description="At least")
    def least(self, rule: RetentionRule) -> str:
        kind = kinds().get(rule.kind)
        if kind is None or not kind.minimum:
            return "–"
        return f"{kind.minimum:,} days ({kind.law})"

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: Any) -> None:
        super().save_model(request, obj, form, change)
        audit_record(
            action=AuditEntry.Action.SETTINGS,
            text=f"{self.what(obj)} are kept for {self.period(obj)}.",
            actor=actor_of(request),
            subject=obj,
            data={"kind": obj.kind, "days": obj.days},
        )
