"""What a conversation asks its call to do, and what happens on it, handed to the clerk."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from typing import Any
from uuid import UUID

import structlog
from django.utils import timezone

from agents.interface import Action, Do, Item, Notes, Say
from calls.services.actions import (
    appointment_drop,
    callback_schedule,
    opt_out,
    slot_book,
    slot_move,
)
from calls.services.record import event_record, notes_record
from calls.services.transfers import transfer_request
from voice.clerk import Clerk
from voice.speech import Group

logger = structlog.get_logger(__name__)

ANSWER_WITHIN_S = 4.0
"""How long the lead may wait for the result of a booking."""
_WAITED_FOR: Mapping[Action, Callable[..., bool]] = {
    Action.BOOK: slot_book,
    Action.MOVE: slot_move,
    Action.CANCEL: appointment_drop,
    Action.TRANSFER: transfer_request,
}


def note(clerk: Clerk, call_id: UUID, do: Do) -> None:
    """Have an action done whose result nobody waits for."""
    now = timezone.now()
    if do.action is Action.OPT_OUT:
        clerk.note(opt_out, call_id=call_id, source=do.args.get("source", "voice"), now=now)
    elif do.action is Action.CALLBACK:
        clerk.note(callback_schedule, call_id=call_id, at=do.args["at"], now=now)
    else:
        logger.error("action_unknown", action=str(do.action), call_id=str(call_id))


async def perform(clerk: Clerk, call_id: UUID, do: Do) -> bool:
    """Do an action whose result the conversation waits for, and return whether it succeeded.

    A booking that is still waiting for the database when the time is over counts as failed; done
    later after all, it stands in the calendar and on the call's page.
    """
    try:
        async with asyncio.timeout(ANSWER_WITHIN_S):
            service = _WAITED_FOR[do.action]
            now = timezone.now()
            return bool(await clerk.ask(service, call_id=call_id, now=now, **do.args))
    except Exception as error:
        logger.error(
            "action_failed",
            action=str(do.action),
            call_id=str(call_id),
            error=type(error).__name__,
            exc_info=error,
        )
        return False


def event(
    clerk: Clerk, call_id: UUID, kind: str, offset_ms: float, data: dict[str, Any] | None = None
) -> None:
    """Have an event of the call kept."""
    clerk.note(
        event_record,
        call_id=call_id,
        kind=kind,
        offset_ms=round(offset_ms),
        data=data,
        now=timezone.now(),
    )


def keep_notes(clerk: Clerk, call_id: UUID, notes: Notes) -> None:
    """Have what the conversation has learnt so far kept."""
    clerk.note(notes_record, call_id=call_id, notes=notes, now=timezone.now())


async def again(groups: Iterable[Group]) -> AsyncIterator[Item]:
    """Say the words of groups that were not heard."""
    for group in groups:
        yield Say(group.text, group.topic, group.agent, group.interruptible)
