"""Calls: the list, the review page with its sound, and the page of live calls."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.template.loader import render_to_string
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils import timezone
from unfold.contrib.filters.admin import (
    ChoicesDropdownFilter,
    RelatedDropdownFilter,
)
from unfold.decorators import display

from billing.formats import usd
from calls.admin import live
from calls.admin.call_now import call_now_page
from calls.admin.funnel import LiveFilter, StepFilter
from calls.admin.seen import call_seen
from calls.admin.sound import outline, ranged_response
from calls.desk.call_page import call_page, is_growing, turns_from
from calls.desk.running_cost import running_costs
from calls.formats import clock
from calls.models import Call, Recording
from calls.recording_files import recording_here
from calls.services.heard import recording_heard
from leads.admin.append_only import AppendOnlyAdmin
from leads.admin.date_range import DateRangeFilter

OUTCOME_COLOURS = {
    "Appointment": "success",
    "Qualified": "success",
    "Transferred": "success",
    "Callback": "info",
    "Not interested": "warning",
    "Do not call": "danger",
    "Failed": "danger",
    "Abandoned": "danger",
    "In progress": "primary",
    "Ringing": "primary",
    "Dialing": "primary",
}


@admin.register(Call)
class CallAdmin(AppendOnlyAdmin):
    """Calls are made by the dialer and read by people."""

    empty_hint = "Start a campaign, and its calls appear here as they are made."
    empty_links = (("admin:calls_campaign_changelist", "Campaigns", "calls.view_campaign"),)
    list_display = (
        "began",
        "lead",
        "campaign",
        "result",
        "length",
        "score",
        "spent",
    )
    list_display_links = ("began", "lead")
    list_filter = (
        StepFilter,
        LiveFilter,
        ("outcome", ChoicesDropdownFilter),
        ("state", ChoicesDropdownFilter),
        ("campaign", RelatedDropdownFilter),
        ("direction", ChoicesDropdownFilter),
        ("created_at", DateRangeFilter),
    )
    list_filter_submit = True
    list_select_related = ("lead", "campaign")
    list_per_page = 50
    search_fields = ("lead__first_name", "lead__last_name", "to_number", "campaign__name")
    search_help_text = "Name, number or campaign"

    @display(description="Began", ordering="created_at")
    def began(self, call: Call) -> Any:
        return call.dialed_at or call.created_at

    @display(description="Outcome", ordering="outcome", label=OUTCOME_COLOURS)
    def result(self, call: Call) -> str:
        return call.get_outcome_display() or call.get_state_display()

    @display(description="Length")
    def length(self, call: Call) -> str:
        return clock(call.duration_s) if call.answered_at and call.ended_at else "–"

    @display(description="Cost", ordering="cost")
    def spent(self, call: Call) -> str:
        return usd(call.cost)

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        return [
            path("live/", wrap(live.live_page), name="calls_live"),
            path("now/<uuid:lead_id>/", wrap(call_now_page), name="calls_call_now"),
            path("live.json", wrap(live.live_json), name="calls_live_json"),
            path("<uuid:call_id>/end/", wrap(live.end_page), name="calls_call_end"),
            path("<uuid:call_id>/listen/", wrap(live.listen_page), name="calls_call_listen"),
            path("<uuid:call_id>/take-over/", wrap(live.take_over_page), name="calls_take_over"),
            path("<uuid:call_id>/transcript.json", wrap(self.transcript), name="calls_transcript"),
            path("<uuid:call_id>/recording/", wrap(self.recording), name="calls_recording_file"),
            path("<uuid:call_id>/outline.json", wrap(self.outline), name="calls_outline"),
            *super().get_urls(),
        ]

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Show the review page: calls have nothing to edit."""
        call = self.get_object(request, object_id)
        if call is None:
            raise Http404("There is no such call.")
        if not self.has_view_permission(request, call):
            raise PermissionDenied
        page = call_page(call.pk, among=self.get_queryset(request))
        return TemplateResponse(
            request,
            "desk/call_review.html",
            {
                **self.admin_site.each_context(request),
                "opts": self.opts,
                "title": f"Call with {page.call.lead}",
                "page": page,
                "cost": running_costs([page.call], now=timezone.now())[page.call.pk],
                "may_listen": request.user.has_perm("calls.view_recording"),
            },
        )

    def transcript(self, request: HttpRequest, call_id: Any) -> JsonResponse:
        """Return the turns from `?from=` on, as data and as the lines of the page."""
        call = self._readable(request, call_id)
        index = request.GET.get("from", "0")
        cost = running_costs([call], now=timezone.now())[call.pk]
        turns = turns_from(call.pk, int(index) if index.isdigit() else 0)
        return JsonResponse(
            {
                "live": is_growing(call),
                "active": call.is_active,
                "state": call.get_state_display(),
                "outcome": call.get_outcome_display(),
                "seconds": _seconds(call),
                "cost": usd(cost.spent),
                "next_minute": render_to_string("desk/next_minute.html", {"cost": cost}).strip(),
                "next_at": cost.next_at.timestamp() if cost.next_at else None,
                "turns": [
                    {
                        "index": turn.index,
                        "speaker": turn.speaker,
                        "text": turn.text,
                        "started_ms": turn.started_ms,
                        "ended_ms": turn.ended_ms,
                        "interrupted": turn.interrupted,
                        "latency_ms": turn.latency_ms,
                        "html": render_to_string(
                            "desk/turn.html", {"turn": turn, "lead": call.lead}
                        ),
                    }
                    for turn in turns
                ],
            }
        )

    def recording(self, request: HttpRequest, call_id: Any) -> HttpResponse:
        """Play the recording to those who may hear it."""
        recording = self._sound(request, call_id)
        recording_heard(recording=recording, actor=request.user, now=timezone.now())
        name = recording.name
        kind = "audio/mpeg" if name.endswith(".mp3") else "audio/wav"
        try:
            return ranged_response(request, name, etag=recording.sha256, content_type=kind)
        except FileNotFoundError:
            raise Http404("The file of this recording is missing.") from None

    def outline(self, request: HttpRequest, call_id: Any) -> HttpResponse:
        """Return the outline of the recording for the waveform."""
        recording = self._sound(request, call_id)
        try:
            with recording_here(recording.name) as path:
                response = JsonResponse(outline(path))
        except FileNotFoundError:
            raise Http404("The file of this recording is missing.") from None
        except ValueError as error:
            return JsonResponse({"error": str(error)}, status=422)
        response["Cache-Control"] = "private, max-age=3600"
        response["ETag"] = f'"{recording.sha256}"'
        return response

    def _readable(self, request: HttpRequest, call_id: Any) -> Call:
        if not self.has_view_permission(request):
            raise PermissionDenied
        return call_seen(request, call_id)

    def _sound(self, request: HttpRequest, call_id: Any) -> Recording:
        if not request.user.has_perm("calls.view_recording"):
            raise PermissionDenied
        call = call_seen(request, call_id)
        recording = Recording.objects.filter(call=call, state=Recording.State.STORED).first()
        if recording is None:
            raise Http404("This call has no recording.")
        return recording


def _seconds(call: Call) -> int:
    if call.answered_at is None:
        return 0
    return int(((call.ended_at or timezone.now()) - call.answered_at).total_seconds())
