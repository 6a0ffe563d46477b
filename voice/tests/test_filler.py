"""A silence while the agent thinks is bridged once, and only if nothing better came first."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from pipecat.frames.frames import TTSSpeakFrame

from agents.interface import Action, Do, Event, Filler, Item, Say, Utterance
from calls.models import Call
from voice.clock import StreamClock
from voice.listening import Timing
from voice.playout import Playout
from voice.reply import Reply
from voice.tests.conftest import (
    CONVERSATIONS,
    Caller,
    Daphne,
    ScriptedConversation,
    spans_ms,
    turns_of,
)

FILLER = Filler("Let me see.", "answerer", after_ms=600)
ANSWER = Say("Our office helps with that.", "answer", "answerer")


async def nothing(*_: Any) -> None:
    return None


class Thinking:
    """A reply whose answer comes when the test says so."""

    def __init__(self) -> None:
        self.known = asyncio.Event()
        self.words: list[str] = []
        clock = StreamClock()
        self.reply = Reply(
            items=self.items(),
            turn=None,
            fork=False,
            playout=Playout(
                clock,
                send_sound=nothing,
                send_mark=nothing,
                send_clear=nothing,
                on_sent=lambda *_: None,
                on_cut=lambda _: None,
            ),
            clock=clock,
            push=self.push,
            on_change=lambda _: None,
        )

    async def items(self) -> AsyncIterator[Item]:
        yield FILLER
        await self.known.wait()
        yield ANSWER

    async def push(self, frame: Any) -> None:
        if isinstance(frame, TTSSpeakFrame):
            self.words.append(frame.text)

    async def settled(self) -> Reply:
        self.known.set()
        await self.reply.task
        return self.reply


async def test_the_answer_follows_a_filler_that_was_said() -> None:
    thinking = Thinking()
    await asyncio.sleep(0)
    assert not thinking.words  # it waits
    await thinking.reply.fill()
    await thinking.reply.fill()  # once a turn
    reply = await thinking.settled()
    assert thinking.words == ["Let me see.", "Our office helps with that."]
    assert [group.topic for group in reply.speech.groups] == ["filler", "answer"]
    assert reply.says == [ANSWER]  # what answers is what was decided


async def test_a_filler_is_dropped_when_the_answer_came_first() -> None:
    thinking = Thinking()
    reply = await thinking.settled()
    await reply.fill()
    assert thinking.words == ["Our office helps with that."]


async def test_it_is_due_so_long_after_the_leads_last_word_once_the_turn_is_over() -> None:
    thinking = Thinking()
    await asyncio.sleep(0)
    assert thinking.reply.filler_at_ms is None
    thinking.reply.timing = Timing(last_voiced_ms=5000, paused_ms=5130, known_ms=5200)
    assert thinking.reply.filler_at_ms == 5600
    reply = await thinking.settled()
    assert reply.filler_at_ms is None


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
async def test_on_a_call_the_filler_is_heard_in_the_silence_and_counts_as_no_answer(
    call: Call, token: str, server: Daphne
) -> None:
    known = asyncio.Event()

    class Slow(ScriptedConversation):
        async def respond(self, event: Event, *, speculative: bool = False) -> AsyncIterator[Item]:
            self.events.append(event)
            if not isinstance(event, Utterance):
                return
            yield FILLER
            await known.wait()
            yield ANSWER
            yield Do(Action.HANG_UP, {"outcome": "qualified"})

    talk = Slow([Say("Hello.", "greet", "greeter")], lambda _event: [])
    CONVERSATIONS[str(call.pk)] = talk
    async with Caller(call, token) as caller:
        await caller.until_mark("0.0/greet/end")
        caller.say("yes this is a good time")
        async with asyncio.timeout(20):
            while len(spans_ms(bytes(caller.heard))) < 2:  # noqa: ASYNC110 - an ear has no event
                await asyncio.sleep(0.02)
        server.loop.call_soon_threadsafe(known.set)
        await caller.until_closed()
    turns = await turns_of(call, server)
    answer = turns[-1]
    assert answer.text == f"{FILLER.text} {ANSWER.text}"
    assert (answer.agent, answer.topic) == ("answerer", "answer")
    filler_ms = caller.gaps_ms()[0]
    assert filler_ms >= 550
    assert answer.latency_ms is not None
    assert answer.latency_ms > filler_ms
