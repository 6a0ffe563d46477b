"""When representatives can be booked: hours, rules, time off, holidays."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from unfold.admin import ModelAdmin
from unfold.contrib.filters.admin import RelatedDropdownFilter

from leads.models import BookingRules, Holiday, TimeOff, WorkingHours
from leads.policy.windows import known_zone


class HoursForm(forms.ModelForm):  # type: ignore[type-arg]
    """A span of working hours that meets no other of the same day."""

    class Meta:
        model = WorkingHours
        fields = ("rep", "weekday", "starts", "ends", "time_zone")

    def clean_time_zone(self) -> str:
        """Return a zone that exists."""
        name: str = self.cleaned_data["time_zone"]
        if known_zone(name) is None:
            raise forms.ValidationError(
                f"“{name}” is not a time zone. Write one such as America/Chicago."
            )
        return name

    def clean(self) -> dict[str, Any]:
        """Refuse spans that overlap: a time would be offered twice."""
        data: dict[str, Any] = super().clean() or {}
        if {"rep", "weekday", "starts", "ends"} <= data.keys():
            others = WorkingHours.objects.filter(
                rep=data["rep"],
                weekday=data["weekday"],
                starts__lt=data["ends"],
                ends__gt=data["starts"],
            ).exclude(pk=self.instance.pk)
            if other := others.first():
                self.add_error("starts", f"This overlaps {other}. Change one of them.")
        return data


@admin.register(WorkingHours)
class WorkingHoursAdmin(ModelAdmin):
    """When each representative can be booked. Without hours nobody is offered to a lead."""

    form = HoursForm
    empty_hint = "Say when somebody can be booked, and the agent offers those times to leads."
    list_display = ("rep", "weekday", "starts", "ends", "time_zone")
    list_filter = (("rep", RelatedDropdownFilter), "weekday")
    list_filter_submit = True
    list_select_related = ("rep",)
    search_fields = ("rep__username", "rep__first_name", "rep__last_name")
    autocomplete_fields = ("rep",)


@admin.register(TimeOff)
class TimeOffAdmin(ModelAdmin):
    """When representatives are away. Meetings booked before stay booked: move them yourself."""

    empty_hint = "Nobody is away. Times entered here are offered to nobody."
    list_display = ("rep", "starts_at", "ends_at", "reason")
    list_filter = (("rep", RelatedDropdownFilter),)
    list_filter_submit = True
    list_select_related = ("rep",)
    search_fields = ("rep__username", "rep__first_name", "rep__last_name", "reason")
    autocomplete_fields = ("rep",)


@admin.register(Holiday)
class HolidayAdmin(ModelAdmin):
    """Days on which nobody is booked."""

    empty_hint = "Add the days on which nobody is booked, such as Thanksgiving."
    list_display = ("day", "name")
    search_fields = ("name",)


@admin.register(BookingRules)
class BookingRulesAdmin(ModelAdmin):
    """How long meetings are, and what is kept free around them."""

    empty_hint = (
        "Everybody is booked for 30 minutes, with 15 minutes free between two and nothing sooner "
        "than in two hours. Add rules for whom it is different."
    )
    list_display = ("rep", "slot_minutes", "buffer_before", "buffer_after", "notice_minutes")
    list_select_related = ("rep",)
    search_fields = ("rep__username", "rep__first_name", "rep__last_name")
    autocomplete_fields = ("rep",)
