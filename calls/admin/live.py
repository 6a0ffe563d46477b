"""Live calls: what is being said now, what it costs, and the button that ends it."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import admin, messages
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.template.loader import render_to_string
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone

from calls.admin.seen import call_seen
from calls.carrier import CarrierError
from calls.desk.live import kill_switch, live_calls
from calls.models import Call, RepLine, Transfer
from calls.services.ending import call_end_now
from calls.services.transfers import listener_add, transfer_request
from leads.services.audit import audit_record


def live_page(request: HttpRequest) -> HttpResponse:
    """Show a card per live call."""
    _require_view(request)
    return TemplateResponse(
        request,
        "desk/live.html",
        {
            **admin.site.each_context(request),
            "title": "Live calls",
            "cards": live_calls(timezone.now(), viewer=request.user),
            "switch": kill_switch(),
            **_rights(request),
        },
    )


def live_json(request: HttpRequest) -> JsonResponse:
    """Return the cards and the kill switch as they are now, as HTML in JSON."""
    _require_view(request)
    cards = live_calls(timezone.now(), viewer=request.user)
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
    call = call_seen(request, call_id)
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


def take_over_page(request: HttpRequest, call_id: UUID) -> HttpResponse:
    """Ask once, then ring the supervisor and pass the call on to them."""
    if not isinstance(request.user, User) or not request.user.has_perm("calls.take_over"):
        raise PermissionDenied
    call = _live(request, call_id)
    back = HttpResponseRedirect(reverse("admin:calls_live"))
    line = RepLine.objects.filter(user=request.user).first()
    now = timezone.now()
    if line is None or not line.can_ring(now):
        messages.error(request, "You are reached nowhere: set My phone first, and keep it open.")
        return HttpResponseRedirect(reverse("admin:calls_phone"))
    if request.method == "POST":
        if transfer_request(
            call_id=call.pk,
            reason="taken over",
            kind=Transfer.Kind.TAKEOVER,
            actor=request.user,
            now=now,
        ):
            audit_record(
                action="take_over",
                text="Took a live call over.",
                actor=request.user,
                subject=call,
                lead_id=call.lead_id,
                now=now,
            )
            messages.success(request, "Your phone rings. Pick up: the agent then tells the lead.")
            return HttpResponseRedirect(reverse("admin:calls_phone")) if line.is_browser else back
        messages.error(request, "The agent does not hold this call any more.")
        return back
    where = "this browser (My phone)" if line.is_browser else f"your telephone, {line.phone}"
    return TemplateResponse(
        request,
        "desk/confirm.html",
        {
            **admin.site.each_context(request),
            "title": "Take over",
            "question": f"Take the call with {call.lead} over?",
            "consequences": [
                f"It rings on {where}. Until you pick up, the agent goes on.",
                "The agent tells the lead that a colleague takes over, and leaves the call.",
                "Our recording ends there: what you say with the lead is not recorded by us.",
            ],
            "button": "Take over",
            "back": reverse("admin:calls_live"),
        },
    )


def listen_page(request: HttpRequest, call_id: UUID) -> HttpResponse:
    """Let a supervisor hear a call: in the page while the agent has it, by ringing them after."""
    if not isinstance(request.user, User) or not request.user.has_perm("calls.listen_in"):
        raise PermissionDenied
    call = _live(request, call_id)
    if request.method == "POST":
        if listener_add(call_id=call.pk, actor=request.user, now=timezone.now()):
            audit_record(
                action="listen",
                text="Listened in to a live call.",
                actor=request.user,
                subject=call,
                lead_id=call.lead_id,
            )
            messages.success(request, "Your phone rings. You hear the call and are not heard.")
        else:
            messages.error(request, "You are reached nowhere: set My phone first.")
        return HttpResponseRedirect(reverse("admin:calls_live"))
    return TemplateResponse(
        request,
        "desk/listen.html",
        {**admin.site.each_context(request), "title": f"Listen to {call.lead}", "call": call},
    )


def _live(request: HttpRequest, call_id: UUID) -> Call:
    call = call_seen(request, call_id)
    if call.state != Call.State.IN_PROGRESS:
        raise Http404("This call is not on the line.")
    return call


def _require_view(request: HttpRequest) -> None:
    if not request.user.has_perm("calls.view_call"):
        raise PermissionDenied


def _rights(request: HttpRequest) -> dict[str, Any]:
    return {
        "may_end": request.user.has_perm("calls.change_call"),
        "may_listen": request.user.has_perm("calls.listen_in"),
        "may_take_over": request.user.has_perm("calls.take_over"),
        "may_stop": request.user.has_perm("calls.change_killswitch"),
    }
