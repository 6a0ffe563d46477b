"""Live calls: what is being said now, what it costs, and the button that ends it."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.template.loader import render_to_string
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone

from calls.carrier import CarrierError
from calls.desk.live import kill_switch, live_calls
from calls.models import Call
from calls.services.ending import call_end_now


def live_page(request: HttpRequest) -> HttpResponse:
    """Show a card per live call."""
    _require_view(request)
    return TemplateResponse(
        request,
        "desk/live.html",
        {
            **admin.site.each_context(request),
            "title": "Live calls",
            "cards": live_calls(timezone.now()),
            "switch": kill_switch(),
            **_rights(request),
        },
    )


def live_json(request: HttpRequest) -> JsonResponse:
    """Return the cards and the kill switch as they are now, as HTML in JSON."""
    _require_view(request)
    cards = live_calls(timezone.now())
    rights = _rights(request)
    return JsonResponse(
        {
            "count": len(cards),
            "cards": [
                {
                    "id": str(card.call.pk),
                    "html": render_to_string("desk/live_card.html", {"card": card, **rights}),
                }
                for card in cards
            ],
            "switch": render_to_string(
                "desk/kill_switch.html", {"switch": kill_switch(), **rights}
            ),
        }
    )


def end_page(request: HttpRequest, call_id: UUID) -> HttpResponse:
    """Ask once, then hang up through the carrier."""
    if not request.user.has_perm("calls.change_call"):
        raise PermissionDenied
    call = Call.objects.select_related("lead").filter(pk=call_id).first()
    if call is None:
        raise Http404("There is no such call.")
    back = reverse("admin:calls_call_change", args=(call.pk,))
    if not call.is_active:
        messages.info(request, "This call has already ended.")
        return HttpResponseRedirect(back)
    if request.method == "POST":
        try:
            call_end_now(call_id=call.pk, reason="manager")
        except CarrierError as error:
            messages.error(request, f"The carrier could not be told to hang up: {error}")
        else:
            messages.success(request, f"The call with {call.lead} is being ended.")
        return HttpResponseRedirect(back)
    return TemplateResponse(
        request,
        "desk/confirm.html",
        {
            **admin.site.each_context(request),
            "title": "End call",
            "question": f"End the call with {call.lead} now?",
            "consequences": [
                "The line is cut at once: the agent does not say goodbye.",
                "What was said and spent so far is kept.",
            ],
            "button": "End call",
            "danger": True,
            "back": back,
        },
    )


def _require_view(request: HttpRequest) -> None:
    if not request.user.has_perm("calls.view_call"):
        raise PermissionDenied


def _rights(request: HttpRequest) -> dict[str, Any]:
    return {
        "may_end": request.user.has_perm("calls.change_call"),
        "may_stop": request.user.has_perm("calls.change_killswitch"),
    }
