"""A call on a real socket, with real speech both ways."""

from __future__ import annotations

import pytest
from asgiref.sync import sync_to_async

from agents.interface import Action, Do, Say
from calls.models import Call, Turn
from voice.tests.conftest import Caller, all_calls_over, script

pytestmark = pytest.mark.django_db(transaction=True)


async def turns_of(call: Call, server) -> list[Turn]:
    import asyncio

    await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(all_calls_over(), server.loop))
    return await sync_to_async(lambda: list(Turn.objects.filter(call=call).order_by("index")))()


async def test_it_talks_with_a_caller_and_says_goodbye(call: Call, token: str, server) -> None:
    talk = script(
        call,
        lambda _event: [
            Say("Thank you, that is good to know.", "ack", "qualifier"),
            Say("Goodbye.", "goodbye", "closer"),
            Do(Action.HANG_UP, {"outcome": "qualified"}),
        ],
        opening=[Say("Hello. How many bedrooms are there?", "ask.bedrooms", "greeter")],
    )
    async with Caller(call, token) as caller:
        await caller.until_mark("ask.bedrooms/end")
        await caller.sleep_ms(300)
        caller.say("my house has four bedrooms")
        await caller.until_mark("goodbye/end")
        await caller.until_closed()
    turns = await turns_of(call, server)
    print([(t.index, t.speaker, t.text, t.started_ms, t.ended_ms, t.latency_ms, t.details) for t in turns])
    print(caller.gaps_ms(), caller.marks, talk.told, talk.events)
    assert [turn.speaker for turn in turns] == ["agent", "lead", "agent"]
