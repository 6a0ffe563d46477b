"""A call whose socket breaks off: it is noticed, waited for, and goes on where it stopped."""

from __future__ import annotations

import pytest
from asgiref.sync import sync_to_async
from django.utils import timezone

from agents.interface import Action, Do, Event, KeyPress, Say, Unheard
from billing.models import Charge
from calls.models import Call, CallEvent
from calls.services.resumption import stream_token_renew
from voice.session import live_calls
from voice.tests.conftest import Caller, Daphne, script, sound_of, spans_of, turns_of

pytestmark = pytest.mark.django_db(transaction=True)

LONG = Say(
    "I would like to tell you about our company, which has sold many houses.", "pitch", "qualifier"
)
BYE = [
    Say("Goodbye.", "goodbye", "closer"),
    Do(Action.HANG_UP, {"outcome": "qualified"}),
]


async def another_token(call: Call) -> str:
    token = await sync_to_async(stream_token_renew)(call_id=call.pk, now=timezone.now())
    assert token
    return token


async def kinds_of(call: Call) -> list[str]:
    return [event.kind async for event in CallEvent.objects.filter(call=call).order_by("at")]


@pytest.mark.slow
async def test_the_sentence_goes_on_where_the_line_broke_off(
    call: Call, token: str, server: Daphne
) -> None:
    talk = script(
        call, lambda _event: BYE, opening=[Say("Good day to you.", "greet", "greeter"), LONG]
    )
    async with Caller(call, token) as caller:
        await caller.until_mark("0.0/greet")
        await caller.sleep_ms(600)
        caller.drop()
        await caller.until_closed()
        await caller.sleep_ms(300)
        await caller.come_back(await another_token(call))
        await caller.until_mark("/pitch/end")
        await caller.press("1")
        await caller.until_closed()
    turns = await turns_of(call, server)
    agent = [turn.text for turn in turns if turn.speaker == "agent"]
    assert agent[0].startswith("Good day to you. I")
    assert not agent[0].endswith("houses.")
    assert agent[1].endswith("sold many houses.")
    assert agent[-1] == "Goodbye."
    assert talk.events == [KeyPress("1")], "and nothing else was heard in between"
    kinds = await kinds_of(call)
    assert {"line_lost", "line_back", "stream_resumed"} <= set(kinds)
    row = await Call.objects.aget(pk=call.pk)
    assert (row.outcome, row.end_reason) == ("qualified", "agent_hung_up")
    # One recording, on one clock, and each stream is paid for its own minute.
    sound = await sync_to_async(sound_of)(call)
    assert abs(spans_of(sound[:, 1])[-1][1] - turns[-1].ended_ms) < 200
    streams = Charge.objects.filter(call_id=call.pk, component="media_stream")
    assert await streams.acount() == 2


@pytest.mark.slow
async def test_a_socket_that_falls_silent_is_given_up_and_the_lead_is_asked_again(
    call: Call, token: str, server: Daphne, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("voice.session.DEAD_AFTER_S", 0.5)

    def answer(event: Event) -> list[Say | Do]:
        again = [Say("Sorry, I did not catch that.", "reprompt", "supervisor")]
        return list(again) if isinstance(event, Unheard) else list(BYE)

    talk = script(call, answer)
    async with Caller(call, token) as caller:
        await caller.until_mark("0.0/greet/end")
        caller.fall_silent()
        await caller.until_closed()
        caller.silent = False
        await caller.come_back(await another_token(call))
        await caller.until_mark("/reprompt/end")
        await caller.press("1")
        await caller.until_closed()
    await turns_of(call, server)
    assert talk.events == [Unheard(), KeyPress("1")]


async def test_a_call_that_is_not_come_back_to_ends_with_a_whole_record(
    call: Call, token: str, server: Daphne, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("voice.session.GRACE_S", 0.3)
    talk = script(call, opening=[LONG])
    async with Caller(call, token) as caller:
        await caller.sleep_ms(900)
        caller.drop()
    turns = await turns_of(call, server)
    assert turns[0].interrupted
    row = await Call.objects.aget(pk=call.pk)
    assert row.end_reason == "socket_lost"
    assert row.stream_closed_at is not None
    assert talk.closed
    await sync_to_async(sound_of)(call)
    assert await sync_to_async(stream_token_renew)(call_id=call.pk, now=timezone.now()) is None


@pytest.mark.slow
async def test_a_full_or_draining_process_lets_its_own_call_come_back_and_no_other(
    call: Call, token: str, server: Daphne, monkeypatch: pytest.MonkeyPatch
) -> None:
    script(call, lambda _event: BYE)
    async with Caller(call, token) as caller:
        await caller.until_mark("0.0/greet/end")
        monkeypatch.setattr(live_calls, "draining", True)
        stranger = Caller(await Call.objects.aget(pk=call.pk), "a token of another call")
        stranger._call.pk = "00000000-0000-4000-8000-000000000000"
        async with stranger:
            await stranger.until_closed()
            assert stranger.socket.close_code == 4013
        caller.drop()
        await caller.until_closed()
        await caller.come_back(await another_token(call))
        await caller.press("1")
        await caller.until_closed()
    turns = await turns_of(call, server)
    assert turns[-1].text == "Goodbye."


async def test_a_wrong_token_does_not_take_a_live_call_over(
    call: Call, token: str, server: Daphne
) -> None:
    script(call, lambda _event: BYE)
    async with Caller(call, token) as caller:
        await caller.until_mark("0.0/greet/end")
        for guess in ("guessed", token, None):
            async with Caller(call, guess) as thief:
                await thief.until_closed()
                assert thief.socket.close_code == 4008
        await caller.press("1")
        await caller.until_closed()
    turns = await turns_of(call, server)
    assert turns[-1].text == "Goodbye."
    assert "line_lost" not in await kinds_of(call)
