"""Find calls whose record and whose line no longer agree, and put them right.

Reasons to look at a call: it was made and never sent; its telephone should have stopped ringing;
the answer to `POST /Calls` was lost; its stream is closed, or its heart has stopped (the process
that held it died), but nobody said that the call is over; it has lasted longer than it may; or
the permission to call was withdrawn. The carrier is asked; what must not go on is ended. (What
rings while dialling is stopped is for `calls.services.stopping`.)
"""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

import structlog
from django.db.models import Q

from calls import carrier
from calls.models import Call, Enrolment
from calls.policy.lifecycle import is_final, state_of
from calls.services.ending import call_advance, call_finish, carrier_end, hang_up_begin
from calls.services.permission import calls_without_permission

logger = structlog.get_logger(__name__)

NEVER_SENT = timedelta(seconds=60)
ANSWER_LOST = timedelta(seconds=30)
"""Longer than the slowest request: its sender has died."""
NOT_FOUND = timedelta(seconds=60)
"""How long a call may be missing in the carrier's list before it counts as never dialled."""
RING_GRACE = timedelta(seconds=60)
HEART_STOPPED = timedelta(seconds=30)
STREAM_MISSING = timedelta(seconds=30)
"""How long after the answer the media stream may take to open."""
STREAM_CLOSED = timedelta(seconds=5)
TOO_LONG = timedelta(seconds=30)
CARRIER_SILENT = timedelta(minutes=10)
"""Beyond the call's own limit, which the carrier enforces too: it is over, asked or not."""
TALK_OVER = timedelta(seconds=30)
"""How long after a human's end the lead may still hear a last sentence."""
ASK_AGAIN = timedelta(seconds=5)
CLAIM_LOST = timedelta(seconds=60)
CLOCK_SKEW = timedelta(minutes=2)


class Watchdog:
    """Looks after every active call. Remembers only when it last asked about which one."""

    def __init__(self) -> None:
        self._asked: dict[UUID, datetime] = {}

    def watch(self, now: datetime) -> int:
        """Do one round. Returns how many calls had to be looked into."""
        claims_release(now)
        active = list(Call.objects.filter(state__in=Call.ACTIVE_STATES))
        forbidden = calls_without_permission() if active else set()
        looked = 0
        for call in active:
            reason = why_look(call, now, permission_withdrawn=call.pk in forbidden)
            if not reason or self._asked.get(call.pk, now - ASK_AGAIN) > now - ASK_AGAIN:
                continue
            self._asked[call.pk] = now
            looked += 1
            try:
                call_reconcile(call=call, reason=reason, now=now)
            except carrier.CarrierError as error:
                logger.warning("watchdog_asks_again", call_id=str(call.pk), code=error.code)
        alive = {call.pk for call in active}
        self._asked = {pk: at for pk, at in self._asked.items() if pk in alive}
        return looked


def why_look(call: Call, now: datetime, *, permission_withdrawn: bool = False) -> str:
    """Return why a call must be looked into; "" when it is fine."""
    dialed = call.dialed_at or call.created_at
    if call.state == Call.State.CREATED:
        return "never_sent" if now >= call.created_at + NEVER_SENT else ""
    if call.state == Call.State.UNCONFIRMED:
        return "unconfirmed"
    if call.state == Call.State.IN_PROGRESS:
        return _why_look_at_live(call, now)
    if not call.provider_sid and now >= dialed + ANSWER_LOST:
        return "unconfirmed"
    if permission_withdrawn and call.provider_sid:
        return "permission_withdrawn"
    if now >= dialed + timedelta(seconds=call.ring_seconds) + RING_GRACE:
        return "rang_too_long"
    return ""


def _why_look_at_live(call: Call, now: datetime) -> str:
    answered = call.answered_at or call.created_at
    if now >= answered + timedelta(seconds=call.max_seconds) + TOO_LONG:
        return "too_long"
    if call.handed_over_at is not None:
        return _why_look_after_hand_over(call, now)
    if call.stream_closed_at is not None:
        return "stream_closed" if now >= call.stream_closed_at + STREAM_CLOSED else ""
    if call.stream_started_at is None:
        return "no_stream" if now >= answered + STREAM_MISSING else ""
    heartbeat = call.heartbeat_at or call.stream_started_at
    return "process_lost" if now >= heartbeat + HEART_STOPPED else ""


def _why_look_after_hand_over(call: Call, now: datetime) -> str:
    """A human has the lead, and `calls.services.transfers` looks after them. What is left: the
    human is gone, and nobody said that the lead is."""
    last = call.transfers.order_by("-created_at").first()
    over = call.handed_over_at if last is None else last.ended_at
    return "human_gone" if over is not None and now >= over + TALK_OVER else ""


def call_reconcile(*, call: Call, reason: str, now: datetime) -> None:
    """Ask the carrier about a call, and end it there and here unless it may go on.

    Raises:
        carrier.CarrierError: the carrier could not be asked; nothing was changed.
    """
    log = logger.bind(call_id=str(call.pk), reason=reason)
    if reason == "never_sent":
        call_finish(call_id=call.pk, state=Call.State.FAILED, reason=reason, now=now)
        log.warning("call_never_sent")
        return
    if now >= _surely_over(call):
        _finish_unheard(call, "carrier_silent", now)
        return
    if not call.provider_sid and not _adopt(call, now):
        return
    try:
        seen = carrier.call_fetch(call.provider_sid)
        if not _over(seen) and reason != "unconfirmed":
            log.warning("call_ended_by_watchdog")
            hang_up_begin(call_id=call.pk, reason=reason)
            carrier_end(str(call.pk), call.provider_sid)
            seen = carrier.call_fetch(call.provider_sid)
    except carrier.CallUnknown:
        _finish_unheard(call, reason, now)
        return
    call_advance(
        call=call,
        status=seen.status,
        sid=seen.sid,
        duration_s=seen.duration_s,
        answered_by=seen.answered_by,
        now=now,
    )


def claims_release(now: datetime) -> int:
    """Let leads wait again whose claim has no call on the line and none to be settled."""
    lost = (
        Enrolment.objects.filter(state=Enrolment.State.CLAIMED, claimed_at__lt=now - CLAIM_LOST)
        .exclude(
            pk__in=Call.objects.filter(
                Q(state__in=Call.ACTIVE_STATES) | Q(settled_at__isnull=True),
                enrolment__isnull=False,
            ).values("enrolment_id")
        )
        .values_list("pk", flat=True)
    )
    return Enrolment.objects.filter(pk__in=list(lost), state=Enrolment.State.CLAIMED).update(
        state=Enrolment.State.WAITING, claimed_at=None, due_at=now, updated_at=now
    )


def _adopt(call: Call, now: datetime) -> bool:
    """Find the carrier's call of a lost answer in its list. False when it is not there (yet).

    The carrier's list does not hold our id, but one lead has one active call: a call to this
    number from ours, made since and known to no row of ours, is this one.
    """
    dialed = call.dialed_at or call.created_at
    found = [
        seen
        for seen in carrier.calls_list(to=str(call.to_number), since=dialed - CLOCK_SKEW)
        if seen.from_ == str(call.from_number)
    ]
    known = set(
        Call.objects.filter(provider_sid__in=[seen.sid for seen in found]).values_list(
            "provider_sid", flat=True
        )
    )
    strangers = [seen for seen in found if seen.sid not in known]
    if strangers:
        call.provider_sid = strangers[-1].sid
        Call.objects.filter(pk=call.pk, provider_sid="").update(provider_sid=call.provider_sid)
        logger.info("call_found_at_carrier", call_id=str(call.pk))
        return True
    if now >= dialed + NOT_FOUND:
        call_finish(call_id=call.pk, state=Call.State.FAILED, reason="not_found", now=now)
        logger.warning("call_not_at_carrier", call_id=str(call.pk))
    elif call.state == Call.State.DIALING:
        Call.objects.filter(pk=call.pk, state=Call.State.DIALING).update(
            state=Call.State.UNCONFIRMED
        )
    return False


def _finish_unheard(call: Call, reason: str, now: datetime) -> None:
    """End a call of which the carrier says nothing: our own record is the best there is."""
    answered = call.answered_at is not None
    call_finish(
        call_id=call.pk,
        state=Call.State.COMPLETED if answered else Call.State.FAILED,
        reason=reason,
        ended_at=call.stream_closed_at or call.heartbeat_at if answered else None,
        now=now,
    )
    logger.warning("call_ended_unheard", call_id=str(call.pk), reason=reason)


def _surely_over(call: Call) -> datetime:
    limit = timedelta(seconds=call.ring_seconds + call.max_seconds)
    return (call.dialed_at or call.created_at) + limit + CARRIER_SILENT


def _over(seen: carrier.CarrierCall) -> bool:
    state = state_of(seen.status)
    return state is not None and is_final(state)
