"""Book, move, cancel and close appointments at the desk."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.views.decorators.http import require_POST
from unfold.admin import ModelAdmin

from leads.admin.actor import actor_of
from leads.admin.bulk_pages import RepField
from leads.admin.lead_steps import refused
from leads.calendars import free_slots, rep_calendars, rep_name
from leads.formats import national
from leads.models import Appointment, Lead
from leads.search import leads_found
from leads.services import (
    NotBooked,
    SlotTaken,
    appointment_book,
    appointment_cancel,
    appointment_close,
    appointment_move,
    invitation,
)
from leads.services.mail_words import business_of
from leads.staff import staff

_OFFERED = 12
LENGTHS = (15, 30, 45, 60, 90, 120)
_PICKER = forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M")


class TimeForm(forms.Form):
    """With whom, and when on the viewer's clock."""

    rep = RepField(queryset=staff(), label="With")
    starts_at = forms.DateTimeField(
        label="When", widget=_PICKER, input_formats=["%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M"]
    )
    minutes = forms.TypedChoiceField(
        choices=[(minutes, f"{minutes} minutes") for minutes in LENGTHS],
        coerce=int,
        initial=30,
        label="Length",
    )
    anyway = forms.BooleanField(required=False, label="Book anyway", widget=forms.HiddenInput)

    def problem(self, moving: UUID | None = None) -> str | None:
        """Return what speaks against the time, if anything; a person may overrule most of it."""
        starts_at, ends_at = self.span()
        rep_id = self.cleaned_data["rep"].pk
        (calendar,) = rep_calendars(
            since=starts_at, until=ends_at, rep_ids=[rep_id], leave_out=moving
        )
        return calendar.problem(starts_at, ends_at)

    def span(self) -> tuple[datetime, datetime]:
        """Return begin and end."""
        starts_at: datetime = self.cleaned_data["starts_at"]
        return starts_at, starts_at + timedelta(minutes=self.cleaned_data["minutes"])


class BookForm(TimeForm):
    """An appointment that is made."""

    location = forms.CharField(
        max_length=200, required=False, label="Where, if not at the lead’s address"
    )
    notes = forms.CharField(
        widget=forms.Textarea(attrs={"rows": 2}),
        required=False,
        label="Notes for the representative",
    )


class MoveForm(TimeForm):
    """An appointment that is moved."""

    reason = forms.CharField(max_length=200, required=False, label="Why (optional)")


class Booking(ModelAdmin):
    """The pages that change appointments. Every write is a service's."""

    def booking_urls(self) -> list[URLPattern]:
        """Return the addresses of the pages."""
        wrap = self.admin_site.admin_view
        return [
            path("book/", wrap(self.book), name="leads_appointment_book"),
            path("<uuid:object_id>/move/", wrap(self.move), name="leads_appointment_move"),
            path(
                "<uuid:object_id>/cancel/", wrap(self.cancel_one), name="leads_appointment_cancel"
            ),
            path(
                "<uuid:object_id>/close/",
                wrap(require_POST(self.close)),
                name="leads_appointment_close",
            ),
            path("<uuid:object_id>/invite.ics", wrap(self.ics), name="leads_appointment_ics"),
        ]

    def book(self, request: HttpRequest) -> HttpResponse:
        """Choose the lead, then the time; free times of everybody are offered."""
        if not request.user.has_perm("leads.add_appointment"):
            raise PermissionDenied
        lead = self._lead_asked(request)
        if lead is None:
            return self._choose_lead(request)
        asked = {"rep": request.GET.get("rep"), "starts_at": request.GET.get("at")}
        initial: dict[str, Any] = {name: value for name, value in asked.items() if value}
        initial.setdefault("rep", lead.owner_id or request.user.pk)
        form = BookForm(request.POST if request.method == "POST" else None, initial=initial)
        problem = None
        if request.method == "POST" and form.is_valid():
            problem = None if form.cleaned_data["anyway"] else form.problem()
            if problem is None and (done := self._book(request, lead, form)):
                return done
        rep_id = form["rep"].value()
        offers = free_slots(
            now=timezone.now(),
            limit=_OFFERED,
            time_zone=lead.time_zone,
            prefer_rep_id=int(rep_id) if str(rep_id).isdecimal() else None,
        )
        context = self._page(
            request,
            title=f"Book {lead}",
            lead=lead,
            form=form,
            problem=problem,
            offers=offers,
            back=reverse("admin:leads_lead_change", args=(lead.pk,)),
        )
        return TemplateResponse(request, "desk/book.html", context)

    def move(self, request: HttpRequest, object_id: UUID) -> HttpResponse:
        """Give an appointment another time; the calendar sends the same form after a drag."""
        meeting = self._meeting(request, object_id, "change")
        minutes = int((meeting.ends_at - meeting.starts_at).total_seconds() // 60)
        form = MoveForm(
            request.POST if request.method == "POST" else None,
            initial={
                "rep": meeting.rep_id,
                "starts_at": timezone.localtime(meeting.starts_at),
                "minutes": minutes,
            },
        )
        if minutes not in LENGTHS:
            form.fields["minutes"].choices = [(minutes, f"{minutes} minutes")]  # type: ignore[attr-defined]
        dragged = request.headers.get("X-Requested-With") == "fetch"
        problem = None
        if request.method == "POST" and form.is_valid():
            problem = None if form.cleaned_data["anyway"] else form.problem(meeting.pk)
            if problem is None:
                error = self._move(request, meeting, form)
                if dragged:
                    return JsonResponse({"moved": not error, "error": error})
                if not error:
                    return HttpResponseRedirect(_page_of(meeting))
        if dragged:
            words = problem or " ".join(
                str(one) for errors in form.errors.values() for one in errors
            )
            return JsonResponse({"moved": False, "problem": words})
        offers = free_slots(
            now=timezone.now(),
            limit=_OFFERED,
            time_zone=meeting.lead.time_zone,
            prefer_rep_id=meeting.rep_id,
            moving=meeting.pk,
            duration=timedelta(minutes=minutes),
        )
        context = self._page(
            request,
            title=f"Move the appointment of {meeting.lead}",
            lead=meeting.lead,
            meeting=meeting,
            form=form,
            problem=problem,
            offers=offers,
            back=_page_of(meeting),
        )
        return TemplateResponse(request, "desk/book.html", context)

    def cancel_one(self, request: HttpRequest, object_id: UUID) -> HttpResponse:
        """Ask once and why, then cancel; both sides are told."""
        meeting = self._meeting(request, object_id, "change")
        if request.method == "POST":
            appointment_cancel(
                appointment_id=meeting.pk,
                reason=request.POST.get("reason", "").strip() or "at the desk",
                actor=actor_of(request),
                now=timezone.now(),
            )
            messages.success(request, "Cancelled. Both sides are told by e-mail.")
            return HttpResponseRedirect(_page_of(meeting))
        when = timezone.localtime(meeting.starts_at)
        address = meeting.lead.email
        context = self._page(
            request,
            title="Cancel",
            question=f"Cancel the appointment with {meeting.lead}?",
            consequences=[
                f"{when:%A %d %B %Y, %H:%M}, with {rep_name(meeting.rep)}, is free again at once.",
                f"{rep_name(meeting.rep)} and the lead get a cancellation that takes it out of "
                "their calendars."
                if address
                else f"{rep_name(meeting.rep)} gets a cancellation. The lead has no e-mail "
                f"address: call {national(meeting.lead.phone)}.",
                "It cannot be undone; book a new one instead.",
            ],
            ask_reason="Why (optional)",
            button="Cancel the appointment",
            danger=True,
            back=_page_of(meeting),
        )
        return TemplateResponse(request, "desk/confirm.html", context)

    def close(self, request: HttpRequest, object_id: UUID) -> HttpResponse:
        """Note that it was held or missed; the lead's stage follows."""
        meeting = self._meeting(request, object_id, "change")
        actor = actor_of(request)
        if actor is None:
            raise PermissionDenied
        try:
            appointment_close(
                appointment_id=meeting.pk,
                status=request.POST.get("status", ""),
                stage=request.POST.get("stage", ""),
                note=request.POST.get("note", "")[:500],
                actor=actor,
                now=timezone.now(),
            )
        except (NotBooked, ValidationError, ValueError) as refusal:
            return refused(request, refusal, _page_of(meeting))
        messages.success(request, "Noted, and the lead’s stage with it.")
        return HttpResponseRedirect(_page_of(meeting))

    def ics(self, request: HttpRequest, object_id: UUID) -> HttpResponse:
        """Hand out the appointment as a calendar file."""
        meeting = self._meeting(request, object_id, "view")
        text = invitation(
            meeting,
            business_name=business_of(meeting),
            organizer_email=settings.DEFAULT_FROM_EMAIL,
            now=timezone.now(),
        )
        answer = HttpResponse(text, content_type="text/calendar; charset=utf-8")
        answer["Content-Disposition"] = f'attachment; filename="appointment-{meeting.pk}.ics"'
        return answer

    def _book(self, request: HttpRequest, lead: Lead, form: BookForm) -> HttpResponse | None:
        starts_at, ends_at = form.span()
        try:
            meeting = appointment_book(
                lead_id=lead.pk,
                rep_id=form.cleaned_data["rep"].pk,
                starts_at=starts_at,
                ends_at=ends_at,
                notes=form.cleaned_data["notes"],
                location=form.cleaned_data["location"],
                actor=actor_of(request),
                now=timezone.now(),
            )
        except SlotTaken as taken:
            form.add_error("starts_at", str(taken))
            return None
        told = "Both sides get" if lead.email else f"{rep_name(meeting.rep)} gets"
        messages.success(request, f"Booked. {told} an invitation by e-mail.")
        return HttpResponseRedirect(reverse("admin:leads_lead_change", args=(lead.pk,)))

    def _move(self, request: HttpRequest, meeting: Appointment, form: MoveForm) -> str:
        """Move; return why not, if so."""
        starts_at, ends_at = form.span()
        try:
            appointment_move(
                appointment_id=meeting.pk,
                starts_at=starts_at,
                ends_at=ends_at,
                rep_id=form.cleaned_data["rep"].pk,
                reason=form.cleaned_data["reason"],
                actor=actor_of(request),
                now=timezone.now(),
            )
        except (SlotTaken, NotBooked) as refusal:
            form.add_error("starts_at", str(refusal))
            return str(refusal)
        messages.success(request, "Moved. Both sides are told by e-mail.")
        return ""

    def _choose_lead(self, request: HttpRequest) -> HttpResponse:
        term = request.GET.get("q", "").strip()
        leads = _visible_leads(request)
        found = leads_found(leads, term).order_by("-created_at")[:20] if term else []
        kept = {name: request.GET[name] for name in ("rep", "at") if name in request.GET}
        context = self._page(
            request,
            title="Book an appointment",
            term=term,
            found=found,
            kept=kept,
            back=reverse("admin:leads_calendar"),
        )
        return TemplateResponse(request, "desk/book_whom.html", context)

    def _lead_asked(self, request: HttpRequest) -> Lead | None:
        try:
            pk = UUID(request.GET.get("lead", ""))
        except ValueError:
            return None
        lead: Lead | None = _visible_leads(request).filter(pk=pk).select_related("owner").first()
        if lead is None:
            raise Http404("There is no such lead: it was merged or erased, or is not yours.")
        return lead

    def _meeting(self, request: HttpRequest, object_id: UUID, right: str) -> Appointment:
        meeting: Appointment | None = self.get_object(request, str(object_id))
        if meeting is None:
            raise Http404("There is no such appointment.")
        allowed = {"view": self.has_view_permission, "change": self.has_change_permission}[right]
        if not allowed(request, meeting):
            raise PermissionDenied
        return meeting

    def _page(self, request: HttpRequest, **also: Any) -> dict[str, Any]:
        return {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "zone": ZoneInfo(timezone.get_current_timezone_name()),
            **also,
        }


def _visible_leads(request: HttpRequest) -> Any:
    """Return the leads that the viewer may see, by the scope of the list of leads."""
    return admin.site._registry[Lead].get_queryset(request)


def _page_of(meeting: Appointment) -> str:
    return reverse("admin:leads_appointment_change", args=(meeting.pk,))
