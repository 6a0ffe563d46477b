"""Whole calls on a real socket, with real speech both ways and a real record."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from decimal import Decimal

import pytest
from asgiref.sync import sync_to_async

from agents.interface import (
    Action,
    Do,
    Event,
    Item,
    KeyPress,
    MachineAnswered,
    Say,
    Utterance,
    WrapUp,
)
from billing.models import Charge
from calls.models import Call, CallEvent
from calls.services.notices import call_notify
from voice.dialogue import Dialogue
from voice.engines.interface import Partial, Transcript
from voice.phrasing import word_groups
from voice.session import live_calls
from voice.tests.conftest import (
    Caller,
    Daphne,
    script,
    sound_of,
    spans_ms,
    spans_of,
    turns_of,
)

pytestmark = pytest.mark.django_db(transaction=True)

LONG = Say(
    "I would like to tell you about our company, which has sold many houses.",
    "pitch",
    "qualifier",
)
BYE = [
    Say("Goodbye.", "goodbye", "closer"),
    Do(Action.HANG_UP, {"outcome": "qualified"}),
]


async def test_it_answers_a_caller_and_lets_the_goodbye_finish(
    call: Call, token: str, server: Daphne
) -> None:
    # Words of no playbook: what another call has said already is not made, nor paid, again.
    farewell = [Say("Farewell, then.", "goodbye", "closer"), BYE[1]]
    talk = script(
        call,
        lambda _event: farewell,
        opening=[Say("Welcome. How many bedrooms are there?", "ask.bedrooms", "greeter")],
    )
    async with Caller(call, token) as caller:
        await caller.until_mark("0.1/ask.bedrooms/end")
        await caller.sleep_ms(300)
        caller.say("my house has four bedrooms")
        await caller.until_closed()
    turns = await turns_of(call, server)
    assert [(turn.speaker, turn.text) for turn in turns[::2]] == [
        ("agent", "Welcome. How many bedrooms are there?"),
        ("agent", "Farewell, then."),
    ]
    assert "four bedrooms" in turns[1].text
    # The far end heard it all before the socket closed.
    assert ("2.0/goodbye/end", True) in caller.marks
    assert talk.told == [(turns[0].text, False), (turns[2].text, False)]
    assert talk.closed
    assert [turn.agent for turn in turns] == ["greeter", "", "closer"]
    assert turns[2].topic == "goodbye"
    # Speech is on the bill, at the local engines' price; answers to guesses are a row apart.
    used: Counter[str] = Counter()
    async for charge in Charge.objects.filter(call_id=call.pk).exclude(key__contains="unheard"):
        used[charge.component] += charge.quantity
    spoken = sum(len(group) for turn in turns[::2] for group in word_groups(turn.text))
    assert used["tts"] == Decimal(spoken) / 1000
    assert used["stt"] > 1
    # Our own account of the answer's latency is what the caller's ear says.
    assert abs(turns[2].latency_ms - caller.gaps_ms()[0]) < 150
    assert set(turns[2].details) >= {"vad_wait", "stt", "decision", "transport"}
    row = await Call.objects.aget(pk=call.pk)
    assert (row.outcome, row.end_reason) == ("qualified", "agent_hung_up")
    assert row.stream_closed_at is not None


async def test_the_recording_holds_both_sides_when_they_were_heard(
    call: Call, token: str, server: Daphne
) -> None:
    script(call, lambda _event: BYE)
    async with Caller(call, token) as caller:
        await caller.until_mark("0.0/greet/end")
        caller.say("yes this is a good time")
        await caller.until_closed()
    turns = await turns_of(call, server)
    sound = await sync_to_async(sound_of)(call)
    for channel, track in ((0, caller.spoken), (1, caller.heard)):
        recorded, real = spans_of(sound[:, channel]), spans_ms(bytes(track))
        assert len(recorded) == len(real) > 0
        for ours, theirs in zip(recorded, real, strict=True):
            assert abs(ours[0] - theirs[0]) < 60
            assert abs(ours[1] - theirs[1]) < 60
    spans = [spans_of(sound[:, channel]) for channel in (0, 1)]
    for turn in turns:
        channel = 1 if turn.speaker == "agent" else 0
        assert min(abs(start - turn.started_ms) for start, _ in spans[channel]) < 200
        assert min(abs(end - turn.ended_ms) for _, end in spans[channel]) < 200


async def test_a_caller_who_speaks_stops_the_agent_and_only_heard_words_are_kept(
    call: Call, token: str, server: Daphne
) -> None:
    talk = script(call, lambda _event: BYE, opening=[Say("Hello.", "greet", "greeter"), LONG])
    async with Caller(call, token) as caller:
        await caller.until_mark("0.0/greet")
        await caller.sleep_ms(800)
        began_ms = caller.now_ms
        caller.say("i am not interested")
        await caller.until_closed()
    turns = await turns_of(call, server)
    first = turns[0]
    assert first.interrupted
    assert caller.clears_ms[0] > began_ms
    assert LONG.text.startswith(first.text.removeprefix("Hello. ")[:20])
    assert first.text != f"Hello. {LONG.text}"
    assert talk.told[0] == (first.text, True)
    # What was thrown away is in neither ear nor recording.
    heard_until = next(end for _, end in spans_ms(bytes(caller.heard)) if end > began_ms)
    assert heard_until <= caller.clears_ms[0] + 40
    sound = await sync_to_async(sound_of)(call)
    assert any(abs(end - heard_until) < 80 for _, end in spans_of(sound[:, 1]))
    assert abs(first.ended_ms - heard_until) < 120


async def test_a_caller_who_goes_on_takes_the_turn_back_without_a_trace(
    call: Call, token: str, server: Daphne
) -> None:
    def answer(event: Event) -> list[Item]:
        if "four" in getattr(event, "text", ""):
            return BYE
        return [Say("I see, and how many bedrooms does it have?", "ask.bedrooms", "qualifier")]

    talk = script(call, answer)
    async with Caller(call, token) as caller:
        await caller.until_mark("0.0/greet/end")
        caller.say("yes this is a good time", pause_ms=450)
        caller.say("my house has four bedrooms")
        await caller.until_closed()
    turns = await turns_of(call, server)
    assert len(talk.said) == 1, "one turn, however often the agent had thought it over"
    assert "good time" in talk.said[0].text
    assert "four" in talk.said[0].text
    assert talk.discarded >= 1
    keys = [charge.key async for charge in Charge.objects.filter(call_id=call.pk, component="tts")]
    assert any(":tts-unheard:" in key for key in keys), "but it was paid for"
    assert turns[-1].text == "Goodbye."


async def test_keys_are_understood_and_stop_what_may_be_stopped(
    call: Call, token: str, server: Daphne
) -> None:
    talk = script(
        call,
        lambda _event: BYE,
        opening=[
            Say("This call is recorded.", "disclosure", "greeter", interruptible=False),
            LONG,
        ],
    )
    async with Caller(call, token) as caller:
        await caller.sleep_ms(500)
        await caller.press("9")
        await caller.until_closed()
    turns = await turns_of(call, server)
    assert talk.events == [KeyPress("9")]
    assert turns[0].text == "This call is recorded."
    assert turns[0].interrupted, "the rest of the opening was dropped"
    assert turns[1].text == "Goodbye."
    kinds = [event.kind async for event in CallEvent.objects.filter(call=call)]
    assert "key" in kinds


async def test_silence_is_noticed_and_a_socket_that_drops_leaves_a_whole_record(
    call: Call, token: str, server: Daphne, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("voice.turn_taker.SILENCE_MS", 600.0)
    monkeypatch.setattr("voice.session.GRACE_S", 0.2)
    talk = script(
        call, lambda _event: [Say("Are you still there?", "reprompt", "greeter"), LONG, LONG]
    )
    async with Caller(call, token) as caller:
        await caller.until_mark("reprompt")
        await caller.sleep_ms(900)
        caller.drop()
    turns = await turns_of(call, server)
    assert [type(event).__name__ for event in talk.events] == ["Silence"]
    assert turns[1].interrupted
    assert turns[1].text.startswith("Are you still there?")
    row = await Call.objects.aget(pk=call.pk)
    assert row.end_reason == "socket_lost"
    assert talk.closed
    await sync_to_async(sound_of)(call)


async def test_news_of_a_machine_and_of_the_budget_reach_the_conversation(
    call: Call, token: str, server: Daphne
) -> None:
    def answer(event: Event) -> list[Item]:
        return [] if isinstance(event, MachineAnswered) else BYE

    talk = script(call, answer, opening=[LONG])
    notify = sync_to_async(call_notify)
    now = call.created_at
    async with Caller(call, token) as caller:
        await caller.sleep_ms(400)
        await notify(call_id=call.pk, kind="machine", data={"beep": False}, now=now)
        while not talk.events:  # the one may come by the channel layer, the other by the meter
            await caller.sleep_ms(50)
        await notify(call_id=call.pk, kind="wrap_up", data={"reason": "budget"}, now=now)
        await caller.until_closed()
    await turns_of(call, server)
    assert talk.events == [MachineAnswered(beep=False), WrapUp("budget")]
    assert not len(live_calls)


async def test_what_was_said_before_a_beep_is_in_the_transcript(
    call: Call, token: str, server: Daphne
) -> None:
    talk = script(call, lambda _event: BYE)
    async with Caller(call, token) as caller:
        await caller.until_mark("0.0/greet/end")
        caller.say("my house has four bedrooms")
        await caller.sleep_ms(1200)
        await sync_to_async(call_notify)(
            call_id=call.pk, kind="machine", data={"beep": True}, now=call.created_at
        )
        await caller.until_closed()
    turns = await turns_of(call, server)
    assert talk.events == [MachineAnswered(beep=True)]
    assert [turn.speaker for turn in turns] == ["agent", "lead", "agent"]
    assert "house" in turns[1].text


@pytest.mark.slow
async def test_what_means_nothing_does_not_stop_the_agent(
    call: Call, token: str, server: Daphne
) -> None:
    talk = script(call, lambda _event: BYE, opening=[Say("Hello.", "greet", "greeter"), LONG])
    async with Caller(call, token) as caller:
        await caller.sleep_ms(700)
        caller.say("hello")
        await caller.until_mark("/pitch/end")
        caller.say("yes that is right")
        await caller.until_closed()
    turns = await turns_of(call, server)
    assert turns[0].text == f"Hello. {LONG.text}"
    assert not turns[0].interrupted
    assert all(isinstance(event, Utterance) for event in talk.kept)


@pytest.mark.slow
async def test_late_final_words_correct_the_turn_they_belong_to(
    call: Call, token: str, server: Daphne, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The recogniser is behind: it has half the words in time, and the others come much later."""
    on_final = Dialogue.on_final

    def late(dialogue: Dialogue, transcript: Transcript) -> None:
        asyncio.get_running_loop().call_later(1.0, on_final, dialogue, transcript)

    def half(dialogue: Dialogue, partial: Partial) -> None:
        half = Partial("my house has", min(partial.audio_ms, 800))
        dialogue._mind.post(dialogue._turns.on_partial, half)

    monkeypatch.setattr(Dialogue, "on_final", late)
    monkeypatch.setattr(Dialogue, "on_partial", half)
    monkeypatch.setattr("voice.listening.FINAL_WITHIN_MS", 300.0)
    # However slow the machine is, the late words come while the answer can still be replaced.
    monkeypatch.setattr("voice.speaking.PROVISIONAL_MS", 6000.0)

    def answer(event: Event) -> list[Item]:
        if len(getattr(event, "text", "").split()) > 3:
            return BYE
        return [Say("Sorry, I did not get that, what did you say?", "clarify", "qualifier")]

    talk = script(call, answer)
    async with Caller(call, token) as caller:
        await caller.until_mark("0.0/greet/end")
        caller.say("my house has four bedrooms")
        await caller.until_closed()
    turns = await turns_of(call, server)
    said = [turn for turn in turns if turn.speaker == "lead"]
    assert len(said) == 1
    assert len(said[0].text.split()) > 3
    assert said[0].started_ms > 500
    assert [event.text for event in talk.said] == [said[0].text], "the first answer never was"
    assert turns[-1].text == "Goodbye."
    assert all((turn.latency_ms or 0) < 5000 for turn in turns)


@pytest.mark.slow
async def test_a_machines_greeting_is_heard_to_its_end(
    call: Call, token: str, server: Daphne, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is far longer than what people say who pick up, and pauses between its sentences."""
    monkeypatch.setattr("voice.turn_taker.MACHINE_MS", 1500.0)
    talk = script(call, lambda _event: BYE, opening=[LONG])
    async with Caller(call, token) as caller:
        caller.say("my house has four bedrooms", pause_ms=900)
        caller.say("i think the commission is very high")
        await caller.until_closed()
    turns = await turns_of(call, server)
    greeting = spans_ms(bytes(caller.spoken), join_ms=1000)[0]
    assert turns[-1].text == "Goodbye."
    assert turns[-1].started_ms > greeting[1]
    assert len(talk.said) == 1


async def test_an_event_is_answered_though_the_lead_speaks_while_it_is_decided(
    call: Call, token: str, server: Daphne, monkeypatch: pytest.MonkeyPatch
) -> None:
    talk = script(call, lambda event: BYE if isinstance(event, KeyPress) else [])
    respond = talk.respond

    async def slowly(event: Event, *, speculative: bool = False) -> AsyncIterator[Item]:
        if isinstance(event, KeyPress):
            await asyncio.sleep(2.5)
        async for item in respond(event, speculative=speculative):
            yield item

    monkeypatch.setattr(talk, "respond", slowly)
    async with Caller(call, token) as caller:
        await caller.until_mark("greet/end")
        await caller.press("1")
        caller.say("yes that is right")
        await caller.until_closed()
    turns = await turns_of(call, server)
    assert "Goodbye." in [turn.text for turn in turns]
    assert any(isinstance(event, KeyPress) for event in talk.kept)


async def test_what_the_lead_says_over_the_goodbye_is_kept_and_changes_nothing(
    call: Call, token: str, server: Daphne
) -> None:
    talk = script(call, lambda _event: [LONG, *BYE])
    async with Caller(call, token) as caller:
        await caller.until_mark("greet")
        await caller.press("1")
        await caller.until_mark("/pitch")
        caller.say("i am not interested")
        await caller.until_closed()
    turns = await turns_of(call, server)
    assert [turn.speaker for turn in turns] == ["agent", "agent", "lead"]
    assert turns[1].text == f"{LONG.text} Goodbye."
    assert "interested" in turns[2].text
    assert [type(event).__name__ for event in talk.kept] == ["KeyPress"]


async def test_a_lead_who_still_speaks_when_the_goodbye_ends_is_heard_out(
    call: Call, token: str, server: Daphne
) -> None:
    stop = [Say("We will not call you again.", "opt_out", "closer"), Do(Action.OPT_OUT), BYE[1]]
    bye = [Say("Thank you very much for your time. Goodbye.", "goodbye", "closer"), BYE[1]]
    talk = script(call, lambda event: stop if isinstance(event, Utterance) else bye)
    async with Caller(call, token) as caller:
        await caller.until_mark("greet/end")
        await caller.press("1")
        await caller.until_mark("/goodbye")
        caller.say("please take me off your list")
        await caller.until_closed()
    turns = await turns_of(call, server)
    assert [turn.topic for turn in turns if turn.speaker == "agent"][1:] == ["goodbye", "opt_out"]
    assert "off your list" in next(turn.text for turn in turns if turn.speaker == "lead")
    assert [type(event).__name__ for event in talk.kept] == ["KeyPress", "Utterance"]


async def test_after_the_opening_a_voice_is_enough_for_the_agent_to_hold_its_breath(
    call: Call, token: str, server: Daphne
) -> None:
    answers = iter([[Say("Well.", "well", "qualifier"), LONG], BYE])
    script(call, lambda _event: next(answers), opening=[Say("Hello.", "greet", "greeter"), LONG])
    async with Caller(call, token) as caller:
        await caller.until_mark("0.0/greet")
        await caller.sleep_ms(800)
        caller.say("i am not interested")
        await caller.until_mark("/well")
        await caller.sleep_ms(600)
        began_ms = caller.now_ms
        caller.say("my house has four bedrooms")
        await caller.until_closed()
    # It is silent before it is known whether it has to stop, which is what clears the line.
    cleared_ms = next(ms for ms in caller.clears_ms if ms > began_ms)
    spoken = [end for _, end in spans_ms(bytes(caller.heard), join_ms=60) if end < cleared_ms + 60]
    assert spoken[-1] < cleared_ms - 100
