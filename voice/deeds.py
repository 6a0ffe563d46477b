"""What the conversation has a call do besides speaking: its end, the recording's, and bookings."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any
from uuid import UUID

import structlog

from agents.interface import Action, ActionDone, ConversationProtocol, Do
from voice import actions
from voice.clerk import Clerk
from voice.clock import StreamClock
from voice.recorder import Recorder
from voice.transcript import NotesTaker

HANDED_OVER = "handed_over"
"""The reason of an end that is none: a human takes the lead."""
HANG_UP_GUARD_MS = 30_000.0
"""The longest a goodbye may take to be heard."""


class Deeds:
    """Carries out one call's actions. Its methods belong to the dialogue's task.

    Args:
        recorder: the recording, stopped on request.
        run: has a coroutine run beside the dialogue, until the call ends.
        post: has a function called by the dialogue's task.
        on_done: called with the result of an action that reports back.
    """

    def __init__(
        self,
        call_id: UUID,
        *,
        clerk: Clerk,
        clock: StreamClock,
        recorder: Recorder | None,
        run: Callable[[Coroutine[Any, Any, None]], None],
        post: Callable[..., None],
        on_done: Callable[[ActionDone], Awaitable[None]],
    ) -> None:
        self._log = structlog.get_logger(__name__).bind(call_id=str(call_id))
        self._call_id = call_id
        self._clerk = clerk
        self._clock = clock
        self._recorder = recorder
        self._run = run
        self._post = post
        self._on_done = on_done
        self.hanging_up = False
        """The last words are being said."""
        self.farewell = "agent_hung_up"
        """Why the call ends when they have been heard."""
        self.hang_up_by: float | None = None
        """When it ends whether they have been or not; ms of the stream."""

    @property
    def is_hand_over(self) -> bool:
        """Whether the end that is coming is none: a human takes the lead."""
        return self.farewell == HANDED_OVER

    def hang_up_within(self, ms: float) -> None:
        """End the call after so long at most."""
        by_ms = self._clock.now_ms() + ms
        self.hang_up_by = by_ms if self.hang_up_by is None else min(self.hang_up_by, by_ms)

    def keep_notes(self, conversation: ConversationProtocol) -> None:
        """Keep what has been learnt: a process that dies leaves what was known until then."""
        if isinstance(conversation, NotesTaker):
            actions.keep_notes(self._clerk, self._call_id, conversation.notes())

    def do(self, do: Do) -> None:
        """Carry an action out, or have it carried out."""
        if do.action in (Action.HANG_UP, Action.CONNECT):
            self.hanging_up = True
            self.farewell = HANDED_OVER if do.action is Action.CONNECT else "agent_hung_up"
            self.hang_up_by = self._clock.now_ms() + HANG_UP_GUARD_MS
        elif do.action is Action.STOP_RECORDING:
            if self._recorder is not None:
                self._recorder.stop()
        elif do.reports_back:
            self._run(self._perform(do))
        else:
            actions.note(self._clerk, self._call_id, do)

    async def _perform(self, do: Do) -> None:
        began = time.monotonic()
        ok = await actions.perform(self._clerk, self._call_id, do)
        ms = round((time.monotonic() - began) * 1000)
        self._log.info("action_done", action=do.action, ok=ok, ms=ms)
        if do.action is Action.TRANSFER and ok:
            return  # telephones ring: a notice says what comes of it
        self._post(self._on_done, ActionDone(do.action, ok))
