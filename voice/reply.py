"""One answer of the conversation: decided, synthesised, held, and then heard or dropped."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

from pipecat.frames.frames import Frame, TTSSpeakFrame

from agents.interface import Do, Filler, Item, Say
from voice.clock import StreamClock
from voice.frames import GroupBegins, GroupEnds, SpeechEnds
from voice.listening import LeadTurn, Timing
from voice.phrasing import word_groups
from voice.playout import Playout
from voice.speech import Speech

FILLER = "filler"
"""Topic of words that only bridge a silence: they answer nothing."""

_NOT_UNDERSTOOD = ("clarify", "reprompt")


class Reply:
    """What the agent answers to one event, while it is being made and while it is heard.

    Args:
        items: the conversation's stream.
        turn: the lead's turn it answers, if it answers one.
        held: whether nothing may be heard of it yet.
        fork: whether it is a fork of the conversation, to be adopted or dropped.
        on_change: called when its first item is known and when it is complete.
    """

    def __init__(
        self,
        *,
        items: AsyncIterator[Item],
        turn: LeadTurn | None,
        fork: bool,
        playout: Playout,
        clock: StreamClock,
        push: Callable[[Frame], Awaitable[None]],
        on_change: Callable[[Reply], None],
    ) -> None:
        self.turn = turn
        self.answers = turn.text if turn is not None else ""
        """The words that it answers, as they were known when it was made."""
        self.fork = fork
        """Not adopted yet."""
        self.speech: Speech = playout.begin(held=True)
        self.says: list[Say] = []
        self.dos: list[Do] = []
        self.first_topic: str | None = None
        self.filler: Filler | None = None
        """What may be said while nothing else is known to say; taken away once it is said."""
        self.complete = False
        self.error: Exception | None = None
        self.dropped = False
        self.acted = False
        """Its actions have been carried out."""
        self.heard_before = ""
        """What was heard of the reply that this one takes up again."""
        self.index = -1
        self.lead_index = -1
        self.decided_ms: float | None = None
        self.confirmed_ms: float | None = None
        self.timing: Timing | None = None
        """When the turn was over, as it was known when the answer was confirmed."""
        self._items = items
        self._mouth = asyncio.Lock()
        self._filled_by = ""
        self._playout = playout
        self._clock = clock
        self._push = push
        self._on_change = on_change
        self.task = asyncio.create_task(self._make(), name="reply")

    @property
    def understood(self) -> bool | None:
        """Whether the conversation knew what to make of the event; None while it thinks."""
        if self.first_topic is None:
            return True if self.complete and self.dos else (None if not self.complete else False)
        return not self.first_topic.startswith(_NOT_UNDERSTOOD)

    def says_as(self, other: Reply) -> bool:
        """Return whether both say and do the same."""
        return self.says == other.says and self.dos == other.dos

    @property
    def filler_at_ms(self) -> float | None:
        """When its filler is due, if it has one and has been confirmed, and has no words yet."""
        if self.filler is None or self.timing is None or self.first_topic or self.complete:
            return None
        return self.timing.last_voiced_ms + self.filler.after_ms

    @property
    def guesses(self) -> bool:
        """Whether it answers words that are not final yet."""
        return self.turn is not None and self.turn.is_open

    def heard_by(self, at_ms: float) -> str:
        """Return all that was heard of it, before and after it was taken up again."""
        return " ".join(filter(None, (self.heard_before, self.speech.heard_by(at_ms))))

    @property
    def topic(self) -> str:
        """What it asks or says last."""
        return self.says[-1].topic if self.says else FILLER if self._filled_by else ""

    @property
    def agent(self) -> str:
        """Who speaks last in it."""
        return self.says[-1].agent if self.says else self._filled_by

    @property
    def why(self) -> str:
        """How it came to be said, in words."""
        return self.says[-1].why if self.says else ""

    async def fill(self) -> None:
        """Say the filler, unless the answer has come first."""
        async with self._mouth:
            filler, self.filler = self.filler, None
            if filler is not None and self.first_topic is None and not self.complete:
                self._filled_by = filler.agent
                await self._speak(Say(filler.text, FILLER, filler.agent))

    async def drop(self) -> None:
        """Make no more of it, and let nothing of it be heard that is not out."""
        self.dropped = True
        if not self.task.done():
            self.task.cancel()
            await asyncio.gather(self.task, return_exceptions=True)
        if self.speech.held:
            self._playout.discard(self.speech)

    async def _make(self) -> None:
        try:
            async for item in self._items:
                await self._take(item)
        except Exception as error:
            self.error = error
        finally:
            # A generator left open would go on at some later moment, on a conversation that has.
            if (close := getattr(self._items, "aclose", None)) is not None:
                await close()
            if not self.dropped:
                await self._push(SpeechEnds(self.speech))
                self.complete = True
                self._on_change(self)

    async def _take(self, item: Item) -> None:
        if isinstance(item, Filler):
            self.filler = item
            self._on_change(self)
            return
        if self.decided_ms is None:
            self.decided_ms = self._clock.now_ms()
        if isinstance(item, Do):
            self.dos.append(item)
            return
        self.says.append(item)
        async with self._mouth:
            await self._speak(item)
            first, self.first_topic = self.first_topic is None, self.first_topic or item.topic
        if first:
            self._on_change(self)

    async def _speak(self, line: Say) -> None:
        for words in word_groups(line.text):
            group = self._playout.begin_group(
                self.speech,
                words,
                topic=line.topic,
                agent=line.agent,
                interruptible=line.interruptible,
            )
            await self._push(GroupBegins(self.speech, group))
            await self._push(TTSSpeakFrame(words, append_to_context=False))
            await self._push(GroupEnds(self.speech, group))
