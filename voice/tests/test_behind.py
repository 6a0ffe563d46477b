"""A machine that is behind: with its words, or its sound. It takes no part for the whole."""

from __future__ import annotations

import asyncio

import pytest

from agents.interface import Action, Do, Event, Item, Say, Unheard
from calls.models import Call
from voice.ears import Ears
from voice.engines import registry
from voice.engines.interface import EngineError, Partial, Transcript
from voice.reply import Reply
from voice.speaking import Speaking
from voice.tests.conftest import Caller, Daphne, script, spans_ms, turns_of

pytestmark = pytest.mark.django_db(transaction=True)

SENTENCE = "my house has four bedrooms"
BYE = [
    Say("Goodbye.", "goodbye", "closer"),
    Do(Action.HANG_UP, {"outcome": "qualified"}),
]
AGAIN = Say("Sorry, could you say that again?", "reprompt", "supervisor")


def answer(event: Event) -> list[Item]:
    return [AGAIN] if isinstance(event, Unheard) else BYE


class Recogniser:
    """Understands what it is told to, of each utterance a part at first and the rest when let.

    Args:
        heard: what is said in each utterance; the part that is known early is before the "|".
        early_ms: how much of the sound that part covers.
        fails: whether it breaks down instead of telling the rest.
    """

    name = "behind"
    final_latency_s = 0.1
    longest_utterance_ms = 20_000

    def __init__(self, *heard: str, early_ms: int = 300, fails: bool = False) -> None:
        self.heard = list(heard)
        self.early_ms = early_ms
        self.fails = fails
        self.let = asyncio.Event()

    def session(self, sample_rate: int, languages: tuple[str, ...] = ("en",)) -> Recogniser:
        return self

    def begin(self, on_partial: object = None) -> Hearing:
        return Hearing(self, self.heard.pop(0) if self.heard else "", on_partial)


class Hearing:
    def __init__(self, engine: Recogniser, words: str, on_partial: object) -> None:
        self._engine = engine
        self._early, _, rest = words.partition("|")
        self._whole = self._early + rest
        self._on_partial = on_partial
        self._fed_ms = 0
        self.partial = Partial("", 0)

    def feed(self, pcm: bytes) -> None:
        self._fed_ms += len(pcm) // 16
        early_ms = min(self._engine.early_ms, self._fed_ms)
        if self._fed_ms >= 800 and early_ms > self.partial.audio_ms and callable(self._on_partial):
            self.partial = Partial(self._early, early_ms)
            self._on_partial(self.partial)

    async def finish(self) -> Transcript:
        await self._engine.let.wait()
        if self._engine.fails:
            raise EngineError("broken")
        return Transcript(self._whole, 0.9, self._fed_ms)

    def cancel(self) -> None:
        pass


@pytest.fixture
def behind(monkeypatch: pytest.MonkeyPatch, server: Daphne) -> Recogniser:
    engine = Recogniser("my house |has four bedrooms")
    monkeypatch.setitem(registry._engines, "pocketsphinx", engine)
    return engine


async def test_a_part_of_the_words_is_not_answered_however_long_the_rest_takes(
    call: Call, token: str, server: Daphne, behind: Recogniser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("voice.listening.FINAL_WITHIN_MS", 50.0)
    monkeypatch.setattr("voice.listening.ANY_WITHIN_MS", 60_000.0)
    talk = script(call, answer)
    async with Caller(call, token) as caller:
        await caller.until_mark("0.0/greet/end")
        caller.say(SENTENCE)
        await caller.until_said()
        await caller.sleep_ms(1500)
        server.loop.call_soon_threadsafe(behind.let.set)
        await caller.until_closed()
    turns = await turns_of(call, server)
    assert [event.text for event in talk.said] == [SENTENCE]
    assert [turn.text for turn in turns[1:]] == [SENTENCE, BYE[0].text]
    assert turns[2].latency_ms is not None
    assert turns[2].details["stt"] > 1000, "it says where the time went"


@pytest.mark.slow
async def test_a_recogniser_that_is_too_far_behind_has_the_lead_asked_again_and_may_still_come(
    call: Call, token: str, server: Daphne, behind: Recogniser, monkeypatch: pytest.MonkeyPatch
) -> None:
    watch = Speaking._watch

    async def late(speaking: Speaking, reply: Reply) -> None:
        await reply.speech.over.wait()
        await asyncio.sleep(0.4)  # the words come before it has noticed that it was heard
        await watch(speaking, reply)

    monkeypatch.setattr(Speaking, "_watch", late)
    monkeypatch.setattr("voice.listening.ANY_WITHIN_MS", 300.0)
    talk = script(call, answer)
    async with Caller(call, token) as caller:
        await caller.until_mark("0.0/greet/end")
        caller.say(SENTENCE)
        await caller.until_mark("/reprompt/end")
        server.loop.call_soon_threadsafe(behind.let.set)
        await caller.until_closed()
    turns = await turns_of(call, server)
    assert [event.text for event in talk.said] == [SENTENCE], "never the half of it"
    assert [turn.text for turn in turns[1:]] == [AGAIN.text, SENTENCE, BYE[0].text]


@pytest.mark.slow
@pytest.mark.parametrize("is_late", [False, True])
async def test_half_a_sentence_that_the_recogniser_broke_down_at_is_asked_for_once(
    call: Call,
    token: str,
    server: Daphne,
    behind: Recogniser,
    is_late: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("voice.listening.ANY_WITHIN_MS", 300.0 if is_late else 60_000.0)
    monkeypatch.setattr("voice.turn_taker.SILENCE_MS", 60_000.0)
    behind.fails = True
    talk = script(call, answer)
    async with Caller(call, token) as caller:
        await caller.until_mark("0.0/greet/end")
        caller.say(SENTENCE)
        if is_late:
            await caller.until_mark("/reprompt/end")
        else:
            await caller.until_said()
        server.loop.call_soon_threadsafe(behind.let.set)
        await caller.until_mark("/reprompt/end")
        await caller.sleep_ms(500)
        await caller.press("1")
        await caller.until_closed()
    assert [type(event).__name__ for event in talk.kept] == ["Unheard", "KeyPress"]


@pytest.mark.slow
async def test_a_pause_is_as_long_as_it_was_heard_to_be(
    call: Call, token: str, server: Daphne, behind: Recogniser, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The process is held up in a short pause: the lead goes on long before it hears of it."""
    behind.heard = ["my house has|", "four bedrooms|"]
    behind.early_ms = 60_000
    behind.let.set()
    pause = Ears._voice_paused
    held_up = []

    async def held_up_once(ears: Ears) -> None:
        await pause(ears)
        if not held_up:
            held_up.append(ears)
            await asyncio.sleep(1.5)

    monkeypatch.setattr(Ears, "_voice_paused", held_up_once)
    talk = script(call, answer)
    async with Caller(call, token) as caller:
        await caller.until_mark("0.0/greet/end")
        caller.say("yes this is a good time", pause_ms=400)
        caller.say("yes this is a good time")
        await caller.until_closed()
    await turns_of(call, server)
    assert [event.text for event in talk.said] == ["my house has four bedrooms"]
    spoken, heard = spans_ms(bytes(caller.spoken)), spans_ms(bytes(caller.heard))
    assert heard[-1][0] > spoken[-1][1], "not over the lead"
