"""Caller numbers: what leads see, how often in a day, and in which campaigns."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from unfold.admin import ModelAdmin
from unfold.decorators import display

from calls.models import CallerNumber
from calls.services.caller_numbers import account_day
from calls.services.campaign_edits import caller_number_save
from leads.policy.places import states, states_of_number


@admin.register(CallerNumber)
class CallerNumberAdmin(ModelAdmin):
    """The account's numbers. One that has called somebody is switched off, not deleted."""

    list_display = ("shown", "place", "is_active", "today", "used_by")
    search_fields = ("number",)
    fields = ("number", "daily_cap", "active")

    def get_queryset(self, request: HttpRequest) -> QuerySet[CallerNumber]:
        rows: QuerySet[CallerNumber] = super().get_queryset(request)
        return rows.prefetch_related("campaigns")

    def save_model(self, request: HttpRequest, obj: Any, form: forms.Form, change: bool) -> None:
        caller_number_save(number=obj)

    def has_delete_permission(self, request: HttpRequest, obj: CallerNumber | None = None) -> bool:
        """A number that a campaign uses is part of its settings."""
        if obj is not None and obj.campaigns.exists():
            return False
        return bool(super().has_delete_permission(request, obj))

    @display(description="Number", ordering="number")
    def shown(self, number: CallerNumber) -> str:
        return str(number)

    @display(description="Local in")
    def place(self, number: CallerNumber) -> str:
        names = [states()[code].name for code in states_of_number(str(number.number))]
        return ", ".join(names) or "–"

    @display(description="Used", boolean=True, ordering="active")
    def is_active(self, number: CallerNumber) -> bool:
        return number.active

    @display(description="Calls today")
    def today(self, number: CallerNumber) -> str:
        used = number.used if number.used_on == account_day(timezone.now()) else 0
        return f"{used:,}" if number.daily_cap is None else f"{used:,} of {number.daily_cap:,}"

    @display(description="Campaigns")
    def used_by(self, number: CallerNumber) -> str:
        return ", ".join(campaign.name for campaign in number.campaigns.all()) or "none"
