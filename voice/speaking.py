"""The agent's side of a dialogue: replies prepared, heard, taken back, adopted and acted on."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

import structlog
from pipecat.frames.frames import Frame, InterruptionFrame

from agents.interface import Action, ActionDone, ConversationProtocol, Event, Utterance
from calls.services.streams import LiveCall
from voice import actions
from voice.clerk import Clerk
from voice.clock import StreamClock
from voice.deeds import Deeds
from voice.latency import observe_latency
from voice.listening import LeadTurn, Stretch
from voice.playout import Playout
from voice.recorder import Recorder
from voice.reply import Reply
from voice.transcript import TurnLog
from voice.usage import Usage
from voice.wording import words_of

PROVISIONAL_MS = 500.0
"""A lead who goes on this soon after our first word had not finished."""
LONGEST_PAUSE_MS = 1100.0
"""The same, after the lead's own last sound: people pause for up to a second in a sentence."""
LAST_WORD_S = 2.0
LEAST_TO_RESUME = 3
"""Words left unsaid that are worth taking up again."""


class Speaking:
    """What the agent says on one call. Its methods belong to the dialogue's task.

    Args:
        live: the call.
        conversation: what decides what is said.
        playout: the caller's ear.
        recorder: the recording, stopped on request.
        usage: the bill.
        push: sends a frame towards the synthesiser.
        post: has a function called by the dialogue's task.
        on_change: called when more is known of the reply that is being prepared.
        on_spoken: called when a reply has been heard to its end.
        on_done: called with the result of an action that reports back.
        finish: ends the call.
    """

    def __init__(
        self,
        *,
        live: LiveCall,
        conversation: ConversationProtocol,
        playout: Playout,
        clock: StreamClock,
        clerk: Clerk,
        recorder: Recorder | None,
        usage: Usage,
        push: Callable[[Frame], Awaitable[None]],
        post: Callable[..., None],
        on_change: Callable[[], None],
        on_spoken: Callable[[], Awaitable[None]],
        on_done: Callable[[ActionDone], Awaitable[None]],
        finish: Callable[[str], None],
    ) -> None:
        self._log = structlog.get_logger(__name__).bind(call_id=str(live.call_id))
        self._live = live
        self._conversation = conversation
        self._playout = playout
        self._clock = clock
        self._clerk = clerk
        self._push = push
        self._post = post
        self._on_change = on_change
        self._on_heard = on_spoken
        self._finish = finish
        self.turns = TurnLog(live.call_id, live.voice_tier, clerk)
        self.usage = usage
        self.ahead: Reply | None = None
        """Prepared, not confirmed."""
        self.current: Reply | None = None
        """Confirmed, being heard."""
        self.cut: Reply | None = None
        """Stopped by a voice that may turn out not to have said anything."""
        self.asked = ""
        """What kind of answer the last question that was heard asks for; see `Say.expects`."""
        self._second: Reply | None = None
        """The answer to the same turn by the recogniser's final words, if they differ."""
        self._unheard: Reply | None = None
        """Heard in part; the conversation has still to be told."""
        self._beside: set[asyncio.Task[None]] = set()
        self.deeds = Deeds(
            live.call_id,
            clerk=clerk,
            clock=clock,
            recorder=recorder,
            run=self._run_beside,
            post=post,
            on_done=on_done,
        )

    @property
    def speaks(self) -> bool:
        """Whether something confirmed has still to be heard."""
        return self.current is not None and not self.current.speech.over.is_set()

    @property
    def is_ending(self) -> bool:
        """Whether a reply has been heard to its end in this moment, and is about to be kept."""
        reply = self.current
        if reply is None or reply.guesses or self._second is not None:
            return False
        return reply.speech.over.is_set()

    @property
    def owes(self) -> bool:
        """Whether the answer to what is no words is still being made.

        Until it is complete nobody knows what it must say and do: dropped now, a booking that has
        been made would never be told of, or a call never be hung up.
        """
        reply = self.current
        return reply is not None and reply.turn is None and not (reply.complete or reply.dropped)

    @property
    def hanging_up(self) -> bool:
        """Whether the last words are being said."""
        return self.deeds.hanging_up

    @property
    def free(self) -> bool:
        """Whether nothing is being heard, or waits to be taken up again."""
        busy = self.speaks or self.is_ending or self.hanging_up
        return not busy and self.cut is None

    @property
    def is_provisional(self) -> bool:
        """Whether the lead may still have been in the midst of what is being answered."""
        return self.current is not None and self.current.fork and not self.hanging_up

    @property
    def provisional_until(self) -> float | None:
        """When the reply being heard becomes part of the conversation, if that is to come."""
        reply = self.current
        if reply is None or not reply.fork or not reply.complete or self._second is not None:
            return None
        started_ms = reply.speech.started_ms
        if started_ms is None or reply.guesses:
            return None
        over_ms = started_ms if reply.timing is None else reply.timing.last_voiced_ms
        return max(started_ms + PROVISIONAL_MS, over_ms + LONGEST_PAUSE_MS)

    @property
    def filler_at(self) -> float | None:
        """When the silence has lasted so long that something should be said, whatever it is."""
        return None if self.current is None else self.current.filler_at_ms

    # Before it is heard

    def say(self, event: Event | None) -> None:
        """Answer an event at once; without one, open the conversation."""
        reply = self._make(event, turn=None, fork=False)
        reply.confirmed_ms = self._clock.now_ms()
        self._start(reply)

    async def prepare(self, turn: LeadTurn) -> None:
        """Decide and synthesise the answer to the turn as it stands, unless that is done."""
        if self.ahead is not None:
            if words_of(self.ahead.answers) == words_of(turn.text):
                return
            await self.discard_ahead()
        await self.tell_heard()
        self.ahead = self._make(Utterance(turn.text, turn.confidence), turn=turn, fork=True)

    async def confirm(self) -> None:
        """Let what was prepared be heard: the lead's turn is over."""
        reply, self.ahead = self.ahead, None
        if reply is None or reply.turn is None:
            return
        reply.confirmed_ms = self._clock.now_ms()
        reply.timing = reply.turn.timing()
        reply.lead_index = self.turns.lead(reply.turn)
        await self._release(reply)

    async def fill(self) -> None:
        """Bridge the silence while the answer is still being thought of."""
        if self.current is not None:
            await self.current.fill()

    async def discard_ahead(self) -> None:
        """Drop what was prepared, without a trace."""
        reply, self.ahead = self.ahead, None
        if reply is not None:
            await reply.drop()
            await self._conversation.discard()

    def _make(
        self, event: Event | None, *, turn: LeadTurn | None, fork: bool, items: Any = None
    ) -> Reply:
        if items is None:
            items = (
                self._conversation.open()
                if event is None
                else self._conversation.respond(event, speculative=fork)
            )
        return Reply(
            items=items,
            turn=turn,
            fork=fork,
            playout=self._playout,
            clock=self._clock,
            push=self._push,
            on_change=lambda reply: self._post(self._on_reply, reply),
        )

    async def _release(self, reply: Reply) -> None:
        self._start(reply)
        await self._on_reply(reply)

    def _start(self, reply: Reply) -> None:
        self.current = reply
        reply.index = self.turns.take_index()
        self._playout.release(reply.speech, reply.index)
        self._run_beside(self._watch(reply))

    async def _watch(self, reply: Reply) -> None:
        started = asyncio.create_task(reply.speech.started.wait())
        over = asyncio.create_task(reply.speech.over.wait())
        try:
            await asyncio.wait((started, over), return_when=asyncio.FIRST_COMPLETED)
            self._post(lambda: None)  # the time until which it is provisional is known now
            await over
            observe_latency(reply)
        finally:
            started.cancel()
            over.cancel()
        self._post(self._on_spoken, reply)

    async def _on_reply(self, reply: Reply) -> None:
        """Its first words or all of it are known."""
        if reply.dropped:
            return
        if reply.error is not None:
            error, reply.error = reply.error, None
            self._log.error("conversation_failed", error=type(error).__name__, exc_info=error)
        if reply is self.ahead:
            self._on_change()
        elif reply is self._second:
            await self._compare(reply)
        elif reply is self.current and reply.complete and reply.dos and not reply.guesses:
            await self.adopt(reply)  # an action is not taken back

    # While it is heard

    async def stop(self, *, force: bool = False) -> None:
        """Fall silent, and keep what was heard. `force` spares nothing."""
        reply = self.current
        if reply is None:
            return
        await self._drop_second()
        await reply.drop()
        await self._playout.interrupt(force=force)
        await self._push(InterruptionFrame())
        self.current = None
        self._unheard = reply
        await self.adopt(reply)
        self._keep(reply)

    async def recover(self, later: LeadTurn) -> LeadTurn:
        """The lead goes on: fall silent, take turn and answer back, and return the turn."""
        reply = self.current
        if reply is None or not reply.fork or self.hanging_up:
            return later
        await self._drop_second()
        await reply.drop()
        await self._playout.interrupt(force=True)
        await self._conversation.discard()
        self.current = None
        heard = self._keep(reply)
        self.note("false_start", {"words_heard": len(words_of(heard))})
        turn = reply.turn
        if turn is None:
            return later
        if not heard:  # otherwise the transcript shows it, between the lead's words
            self.turns.give_back(reply.index)
            if reply.lead_index >= 0:
                self.turns.take_back(turn, reply.lead_index)
        turn.take(later)
        return turn

    async def resume(self) -> bool:
        """Go on where a cough or a "mm-hm" stopped the agent; False if nothing is left to say."""
        reply, self.cut = self.cut, None
        if reply is None:
            return False
        left = reply.speech.left()
        if sum(len(words_of(group.text)) for group in left) < LEAST_TO_RESUME:
            return False
        self._unheard = None
        self.note("resumed")
        rest = self._make(None, turn=None, fork=False, items=actions.again(left))
        rest.speech.goes_on = True
        rest.heard_before = reply.heard_by(self._clock.now_ms())
        await self._release(rest)
        return True

    async def correct(self, stretch: Stretch) -> None:
        """Take the final words of what was answered, or is part of the transcript, already."""
        if stretch.row >= 0:
            self.turns.correct(stretch.turn, stretch.row)
        await self.verify(stretch.turn)

    async def verify(self, turn: LeadTurn) -> None:
        """Look whether the answer being heard still holds, if it answers that turn."""
        reply = self.current
        if reply is None or reply.turn is not turn or turn.is_open:
            return
        await self._drop_second()
        differs = words_of(turn.text) != words_of(reply.answers)
        if not differs or not reply.fork:
            await self._settle(reply)
            return
        was_complete = reply.complete
        if not was_complete:
            await reply.drop()
        await self._conversation.discard()
        second = self._make(Utterance(turn.text, turn.confidence), turn=turn, fork=True)
        if was_complete:
            self._second = second
        else:
            await self._replace(reply, second)

    async def _compare(self, second: Reply) -> None:
        """Keep the answer being heard if the final words lead to the same one."""
        first = self.current
        if not second.complete or first is None:
            return
        self._second = None
        if second.says_as(first):
            self._playout.discard(second.speech)
            await self._settle(first)
        else:
            await self._replace(first, second)

    async def _replace(self, reply: Reply, second: Reply) -> None:
        """Say something else: what was being said answered words that were not spoken."""
        await reply.drop()
        await self._playout.interrupt(force=True)
        heard = self._keep(reply)
        self.note("misheard", {"words_heard": len(words_of(heard))})
        if not heard:
            self.turns.give_back(reply.index)
        second.lead_index = reply.lead_index
        second.confirmed_ms = self._clock.now_ms()
        second.timing = None if second.turn is None else second.turn.timing()
        await self._release(second)

    async def _settle(self, reply: Reply) -> None:
        """Go on with an answer that holds."""
        if reply.complete and reply.dos:
            await self.adopt(reply)
        if reply.speech.over.is_set():
            await self._on_spoken(reply)

    async def _drop_second(self) -> None:
        second, self._second = self._second, None
        if second is not None:
            await second.drop()

    # After it was heard

    async def _on_spoken(self, reply: Reply) -> None:
        """All of it was heard, or it was cut."""
        if reply is not self.current or reply.guesses or self._second is not None:
            return
        await self.adopt(reply)
        self.current = None
        self._keep(reply)
        if not reply.speech.groups:
            self.turns.give_back(reply.index)
        self._unheard = reply
        await self.tell_heard()
        await self._on_heard()

    def _keep(self, reply: Reply) -> str:
        """Keep what was heard of a reply that is over, charge it, and return it."""
        heard = self.turns.agent(reply, at_ms=self._clock.now_ms())
        self.usage.charge(reply.speech if heard else None)
        return heard

    async def tell_heard(self) -> None:
        """Tell the conversation what was heard of the last reply, if that is still to be done."""
        reply, self._unheard = self._unheard, None
        if reply is not None and reply.speech.groups:
            heard = reply.heard_by(self._clock.now_ms())
            await self._conversation.heard(heard, interrupted=reply.speech.interrupted)

    async def adopt(self, reply: Reply) -> None:
        """Make a reply part of the conversation, and do what it says is to be done."""
        if reply.fork:
            reply.fork = False
            await self._conversation.commit()
        if reply.says and not reply.speech.goes_on:
            self.asked = reply.says[-1].expects
        if reply.acted or not (reply.complete or reply.dropped):
            return
        reply.acted = True
        self.deeds.keep_notes(self._conversation)
        for do in reply.dos:
            self.deeds.do(do)
        if self.hanging_up and not reply.speech.groups:
            self._finish(self.deeds.farewell)

    async def last_word(self, turn: LeadTurn) -> None:
        """Keep what was said over the goodbye; only an opt-out still changes anything."""
        self.turns.lead(turn)
        reply = self._make(Utterance(turn.text, turn.confidence), turn=turn, fork=True)
        await asyncio.wait((reply.task,), timeout=LAST_WORD_S)
        if any(do.action is Action.OPT_OUT for do in reply.dos):
            await self.adopt(reply)
            await self._release(reply)
            return
        await reply.drop()
        await self._conversation.discard()
        self._finish(self.deeds.farewell)

    async def closing(self) -> None:
        """Keep what was heard of the reply that the end of the call cut off, or came just after."""
        await self.discard_ahead()
        await self.stop(force=True)
        await self.tell_heard()
        for task in self._beside:
            task.cancel()

    def note(self, kind: str, data: dict[str, Any] | None = None) -> None:
        """Have an event of the call kept."""
        actions.event(self._clerk, self._live.call_id, kind, self._clock.now_ms(), data)

    def _run_beside(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._beside.add(task)
        task.add_done_callback(self._beside.discard)
