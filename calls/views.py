"""Addresses that the carrier calls. Each answers at once; slow work is promised to the outbox."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import wraps
from uuid import UUID

import structlog
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from calls import carrier, twiml
from calls.models import Call
from calls.services import inbound, resumption, streams, webhooks
from calls.services.ending import STOPS, hang_up_begin
from calls.services.permission import calls_without_permission

logger = structlog.get_logger(__name__)

View = Callable[..., HttpResponse]


def from_carrier(view: View) -> View:
    """Let a request in only when the carrier has signed it for our public address."""

    @csrf_exempt
    @require_POST
    @wraps(view)
    def checked(request: HttpRequest, **arguments: UUID) -> HttpResponse:
        signature = request.headers.get("X-Twilio-Signature", "")
        if not carrier.signature_is_valid(
            path=request.get_full_path(), parameters=request.POST, signature=signature
        ):
            reason = "wrong_signature" if signature else "missing_signature"
            logger.warning("webhook_refused", reason=reason, view=view.__name__)
            return HttpResponse("The signature does not fit.", status=403)
        return view(request, **arguments)

    return checked


def about_a_call(view: View) -> View:
    """Find the call of the address; 404 for an unknown one, 403 for another call's CallSid."""

    @wraps(view)
    def found(request: HttpRequest, *, call: UUID) -> HttpResponse:
        try:
            row = webhooks.call_of_webhook(call_id=call, sid=request.POST.get("CallSid", ""))
        except Call.DoesNotExist:
            logger.warning("webhook_refused", reason="unknown_call", view=view.__name__)
            return HttpResponse("There is no such call.", status=404)
        except webhooks.ForeignCall:
            logger.warning("webhook_refused", reason="not_ours", call_id=str(call))
            return HttpResponse("The CallSid is not this call's.", status=403)
        return view(request, row)

    return found


MOST_STREAMS = 20
"""Streams of one call, those that could not be opened included."""
LOST_LINE = "I am sorry, we have lost the connection. Goodbye."


@from_carrier
@about_a_call
def voice(request: HttpRequest, call: Call) -> HttpResponse:
    """Say what to do with an answered call: connect it to our media stream."""
    now = timezone.now()
    before = request.GET.get(twiml.AGAIN, "")
    if before.isascii() and before.isdigit() and len(before) < 4:
        return _stream_again(call, before=int(before), now=now)
    if calls_without_permission(call.pk):
        # Withdrawn while it rang, and answered before the watchdog could cancel it.
        hang_up_begin(call_id=call.pk, reason="permission_withdrawn")
    elif call.is_active and call.end_reason in ("", *STOPS):
        webhooks.answered_note(call=call, sid=request.POST.get("CallSid", ""), now=now)
        token = streams.stream_token_issue(call_id=call.pk, now=now)
        if token:
            return instructions(twiml.stream(call_id=call.pk, token=token))
    logger.info("instructions_hang_up", call_id=str(call.pk), state=call.state)
    return instructions(twiml.hang_up())


def _stream_again(call: Call, *, before: int, now: datetime) -> HttpResponse:
    """Say what to do with a call whose stream has ended: open another one, or end it politely."""
    if not call.is_active or call.end_reason or call.stream_closed_at is not None:
        return instructions(twiml.hang_up())
    token = None
    if before < MOST_STREAMS:
        token = resumption.stream_token_renew(call_id=call.pk, now=now)
    logger.info("stream_ended", call_id=str(call.pk), before=before, again=token is not None)
    if token is None:
        return instructions(twiml.say_and_hang_up(LOST_LINE))
    return instructions(twiml.stream(call_id=call.pk, token=token, before=before))


@from_carrier
@about_a_call
def status(request: HttpRequest, call: Call) -> HttpResponse:
    """Take a status callback."""
    webhooks.status_apply(call=call, parameters=request.POST.dict(), now=timezone.now())
    return HttpResponse(status=204)


@from_carrier
@about_a_call
def amd(request: HttpRequest, call: Call) -> HttpResponse:
    """Take the result of answering-machine detection."""
    webhooks.amd_apply(call=call, parameters=request.POST.dict(), now=timezone.now())
    return HttpResponse(status=204)


@from_carrier
@about_a_call
def recording(request: HttpRequest, call: Call) -> HttpResponse:
    """Take the news of a recording made by the carrier."""
    webhooks.recording_apply(call=call, parameters=request.POST.dict(), now=timezone.now())
    return HttpResponse(status=204)


@from_carrier
def incoming(request: HttpRequest) -> HttpResponse:
    """Answer somebody who calls one of our numbers."""
    now = timezone.now()
    try:
        call = inbound.call_receive(parameters=request.POST.dict(), now=now)
    except inbound.NotTaken as refusal:
        logger.info("inbound_not_taken", reason=refusal.reason)
        return instructions(twiml.say_and_hang_up(refusal.line))
    token = streams.stream_token_issue(call_id=call.pk, now=now)
    return instructions(twiml.stream(call_id=call.pk, token=token) if token else twiml.hang_up())


def instructions(document: str) -> HttpResponse:
    """Answer the carrier with a TwiML document."""
    return HttpResponse(document, content_type="text/xml")
