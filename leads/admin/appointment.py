"""Appointments, and the hours in which representatives can have them."""

from __future__ import annotations

from django.contrib import admin
from unfold.admin import ModelAdmin
from unfold.contrib.filters.admin import (
    ChoicesDropdownFilter,
    RangeDateTimeFilter,
    RelatedDropdownFilter,
)
from unfold.decorators import display

from leads.models import Appointment, WorkingHours

STATUS_COLOURS = {"Booked": "success", "Held": "info", "Cancelled": "danger", "No show": "warning"}


@admin.register(Appointment)
class AppointmentAdmin(ModelAdmin):
    """Meetings in the order in which they come."""

    list_display = ("starts_at", "lead", "rep", "minutes", "status_label", "created_at")
    list_filter = (
        ("status", ChoicesDropdownFilter),
        ("rep", RelatedDropdownFilter),
        ("starts_at", RangeDateTimeFilter),
        ("created_at", RangeDateTimeFilter),
    )
    list_filter_submit = True
    list_select_related = ("lead", "rep")
    date_hierarchy = "starts_at"
    search_fields = ("lead__first_name", "lead__last_name", "lead__phone", "rep__username")
    autocomplete_fields = ("lead", "rep")
    readonly_fields = ("call", "sequence", "created_at", "updated_at")
    fields = (
        ("lead", "rep"),
        ("starts_at", "ends_at"),
        "status",
        "notes",
        ("call", "sequence"),
        ("created_at", "updated_at"),
    )

    @display(description="Minutes")
    def minutes(self, meeting: Appointment) -> int:
        return int((meeting.ends_at - meeting.starts_at).total_seconds() // 60)

    @display(description="Status", ordering="status", label=STATUS_COLOURS)
    def status_label(self, meeting: Appointment) -> str:
        return meeting.get_status_display()


@admin.register(WorkingHours)
class WorkingHoursAdmin(ModelAdmin):
    """When each representative can be booked. Without hours nobody is offered to a lead."""

    list_display = ("rep", "weekday", "starts", "ends", "time_zone")
    list_filter = (("rep", RelatedDropdownFilter), "weekday")
    list_select_related = ("rep",)
    search_fields = ("rep__username", "rep__first_name", "rep__last_name")
    autocomplete_fields = ("rep",)
