"""End calls: ask the carrier to hang up, and write down that a call is over.

`call_hang_up` is for anybody who wants a call to end. `call_finish` is the only place where a
call gets a final state; it promises the after-call work in the same transaction.
"""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from uuid import UUID

import structlog
from channels.db import database_sync_to_async
from django.db import transaction

from calls import carrier
from calls.models import Call
from calls.policy.lifecycle import is_final, may_become, state_of
from calls.services.outbox import outbox_add
from calls.services.record import event_record

logger = structlog.get_logger(__name__)

STOPS = ("kill_switch", "campaign_halted")
"""Reasons for which only what rings is cancelled: whoever picked up first is spoken with."""


async def call_hang_up(*, call_id: UUID | str, reason: str) -> None:
    """End a call through the carrier's REST API, off the event loop.

    Safe twice; a call that has ended already, or that the carrier does not know, is a success.
    The final state comes with the carrier's callback.

    Args:
        reason: who or what ends it, such as "agent_hung_up", "budget", "manager".

    Raises:
        carrier.CarrierError: the carrier could not be reached, after retries; the watchdog tries
            again when the heartbeat stops.
    """
    sid = await database_sync_to_async(hang_up_begin)(call_id=call_id, reason=reason)
    if sid:
        await asyncio.to_thread(carrier_end, str(call_id), sid)


def call_end_now(*, call_id: UUID | str, reason: str) -> None:
    """Do what `call_hang_up` does, from synchronous code."""
    sid = hang_up_begin(call_id=call_id, reason=reason)
    if sid:
        carrier_end(str(call_id), sid)


def call_cancel_now(*, call_id: UUID | str, reason: str) -> None:
    """Cancel a call that rings; one that was picked up before the request arrived goes on.

    Args:
        reason: one of `STOPS`.

    Raises:
        carrier.CarrierError: the carrier could not be reached, after retries.
    """
    sid = hang_up_begin(call_id=call_id, reason=reason)
    if sid:
        try:
            carrier.call_cancel(sid)
        except carrier.CallUnknown:
            logger.info("call_already_gone", call_id=str(call_id))


def hang_up_begin(*, call_id: UUID | str, reason: str) -> str:
    """Note who ends the call, and return the CallSid to end; "" when there is nothing to end."""
    call = Call.objects.get(pk=call_id)
    if not call.is_active:
        return ""
    Call.objects.filter(pk=call.pk, end_reason="").update(end_reason=reason[:80])
    return call.provider_sid


def carrier_end(call_id: str, sid: str) -> None:
    """Ask the carrier to end a call; one it does not know has ended."""
    try:
        carrier.call_end(sid)
    except carrier.CallUnknown:
        logger.info("call_already_gone", call_id=call_id)


def call_advance(
    *,
    call: Call,
    status: str,
    sid: str,
    now: datetime,
    sequence: int | None = None,
    duration_s: int | None = None,
    answered_by: str = "",
) -> bool:
    """Bring a call to what the carrier says of it. Returns whether the state changed.

    Late and repeated news change nothing: a call only climbs (see `calls.policy.lifecycle`).
    """
    with transaction.atomic():
        call = Call.objects.select_for_update().get(pk=call.pk)
        if sid and not call.provider_sid:
            call.provider_sid = sid
            Call.objects.filter(pk=call.pk).update(provider_sid=sid)
        if sequence is not None and sequence > call.provider_sequence:
            Call.objects.filter(pk=call.pk).update(provider_sequence=sequence)
        if answered_by and not call.answered_by:
            Call.objects.filter(pk=call.pk).update(answered_by=answered_by)
        state = state_of(status)
        if state is None:
            logger.warning("carrier_status_unknown", call_id=str(call.pk), status=status)
            return False
        if not may_become(call.state, state):
            return False
        if is_final(state):
            return call_finish(
                call_id=call.pk, state=state, reason="far_end", duration_s=duration_s, now=now
            )
        changes: dict[str, object] = {"state": state, "updated_at": now}
        if state == Call.State.IN_PROGRESS and call.answered_at is None:
            changes["answered_at"] = now
        Call.objects.filter(pk=call.pk).update(**changes)
        event_record(call_id=call.pk, kind=f"state.{state}", now=now)
    return True


@transaction.atomic
def call_finish(
    *,
    call_id: UUID | str,
    state: str,
    reason: str,
    now: datetime,
    ended_at: datetime | None = None,
    duration_s: int | None = None,
) -> bool:
    """Give a call its final state and promise the after-call work. Only the first one counts.

    Args:
        state: one of `Call.FINAL_STATES`.
        reason: who or what ended it, unless somebody said so before.
        ended_at: when it ended, if that is known to be earlier than now.
        duration_s: the carrier's billed seconds, if it told.

    Returns:
        Whether this call ended it.
    """
    call = Call.objects.select_for_update().get(pk=call_id)
    if not call.is_active:
        if duration_s is not None and call.carrier_seconds is None:
            Call.objects.filter(pk=call_id).update(carrier_seconds=duration_s)
        return False
    ended_at = ended_at or now
    answered_at = call.answered_at
    if state == Call.State.COMPLETED and answered_at is None:
        # The news of the answer was lost; the carrier bills this much, so it was answered.
        answered_at = ended_at - timedelta(seconds=duration_s or 0)
    Call.objects.filter(pk=call_id).update(
        state=state,
        answered_at=answered_at,
        ended_at=max(ended_at, answered_at) if answered_at else ended_at,
        end_reason=call.end_reason or reason[:80],
        carrier_seconds=duration_s,
        updated_at=now,
    )
    event_record(
        call_id=call_id,
        kind=f"state.{state}",
        data={"reason": call.end_reason or reason},
        now=now,
    )
    outbox_add(
        kind="aftercall", key=f"aftercall:{call_id}", payload={"call": str(call_id)}, due_at=now
    )
    return True
