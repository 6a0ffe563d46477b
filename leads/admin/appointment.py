"""Appointments, and the hours in which representatives can have them."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.contrib.auth.models import User
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from unfold.admin import ModelAdmin
from unfold.contrib.filters.admin import (
    ChoicesDropdownFilter,
    RelatedDropdownFilter,
)
from unfold.decorators import display

from leads.admin.date_range import DateRangeFilter
from leads.models import Appointment, WorkingHours
from leads.services import appointment_cancel

STATUS_COLOURS = {"Booked": "success", "Held": "info", "Cancelled": "danger", "No show": "warning"}


class DueFilter(admin.SimpleListFilter):
    """Booked meetings by whether they are still to come."""

    title = "due"
    parameter_name = "due"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("coming", "Still to come"), ("over", "Over, not marked held or missed")]

    def queryset(
        self, request: HttpRequest, queryset: QuerySet[Appointment]
    ) -> QuerySet[Appointment]:
        booked = queryset.filter(status=Appointment.Status.BOOKED)
        if self.value() == "coming":
            return booked.filter(starts_at__gte=timezone.now())
        if self.value() == "over":
            return booked.filter(ends_at__lt=timezone.now())
        return queryset


@admin.register(Appointment)
class AppointmentAdmin(ModelAdmin):
    """Meetings in the order in which they come.

    Booking goes through the service, which keeps representatives from being booked twice; here a
    person marks what became of a meeting, or cancels it.
    """

    list_display = ("starts_at", "lead", "rep", "minutes", "status_label", "created_at")
    list_filter = (
        DueFilter,
        ("status", ChoicesDropdownFilter),
        ("rep", RelatedDropdownFilter),
        ("starts_at", DateRangeFilter),
        ("created_at", DateRangeFilter),
    )
    list_filter_submit = True
    list_select_related = ("lead", "rep")
    date_hierarchy = "starts_at"
    search_fields = ("lead__first_name", "lead__last_name", "lead__phone", "rep__username")
    readonly_fields = (
        "lead",
        "rep",
        "starts_at",
        "ends_at",
        "status_label",
        "call",
        "sequence",
        "created_at",
        "updated_at",
    )
    actions = ("cancel", "mark_held", "mark_missed")
    fields = (
        ("lead", "rep"),
        ("starts_at", "ends_at"),
        "status_label",
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

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    @admin.action(description="Cancel", permissions=["change"])
    def cancel(self, request: HttpRequest, queryset: QuerySet[Appointment]) -> None:
        """Cancel meetings; their times are free at once."""
        booked = list(queryset.filter(status=Appointment.Status.BOOKED))
        for meeting in booked:
            appointment_cancel(
                appointment_id=meeting.pk,
                reason="Cancelled at the desk",
                actor=request.user if isinstance(request.user, User) else None,
                now=timezone.now(),
            )
        messages.success(request, f"{len(booked)} cancelled. The leads are not told by this.")

    @admin.action(description="Mark as held", permissions=["change"])
    def mark_held(self, request: HttpRequest, queryset: QuerySet[Appointment]) -> None:
        self._mark(request, queryset, Appointment.Status.HELD)

    @admin.action(description="Mark as missed by the lead", permissions=["change"])
    def mark_missed(self, request: HttpRequest, queryset: QuerySet[Appointment]) -> None:
        self._mark(request, queryset, Appointment.Status.NO_SHOW)

    def _mark(self, request: HttpRequest, queryset: QuerySet[Appointment], status: str) -> None:
        # Only what has begun can have been held or missed, and a cancelled meeting stays so.
        now = timezone.now()
        count = queryset.filter(status=Appointment.Status.BOOKED, starts_at__lte=now).update(
            status=status, updated_at=now
        )
        messages.success(request, f"{count} marked.")


@admin.register(WorkingHours)
class WorkingHoursAdmin(ModelAdmin):
    """When each representative can be booked. Without hours nobody is offered to a lead."""

    list_display = ("rep", "weekday", "starts", "ends", "time_zone")
    list_filter = (("rep", RelatedDropdownFilter), "weekday")
    list_select_related = ("rep",)
    search_fields = ("rep__username", "rep__first_name", "rep__last_name")
    autocomplete_fields = ("rep",)
