"""What happens on the telephones and browsers that are rung for a transfer."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum

import structlog
from django.db import transaction

from agents.playbook import Script
from agents.summary import summarise
from calls.models import Call, Transfer, TransferLeg
from calls.policy.lifecycle import is_final, state_of
from calls.selectors import notes_of
from calls.services.metering import legs_charge
from calls.services.notices import call_notify
from calls.services.record import event_record
from calls.services.transfers import (
    legs_hang_up,
    transfer_end,
    transfer_fail,
    transfer_fail_if_hopeless,
)
from calls.services.webhooks import carrier_number, first_time

logger = structlog.get_logger(__name__)

ACCEPT, DECLINE = "1", "2"


class Reception(StrEnum):
    """What is done with somebody who has picked up."""

    WHISPER = "whisper"
    """Tell them who is on the line, and ask for a key."""
    JOIN = "join"
    """Connect them."""
    LISTEN = "listen"
    """Connect them, muted."""
    TOO_LATE = "too_late"
    """Somebody else has it, or the lead is gone."""


def leg_answer(*, leg: TransferLeg, sid: str, now: datetime) -> Reception:
    """Note that somebody has picked up, and say what to do with them."""
    TransferLeg.objects.filter(pk=leg.pk).exclude(state=TransferLeg.State.OVER).update(
        provider_sid=sid or leg.provider_sid
    )
    TransferLeg.objects.filter(
        pk=leg.pk, state__in=(TransferLeg.State.CREATED, TransferLeg.State.RINGING)
    ).update(state=TransferLeg.State.ANSWERED, answered_at=now)
    transfer = leg.transfer
    if leg.listens:
        live = transfer.state == Transfer.State.CONNECTED
        if live:
            TransferLeg.objects.filter(pk=leg.pk).update(state=TransferLeg.State.JOINED)
        return Reception.LISTEN if live else Reception.TOO_LATE
    if transfer.mode == Transfer.Mode.WARM and not leg.in_browser:
        ringing = transfer.state == Transfer.State.RINGING
        return Reception.WHISPER if ringing else Reception.TOO_LATE
    # In the browser the summary was on the screen, and picking up was the answer to it.
    return Reception.JOIN if leg_accept(leg=leg, now=now) else Reception.TOO_LATE


def leg_key(*, leg: TransferLeg, digits: str, now: datetime) -> Reception | None:
    """Take the key pressed after the summary. `None` for a key without meaning: ask again."""
    if digits == ACCEPT:
        return Reception.JOIN if leg_accept(leg=leg, now=now) else Reception.TOO_LATE
    if digits == DECLINE:
        leg_over(leg=leg, result="declined", now=now)
        return Reception.TOO_LATE
    return None


def leg_accept(*, leg: TransferLeg, now: datetime) -> bool:
    """Give the call to the first who takes it. Safe twice for that one; False for the others."""
    with transaction.atomic():
        won = Transfer.objects.filter(pk=leg.transfer_id, state=Transfer.State.RINGING).update(
            state=Transfer.State.ACCEPTED, rep=leg.rep, accepted_at=now
        )
        if not won:
            return Transfer.objects.filter(
                pk=leg.transfer_id, rep=leg.rep, state__in=Transfer.OPEN_STATES
            ).exists()
        TransferLeg.objects.filter(pk=leg.pk).update(state=TransferLeg.State.JOINED)
        name = leg.rep.first_name or "my colleague"
        event_record(
            call_id=leg.transfer.call_id, kind="transfer.accepted", data={"by": leg.rep_id}, now=now
        )
        call_notify(
            call_id=leg.transfer.call_id,
            kind="transfer",
            data={"ok": True, "name": name},
            now=now,
        )
    legs_hang_up(transfer_id=leg.transfer_id, but=leg.pk)
    return True


@transaction.atomic
def leg_status_apply(*, leg: TransferLeg, parameters: Mapping[str, str], now: datetime) -> bool:
    """Apply a status callback of one of a transfer's telephones. False when it was seen before."""
    status = parameters.get("CallStatus", "")
    sequence = carrier_number(parameters.get("SequenceNumber"))
    key = f"{leg.pk}:{sequence}:{status}"
    if not first_time(leg.transfer.call, "transfer_leg", key, parameters):
        return False
    sid = parameters.get("CallSid", "")
    TransferLeg.objects.filter(pk=leg.pk, provider_sid="").update(provider_sid=sid)
    state = state_of(status)
    if state is not None and is_final(state):
        seconds = carrier_number(parameters.get("CallDuration"))
        leg_over(leg=leg, result=status, now=now, seconds=seconds)
    return True


def leg_over(*, leg: TransferLeg, result: str, now: datetime, seconds: int | None = None) -> None:
    """Note that a telephone is out of it, charge it, and see what becomes of the transfer."""
    mine = (
        TransferLeg.objects.filter(pk=leg.pk)
        .exclude(state=TransferLeg.State.OVER)
        .update(state=TransferLeg.State.OVER, result=result[:20], ended_at=now)
    )
    if seconds is not None:
        TransferLeg.objects.filter(pk=leg.pk, carrier_seconds__isnull=True).update(
            carrier_seconds=seconds
        )
    transfer = Transfer.objects.select_related("call", "call__campaign").get(pk=leg.transfer_id)
    legs_charge(transfer=transfer, until=now)
    if not mine or leg.listens:
        return
    if transfer.state == Transfer.State.ACCEPTED and transfer.rep_id == leg.rep_id:
        # Taken, and gone before the lead came: the agent, if it still has the lead, goes on.
        transfer_fail(transfer_id=transfer.pk, because="human_gone", now=now)
    elif transfer.state == Transfer.State.CONNECTED and transfer.rep_id == leg.rep_id:
        # The conference ends with the human; the lead's own call says when it is over.
        transfer_end(transfer_id=transfer.pk, now=now)
    else:
        transfer_fail_if_hopeless(transfer_id=transfer.pk, now=now)


def whisper_text(transfer: Transfer) -> str:
    """Return what is told to somebody before they take a call: who, why, what is known."""
    call = Call.objects.select_related("lead", "campaign", "playbook_version").get(
        pk=transfer.call_id
    )
    parts = [f"A call for {call.campaign.business_name}." if call.campaign else "A call."]
    parts.append(f"{call.lead.full_name or 'A lead without a name'}, {call.lead.kind}.")
    if transfer.reason:
        parts.append(f"{transfer.reason.capitalize()}.")
    if call.lead.score is not None:
        parts.append(f"Score {call.lead.score}.")
    parts.append(summary_of(call))
    return " ".join(part for part in parts if part)


def summary_of(call: Call) -> str:
    """Return what the agent has learnt so far, in a few sentences."""
    return summarise(notes_of(call), script=Script.model_validate(call.playbook_version.script))
