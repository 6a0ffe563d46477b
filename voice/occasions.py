"""Everything on a call that is no words: keys, silence, news from elsewhere, a line that breaks."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any

import structlog

from agents.interface import (
    Action,
    ActionDone,
    Event,
    KeyPress,
    MachineAnswered,
    TransferReady,
    Unheard,
    WrapUp,
)
from voice.playout import Playout
from voice.session import Notice
from voice.speaking import Speaking
from voice.turn_taker import TurnTaker

log = structlog.get_logger(__name__)


class Occasions:
    """Answers what is no words, at once or after what must be heard.

    Its methods belong to the dialogue's task.

    Args:
        speaking: the agent's side.
        playout: the caller's ear.
        turn_taker: whose turn it is.
        end: ends the call with a reason.
        on_listen: called when somebody wants to listen in.
    """

    def __init__(
        self,
        *,
        speaking: Speaking,
        playout: Playout,
        turn_taker: TurnTaker,
        end: Callable[[str], None],
        on_listen: Callable[[Mapping[str, Any]], None] | None,
    ) -> None:
        self._speaking = speaking
        self._playout = playout
        self._turns = turn_taker
        self._end = end
        self._on_listen = on_listen
        self._backlog: deque[Event] = deque()
        self._wrapping_up = False

    async def answer(self, event: Event, *, force: bool = False) -> None:
        """Answer an event: the agent stops what it says. `force` spares nothing."""
        speaking = self._speaking
        self._turns.wait_for_nothing()
        spared = self._playout.must_be_heard or speaking.hanging_up or speaking.owes
        if speaking.speaks and not force and spared:
            self._backlog.append(event)
            if not speaking.hanging_up and not speaking.owes:
                await self._playout.interrupt()  # drops what need not be heard
            return
        await speaking.stop(force=force)  # one that has just been heard to its end is kept, too
        speaking.cut = None
        await speaking.discard_ahead()
        await speaking.tell_heard()
        speaking.say(event)

    async def on_spoken(self) -> None:
        """The agent has been heard to the end."""
        self._turns.first_turn_over()
        if self._backlog:
            await self.answer(self._backlog.popleft())
        else:
            await self._turns.on_spoken()

    async def on_action_done(self, event: ActionDone) -> None:
        """An action that reports back has been done."""
        if self._speaking.speaks:
            self._backlog.append(event)
        else:
            await self.answer(event)

    async def on_line_lost(self, back: asyncio.Event) -> None:
        """Wait for the line, and go on where it broke off. What else happens waits as well."""
        speaking, listening = self._speaking, self._turns.listening
        speaking.note("line_lost")
        self._turns.line_lost()
        await speaking.discard_ahead()
        if speaking.speaks:
            reply = speaking.current
            await speaking.stop(force=True)
            speaking.cut = reply
        await back.wait()
        speaking.note("line_back")
        if speaking.cut is not None and await speaking.resume():
            return
        speaking.cut = None
        if speaking.hanging_up:
            self._end(speaking.deeds.farewell)
        elif listening.turn.text:
            await self._turns.words_known()
        elif not listening.voice:
            await self.answer(Unheard())

    async def on_key(self, digit: str) -> None:
        """A key of the telephone."""
        self._speaking.note("key", {"digit": digit})
        self._turns.is_there()
        await self.answer(KeyPress(digit))

    async def on_notice(self, notice: Notice) -> None:
        """News of the call from elsewhere in the product."""
        log.info("notice_taken", kind=notice.kind)
        if notice.kind == "machine":
            self._turns.leave_unanswered()
            await self.answer(MachineAnswered(beep=bool(notice.data.get("beep"))), force=True)
        elif notice.kind == "wrap_up":
            await self.on_wrap_up(str(notice.data.get("reason", "budget")))
        elif notice.kind == "listen" and self._on_listen is not None:
            self._on_listen(notice.data)
        elif notice.kind == "transfer":
            await self._on_transfer(notice)
        elif notice.kind in {"hang_up", "kill"}:
            self._end(str(notice.data.get("reason", notice.kind)))

    async def on_wrap_up(self, reason: str) -> None:
        """Money or time is running out."""
        if not self._wrapping_up and not self._speaking.hanging_up:
            self._wrapping_up = True
            await self.answer(WrapUp(reason))

    async def _on_transfer(self, notice: Notice) -> None:
        """Somebody has taken the call, or nobody does."""
        if notice.data.get("ok"):
            await self.answer(TransferReady(str(notice.data.get("name", ""))))
        elif notice.data.get("asked"):
            await self.on_action_done(ActionDone(Action.TRANSFER, ok=False))
