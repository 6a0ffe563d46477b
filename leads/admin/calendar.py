"""The calendar: a day of everybody, or a week of one, and where a click books."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils import timezone

from leads.admin.scoped import ScopedAdmin
from leads.agenda import day_agenda, week_agenda
from leads.models import WorkingHours
from leads.staff import staff


class Calendar(ScopedAdmin):
    """The page of the calendar. It belongs to the appointments."""

    def calendar_urls(self) -> list[URLPattern]:
        """Return the calendar's address."""
        view = self.admin_site.admin_view(self.calendar)
        return [path("calendar/", view, name="leads_calendar")]

    def calendar(self, request: HttpRequest) -> HttpResponse:
        """Draw a day or a week, in the viewer's zone."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        now = timezone.now()
        zone = ZoneInfo(timezone.get_current_timezone_name())
        day = _day(request.GET.get("day", "")) or timezone.localtime(now).date()
        people = list(staff().filter(pk__in=WorkingHours.objects.values("rep_id")))
        rep_id = _rep(request, [person.pk for person in people])
        week = request.GET.get("view") == "week" and rep_id is not None
        visible = self.get_queryset(request)
        if week and rep_id is not None:
            agenda = week_agenda(day, rep_id=rep_id, visible=visible, zone=zone, now=now)
        else:
            agenda = day_agenda(day, visible=visible, zone=zone, now=now)
        step = timedelta(days=7 if week else 1)
        monday = day - timedelta(days=day.weekday())
        context: dict[str, Any] = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": "Calendar",
            "agenda": agenda,
            "day": day,
            "first": monday if week else day,
            "last": monday + timedelta(days=6) if week else day,
            "before": day - step,
            "after": day + step,
            "week": week,
            "people": people,
            "rep_id": rep_id,
            "zone": f"{timezone.localtime(now):%Z}",
            "may_book": request.user.has_perm("leads.add_appointment"),
            "may_move": request.user.has_perm("leads.change_appointment"),
        }
        return TemplateResponse(request, "desk/calendar.html", context)


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _rep(request: HttpRequest, known: list[int]) -> int | None:
    """Return whose week is asked for: a known one, else the viewer's own, else the first."""
    asked = request.GET.get("rep", "")
    if asked.isdecimal() and int(asked) in known:
        return int(asked)
    if request.user.pk in known:
        return request.user.pk
    return known[0] if known else None
