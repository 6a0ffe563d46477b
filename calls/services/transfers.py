"""Pass a live call on to a human. See docs/transfer.md for why it is done this way.

The lead stays with the agent while representatives are rung. The first who takes the call wins by a
compare-and-set; the agent then tells the lead, and the lead's call is sent to a conference where
the human waits. Until that moment nothing about the lead's call has changed: when nobody takes it
the agent simply goes on. Every step may run twice; `transfers_sweep` finishes what a process left.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

import structlog
from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.urls import reverse

from calls import carrier
from calls.models import Call, Outcome, RepLine, Transfer, TransferLeg
from calls.services.actions import callback_schedule
from calls.services.metering import call_meter, legs_charge
from calls.services.notices import call_notify
from calls.services.outbox import outbox_add
from calls.services.record import event_record
from leads.services import timeline_add

logger = structlog.get_logger(__name__)

RING_FOR = timedelta(seconds=25)
ANSWER_BY = timedelta(seconds=45)
"""From the request to the last moment at which somebody can take the call: ringing, the summary
twice, a key."""
HAND_OVER_BY = timedelta(seconds=12)
"""How long the agent may take to tell the lead before the call is connected without it."""
MOST_RUNG = 3
"""Telephones that ring at the same time."""
METER_EVERY = timedelta(seconds=5)
HUMAN_SECONDS = 3600
"""How long a human may speak with the lead."""
CALL_AGAIN_IN = timedelta(minutes=15)
"""When a lead is called who was told of a human and then lost them."""


def transfer_request(
    *,
    call_id: UUID | str,
    reason: str,
    now: datetime,
    kind: str = Transfer.Kind.REQUESTED,
    actor: User | None = None,
) -> bool:
    """Ring those who can take a call. False when there is nobody, or the call is not the agent's.

    Safe twice: while a transfer is under way, asking again is a success and rings nobody twice.

    Args:
        reason: why, in a word or two: shown and told to who takes it.
        kind: a takeover rings only `actor`, whether or not they take transferred calls now.
    """
    with transaction.atomic():
        call = Call.objects.select_for_update().get(pk=call_id)
        if call.state != Call.State.IN_PROGRESS or call.stream_closed_at is not None:
            return False
        if call.transfers.filter(state__in=Transfer.OPEN_STATES).exists():
            return True
        takeover = kind == Transfer.Kind.TAKEOVER
        lines = _own_line(actor) if takeover else _lines_to_ring(call, now)
        if not lines:
            event_record(call_id=call.pk, kind="transfer_nobody_available", now=now)
            return False
        mode = call.campaign.transfer_mode if call.campaign else ""
        transfer = Transfer.objects.create(
            call=call,
            kind=kind,
            mode=Transfer.Mode.COLD if takeover else mode or Transfer.Mode.WARM,
            reason=reason[:80],
            requested_by=actor,
            expires_at=now + ANSWER_BY,
        )
        TransferLeg.objects.bulk_create(
            TransferLeg(transfer=transfer, rep=line.user, address=line.address) for line in lines
        )
        outbox_add(
            kind="transfer_ring",
            key=f"transfer_ring:{transfer.pk}",
            payload={"transfer": str(transfer.pk)},
            due_at=now,
        )
        event_record(
            call_id=call.pk,
            kind=f"transfer.{kind}",
            data={"rings": len(lines), "by": actor.pk if actor else None},
            now=now,
        )
    logger.info("transfer_requested", call_id=str(call_id), kind=kind, rings=len(lines))
    return True


def listener_add(*, call_id: UUID | str, actor: User, now: datetime) -> bool:
    """Ring a supervisor to hear a call that a human has taken. False when no human has it, or the
    supervisor is reached nowhere."""
    lines = _own_line(actor)
    with transaction.atomic():
        transfer = (
            Transfer.objects.select_for_update()
            .filter(call_id=call_id, state=Transfer.State.CONNECTED)
            .first()
        )
        if transfer is None or not lines:
            return False
        try:
            with transaction.atomic():
                TransferLeg.objects.create(
                    transfer=transfer, rep=actor, address=lines[0].address, listens=True
                )
        except IntegrityError:
            return True
        outbox_add(
            kind="transfer_ring",
            key=f"transfer_listen:{transfer.pk}:{actor.pk}",
            payload={"transfer": str(transfer.pk)},
            due_at=now,
        )
        event_record(call_id=call_id, kind="listen_in", data={"by": actor.pk}, now=now)
    return True


def transfer_ring(*, transfer_id: UUID | str, now: datetime) -> None:
    """Ring the telephones of a transfer that were not rung yet. Whoever makes a leg `ringing`
    sends it, nobody else: none rings twice."""
    transfer = Transfer.objects.select_related("call").get(pk=transfer_id)
    for leg in transfer.legs.filter(state=TransferLeg.State.CREATED):
        if transfer.state not in Transfer.OPEN_STATES:
            return
        mine = TransferLeg.objects.filter(pk=leg.pk, state=TransferLeg.State.CREATED).update(
            state=TransferLeg.State.RINGING, dialed_at=now
        )
        if not mine:
            continue
        try:
            answer = carrier.leg_create(
                to=leg.address,
                from_=str(_our_number(transfer.call)),
                url=leg_url("twilio-leg-answer", leg),
                status_url=leg_url("twilio-leg-status", leg),
                ring_seconds=int(RING_FOR.total_seconds()),
                max_seconds=HUMAN_SECONDS,
            )
        except carrier.CarrierUnclear:
            continue  # it may ring: its callbacks will tell, and the transfer expires in any case
        except carrier.CarrierError as error:
            logger.warning("transfer_leg_refused", leg=str(leg.pk), code=error.code)
            TransferLeg.objects.filter(pk=leg.pk).update(
                state=TransferLeg.State.OVER, result=f"carrier_{error.code}"[:20], ended_at=now
            )
            continue
        TransferLeg.objects.filter(pk=leg.pk, provider_sid="").update(provider_sid=answer.sid)
    transfer_fail_if_hopeless(transfer_id=transfer.pk, now=now)


def transfer_connect(*, call_id: UUID | str, now: datetime) -> bool:
    """Send the lead to the human who has taken the call. False when there is no such call.

    The last thing the agent does with a call: it has told the lead. When the human is gone again,
    the lead is told that at the other end (`lead_joins`). Safe twice.

    Raises:
        carrier.CarrierError: the carrier could not be told; the sweep tries again.
    """
    transfer = Transfer.objects.filter(call_id=call_id).order_by("-created_at").first()
    call = Call.objects.get(pk=call_id)
    if transfer is None or not call.is_active:
        return False
    elapsed = int((now - (call.answered_at or now)).total_seconds())
    seconds = elapsed + HUMAN_SECONDS
    Call.objects.filter(pk=call.pk).update(handed_over_at=now, max_seconds=seconds)
    try:
        carrier.call_redirect(
            call.provider_sid, url=transfer_url("twilio-transfer-lead", transfer), seconds=seconds
        )
    except carrier.CallUnknown:
        transfer_end(transfer_id=transfer.pk, failed_because="lead_hung_up", now=now)
        return False
    return True


def lead_joins(*, transfer: Transfer, now: datetime) -> bool:
    """Note that the lead's call asks where to go. False when the human is gone meanwhile: the
    lead is then told so and called again."""
    human = transfer.legs.filter(listens=False, state=TransferLeg.State.JOINED).exists()
    if human and transfer.state == Transfer.State.CONNECTED:
        return True
    if human and Transfer.objects.filter(pk=transfer.pk, state=Transfer.State.ACCEPTED).update(
        state=Transfer.State.CONNECTED, connected_at=now
    ):
        Call.objects.filter(pk=transfer.call_id).update(outcome=Outcome.TRANSFERRED)
        event_record(call_id=transfer.call_id, kind="transfer.connected", now=now)
        _tell_timeline(transfer, "Put through to {rep}.")
        return True
    transfer_end(transfer_id=transfer.pk, failed_because="human_gone", now=now)
    Call.objects.filter(pk=transfer.call_id).update(outcome=Outcome.CALLBACK)
    callback_schedule(call_id=transfer.call_id, at=now + CALL_AGAIN_IN, now=now)
    return False


def transfer_fail_if_hopeless(*, transfer_id: UUID | str, now: datetime) -> None:
    """Give a transfer up when no telephone can take it any more."""
    transfer = Transfer.objects.get(pk=transfer_id)
    if transfer.state in (Transfer.State.RINGING, Transfer.State.ACCEPTED) and not (
        transfer.legs.filter(listens=False).exclude(state=TransferLeg.State.OVER).exists()
    ):
        transfer_fail(transfer_id=transfer.pk, because="nobody_took_it", now=now)


def transfer_fail(*, transfer_id: UUID | str, because: str, now: datetime) -> bool:
    """Give a transfer up, and let the agent tell the lead. False when it is over or connected."""
    with transaction.atomic():
        failed = Transfer.objects.filter(
            pk=transfer_id, state__in=(Transfer.State.RINGING, Transfer.State.ACCEPTED)
        ).update(state=Transfer.State.FAILED, failed_because=because[:40], ended_at=now)
        if not failed:
            return False
        transfer = Transfer.objects.select_related("call").get(pk=transfer_id)
        event_record(
            call_id=transfer.call_id, kind="transfer.failed", data={"because": because}, now=now
        )
        if transfer.call.is_active and transfer.call.handed_over_at is None:
            call_notify(
                call_id=transfer.call_id,
                kind="transfer",
                data={"ok": False, "asked": transfer.kind == Transfer.Kind.REQUESTED},
                now=now,
            )
    legs_hang_up(transfer_id=transfer_id, but=None)
    return True


def transfer_end(*, transfer_id: UUID | str, now: datetime, failed_because: str = "") -> None:
    """Close a transfer whose call is over, or that came to nothing, and hang up its telephones."""
    Transfer.objects.filter(pk=transfer_id, state__in=Transfer.OPEN_STATES).update(
        state=Transfer.State.FAILED if failed_because else Transfer.State.ENDED,
        failed_because=failed_because,
        ended_at=now,
    )
    legs_hang_up(transfer_id=transfer_id, but=None)


def legs_hang_up(*, transfer_id: UUID | str, but: UUID | None) -> None:
    """End every telephone of a transfer except one. One that cannot be ended now ends by itself
    within its time limit."""
    legs = TransferLeg.objects.filter(transfer_id=transfer_id).exclude(state=TransferLeg.State.OVER)
    if but is not None:
        legs = legs.exclude(pk=but)
    # A leg that nobody has rung yet is never rung.
    legs.filter(state=TransferLeg.State.CREATED).update(
        state=TransferLeg.State.OVER, result="not_rung"
    )
    for leg in legs.exclude(provider_sid=""):
        try:
            carrier.call_end(leg.provider_sid)
        except carrier.CallUnknown:
            continue
        except carrier.CarrierError as error:
            logger.warning("transfer_leg_not_ended", leg=str(leg.pk), code=error.code)


def transfers_sweep(now: datetime) -> int:
    """Finish what time, a crash or the end of a call leaves open. Returns how many were open."""
    rows = list(Transfer.objects.filter(state__in=Transfer.OPEN_STATES).select_related("call"))
    for transfer in rows:
        try:
            _sweep(transfer, now)
        except carrier.CarrierError as error:
            logger.warning("transfer_sweep_repeats", transfer=str(transfer.pk), code=error.code)
    return len(rows)


def _sweep(transfer: Transfer, now: datetime) -> None:
    call = transfer.call
    if not call.is_active:
        because = "" if transfer.state == Transfer.State.CONNECTED else "lead_hung_up"
        legs_charge(transfer=transfer, until=call.ended_at or now)
        transfer_end(transfer_id=transfer.pk, failed_because=because, now=now)
    elif transfer.state == Transfer.State.RINGING:
        if now >= transfer.expires_at:
            transfer_fail(transfer_id=transfer.pk, because="nobody_took_it", now=now)
    elif transfer.state == Transfer.State.ACCEPTED:
        if transfer.accepted_at and now >= transfer.accepted_at + HAND_OVER_BY:
            transfer_connect(call_id=call.pk, now=now)
    else:
        # Nobody of ours holds the call now: its minutes and its money are looked after here.
        if call.heartbeat_at is None or now >= call.heartbeat_at + METER_EVERY:
            call_meter(call_id=call.pk, now=now)
            legs_charge(transfer=transfer, until=now)


def leg_url(name: str, leg: TransferLeg) -> str:
    """Return an address of ours for the carrier about one telephone of a transfer."""
    return carrier.public_url(reverse(name, kwargs={"leg": leg.pk}))


def transfer_url(name: str, transfer: Transfer) -> str:
    """Return an address of ours for the carrier about the lead's side of a transfer."""
    return carrier.public_url(reverse(name, kwargs={"transfer": transfer.pk}))


def _our_number(call: Call) -> object:
    return call.to_number if call.direction == Call.Direction.INBOUND else call.from_number


def _own_line(actor: User | None) -> list[RepLine]:
    line = None if actor is None else RepLine.objects.filter(user=actor).first()
    return [] if line is None else [line]


def _lines_to_ring(call: Call, now: datetime) -> list[RepLine]:
    """Return who is rung: the lead's owner first, then who was spared longest."""
    busy = TransferLeg.objects.filter(
        state__in=(TransferLeg.State.RINGING, TransferLeg.State.ANSWERED, TransferLeg.State.JOINED),
        transfer__state__in=Transfer.OPEN_STATES,
    ).values("rep_id")
    lines = [
        line
        for line in RepLine.objects.filter(available=True, user__is_active=True)
        .exclude(user_id__in=busy)
        .select_related("user")
        if line.can_ring(now)
    ]
    lasts = {
        line.user_id: Transfer.objects.filter(rep_id=line.user_id)
        .order_by("-accepted_at")
        .values_list("accepted_at", flat=True)
        .first()
        for line in lines
    }

    def turn(line: RepLine) -> tuple[bool, bool, object]:
        last = lasts[line.user_id]
        return (line.user_id != call.lead.owner_id, last is not None, last or line.updated_at)

    return sorted(lines, key=turn)[:MOST_RUNG]


def _tell_timeline(transfer: Transfer, words: str) -> None:
    rep = transfer.rep.get_short_name() or transfer.rep.username if transfer.rep else "a colleague"
    timeline_add(
        lead_id=transfer.call.lead_id,
        kind="call",
        text=words.format(rep=rep),
        call_id=transfer.call_id,
        key=f"transfer:{transfer.pk}",
    )
