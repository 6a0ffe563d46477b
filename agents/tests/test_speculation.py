"""A speculative turn leaves a trace only if it is adopted."""

from __future__ import annotations

import asyncio

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agents.conversation import CHECKPOINTS, Conversation
from agents.interface import (
    Action,
    ActionDone,
    Event,
    Item,
    KeyPress,
    Silence,
    Unheard,
    Utterance,
)
from agents.tests.talking import brief, opened

EVENTS: list[Event] = [
    *(
        Utterance(words)
        for words in (
            "yes",
            "no",
            "hello",
            "we are moving for a new job",
            "in three months",
            "stop",
            "a house with three bedrooms",
            "four hundred thousand",
            "no agent",
            "the first one",
            "neither",
            "call me tomorrow at three",
            "not interested",
            "what did you say",
            "the commission is too high",
            "are you a robot",
            "blue seven",
            "i said two not three",
        )
    ),
    Silence(1),
    Silence(2),
    Unheard(),
    KeyPress("9"),
    KeyPress("1"),
    ActionDone(Action.BOOK, True),
    ActionDone(Action.BOOK, False),
]
STEPS = st.lists(
    st.tuples(st.sampled_from(EVENTS), st.lists(st.sampled_from(EVENTS), max_size=3)), max_size=12
)


async def turn(call: Conversation, event: Event, *, speculative: bool = False) -> list[Item]:
    return [item async for item in call.respond(event, speculative=speculative)]


async def play(steps: list[tuple[Event, list[Event]]], *, speculating: bool) -> list[object]:
    call = Conversation(brief())
    seen: list[object] = [[item async for item in call.open()]]
    for event, dropped in steps:
        if speculating:
            for other in dropped:
                await turn(call, other, speculative=True)
                await call.discard()
            said = await turn(call, event, speculative=True)
            await call.commit()
        else:
            said = await turn(call, event)
        seen += [said, call.talk]
    return [*seen, await call.close()]


@given(STEPS)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_dropped_speculation_leaves_no_trace_whatever_was_tried(
    steps: list[tuple[Event, list[Event]]],
) -> None:
    assert asyncio.run(play(steps, speculating=True)) == asyncio.run(play(steps, speculating=False))


async def test_a_new_turn_drops_the_open_fork() -> None:
    talk = await opened()
    before = talk.call.talk
    await turn(talk.call, Utterance("stop"), speculative=True)
    assert talk.call.talk == before
    await turn(talk.call, Utterance("yes"))
    await talk.call.commit()
    assert not talk.call.talk.opted_out


async def test_what_is_heard_while_a_fork_is_open_counts_in_both() -> None:
    talk = await opened()
    await turn(talk.call, Utterance("yes"), speculative=True)
    await talk.call.heard("Hello, this is Ava,", interrupted=True)
    await talk.call.commit()
    said = await turn(talk.call, Utterance("a new job"))
    assert [item.topic for item in said if hasattr(item, "topic")][:1] == ["disclosure"]


async def test_checkpoints_are_bounded() -> None:
    talk = await opened()
    for _ in range(CHECKPOINTS * 2):
        await talk.says("hello")
    assert len(talk.call.checkpoints) == CHECKPOINTS
