"""Appointments: calendar, list, and the page of one."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern
from django.utils import timezone
from unfold.contrib.filters.admin import ChoicesDropdownFilter, RelatedDropdownFilter
from unfold.decorators import display

from leads.admin.booking import Booking
from leads.admin.calendar import Calendar
from leads.admin.date_range import DateRangeFilter
from leads.models import Appointment, Lead

STATUS_COLOURS = {"Booked": "success", "Held": "info", "Cancelled": "danger", "No show": "warning"}
# Where a lead may stand after a meeting that was held.
_AFTER = (Lead.Stage.WON, Lead.Stage.QUALIFIED, Lead.Stage.LOST)


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
class AppointmentAdmin(Calendar, Booking):  # type: ignore[misc]
    """Meetings in the order in which they come. Every change goes through the services."""

    list_display = ("starts_at", "lead", "rep", "minutes", "status_label", "created_at")
    list_filter = (
        DueFilter,
        ("status", ChoicesDropdownFilter),
        ("rep", RelatedDropdownFilter),
        ("starts_at", DateRangeFilter),
        ("created_at", DateRangeFilter),
    )
    list_filter_submit = True
    empty_hint = "The agent books them on calls; you can book one yourself."
    empty_links = (
        ("admin:leads_appointment_book", "Book an appointment", "leads.add_appointment"),
        ("admin:leads_calendar", "Calendar", "leads.view_appointment"),
    )
    list_select_related = ("lead", "rep")
    date_hierarchy = "starts_at"
    search_fields = ("lead__first_name", "lead__last_name", "lead__phone", "rep__username")
    actions = ()

    @display(description="Minutes")
    def minutes(self, meeting: Appointment) -> int:
        return int((meeting.ends_at - meeting.starts_at).total_seconds() // 60)

    @display(description="Status", ordering="status", label=STATUS_COLOURS)
    def status_label(self, meeting: Appointment) -> str:
        return meeting.get_status_display()

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Appointments are booked on their own page, which knows what is free."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_urls(self) -> list[URLPattern]:
        return [*self.calendar_urls(), *self.booking_urls(), *super().get_urls()]

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Show one meeting: when for whom, what became of it, and who was told."""
        meeting = self.get_object(request, object_id)
        if meeting is None:
            raise Http404("There is no such appointment.")
        if not self.has_view_permission(request, meeting):
            raise PermissionDenied
        now = timezone.now()
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": f"Appointment of {meeting.lead}",
            "meeting": meeting,
            "mails": meeting.mails.select_related("user").order_by("due_at")[:20],
            "begun": meeting.starts_at <= now,
            "booked": meeting.status == Appointment.Status.BOOKED,
            "may_change": self.has_change_permission(request, meeting),
            "after": [(stage.value, stage.label) for stage in _AFTER],
        }
        return TemplateResponse(request, "desk/appointment.html", context)
