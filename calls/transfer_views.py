"""Addresses that the carrier calls about a call that is passed on to a human."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from uuid import UUID

import structlog
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from calls import twiml
from calls.models import Transfer, TransferLeg
from calls.services.transfer_legs import (
    Reception,
    leg_answer,
    leg_key,
    leg_status_apply,
    whisper_text,
)
from calls.services.transfers import lead_joins, leg_url, transfer_url
from calls.views import from_carrier, instructions

logger = structlog.get_logger(__name__)

TAKEN = "Thank you. This call is no longer waiting. Goodbye."
GONE = "I am sorry, my colleague was cut off. We will call you back in a few minutes. Goodbye."

LegView = Callable[[HttpRequest, TransferLeg], HttpResponse]


def about_a_leg(view: LegView) -> Callable[..., HttpResponse]:
    """Find the telephone of the address; 404 for an unknown one, 403 for another one's CallSid."""

    @wraps(view)
    def found(request: HttpRequest, *, leg: UUID) -> HttpResponse:
        row = TransferLeg.objects.select_related("transfer__call", "rep").filter(pk=leg).first()
        if row is None:
            logger.warning("webhook_refused", reason="unknown_leg", view=view.__name__)
            return HttpResponse("There is no such telephone.", status=404)
        sid = request.POST.get("CallSid", "")
        if row.provider_sid and sid != row.provider_sid:
            logger.warning("webhook_refused", reason="not_ours", leg=str(leg))
            return HttpResponse("The CallSid is not this telephone's.", status=403)
        return view(request, row)

    return found


@from_carrier
@about_a_leg
def leg_answered(request: HttpRequest, leg: TransferLeg) -> HttpResponse:
    """Say what to do with somebody who has picked up."""
    now = timezone.now()
    reception = leg_answer(leg=leg, sid=request.POST.get("CallSid", ""), now=now)
    return _instructions(reception, leg)


@from_carrier
@about_a_leg
def leg_pressed(request: HttpRequest, leg: TransferLeg) -> HttpResponse:
    """Take the key pressed after the summary."""
    reception = leg_key(leg=leg, digits=request.POST.get("Digits", ""), now=timezone.now())
    if reception is None:
        return instructions(twiml.ask_key(key_url=leg_url("twilio-leg-key", leg)))
    return _instructions(reception, leg)


@from_carrier
@about_a_leg
def leg_status(request: HttpRequest, leg: TransferLeg) -> HttpResponse:
    """Take a status callback."""
    leg_status_apply(leg=leg, parameters=request.POST.dict(), now=timezone.now())
    return HttpResponse(status=204)


@from_carrier
def lead_sent(request: HttpRequest, *, transfer: UUID) -> HttpResponse:
    """Say what to do with a lead who is put through."""
    row = Transfer.objects.select_related("call", "rep").filter(pk=transfer).first()
    if row is None or request.POST.get("CallSid", "") != row.call.provider_sid:
        return HttpResponse("There is no such transfer.", status=404)
    if lead_joins(transfer=row, now=timezone.now()):
        done = transfer_url("twilio-transfer-done", row)
        return instructions(twiml.conference(row.room, role="lead", done_url=done))
    return instructions(twiml.say_and_hang_up(GONE))


@from_carrier
def lead_done(request: HttpRequest, *, transfer: UUID) -> HttpResponse:
    """Say what to do with a lead when the human has hung up: the call is over."""
    return instructions(twiml.hang_up())


def _instructions(reception: Reception, leg: TransferLeg) -> HttpResponse:
    if reception is Reception.WHISPER:
        text = whisper_text(leg.transfer)
        return instructions(twiml.whisper(text, key_url=leg_url("twilio-leg-key", leg)))
    if reception is Reception.TOO_LATE:
        return instructions(twiml.say_and_hang_up(TAKEN))
    role = "listener" if reception is Reception.LISTEN else "human"
    return instructions(twiml.conference(leg.transfer.room, role=role))
