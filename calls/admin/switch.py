"""The kill switch: stop all dialling, and let it go on."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse

from calls.desk.live import goodbye, kill_switch, on_the_line
from calls.models import Call, KillSwitch
from calls.services.campaigns import kill_switch_set
from leads.admin.actor import actor_of
from leads.admin.append_only import AppendOnlyAdmin

_STOP = [
    "No new call is dialled, in any campaign, also after a restart.",
    "What rings is cancelled within a second; talks go on to their end.",
    "Campaigns stay as they are and go on when you let calls through again.",
]
_GO = [
    "Running campaigns go on dialling within their hours and budgets.",
]


@admin.register(KillSwitch)
class KillSwitchAdmin(AppendOnlyAdmin):
    """One switch, one page."""

    def get_urls(self) -> list[URLPattern]:
        return [
            path("set/", self.admin_site.admin_view(self.set_view), name="calls_kill_switch"),
            *super().get_urls(),
        ]

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> Any:
        """There is only one row: show its page."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        return HttpResponseRedirect(reverse("admin:calls_kill_switch"))

    def set_view(self, request: HttpRequest) -> HttpResponse:
        """Ask once, then stop or release all dialling."""
        if not request.user.has_perm("calls.change_killswitch"):
            raise PermissionDenied
        stopped = kill_switch().engaged
        if request.method == "POST":
            # The form says what the person saw: two people pressing at once do not undo each other.
            engage = request.POST.get("to") == "stop"
            kill_switch_set(
                engaged=engage,
                actor=actor_of(request),
                reason=request.POST.get("reason", "")[:200],
                end_live="end_live" in request.POST,
            )
            text = "All dialling is stopped." if engage else "Calls may be dialled again."
            messages.success(request, text)
            return HttpResponseRedirect(reverse("admin:index"))
        ringing, talking = on_the_line(Call.objects.all())
        return TemplateResponse(
            request,
            "desk/confirm.html",
            {
                **self.admin_site.each_context(request),
                "opts": self.opts,
                "title": "Kill switch",
                "question": "Let calls through again?" if stopped else "Stop all dialling now?",
                "consequences": [
                    f"Now: {ringing} ringing, {talking} talking.",
                    *(_GO if stopped else _STOP),
                ],
                "choices": {} if stopped else {"end_live": goodbye(talking)},
                "ask_reason": "Why (others will see it)",
                "button": "Let calls through" if stopped else "Stop all dialling",
                "danger": not stopped,
                "hidden": {"to": "go" if stopped else "stop"},
                "back": reverse("admin:index"),
            },
        )
