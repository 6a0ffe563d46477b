"""The premium voice against a server that speaks ElevenLabs' protocol, with its errors."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator, Callable

import pytest

from voice.audio import duration_ms
from voice.engines.delivery import EngineRefusedError, SpeechUsage
from voice.engines.elevenlabs import FAILURES_TO_REST, ElevenLabsSynthesizer, ElevenLabsVoice
from voice.engines.elevenlabs_keys import secrets_in
from voice.engines.interface import EngineBusyError, EngineError
from voice.tests.elevenlabs_server import BUSY, MS_PER_LETTER, QUOTA, Account, ElevenLabsServer

LINE = "Thank you, I will send that over tomorrow."


@pytest.fixture
async def provider() -> AsyncIterator[ElevenLabsServer]:
    async with ElevenLabsServer().running() as server:
        yield server


Make = Callable[..., ElevenLabsSynthesizer]


@pytest.fixture
async def make(provider: ElevenLabsServer) -> AsyncIterator[Make]:
    made: list[ElevenLabsSynthesizer] = []

    def synthesizer(*secrets: str, **options: float) -> ElevenLabsSynthesizer:
        most = int(options.pop("most_at_once", 0))
        voice = ElevenLabsVoice("narrator", **options)  # type: ignore[arg-type]
        made.append(
            ElevenLabsSynthesizer(
                voice, secrets=secrets or ["one"], base_url=provider.url, most_at_once=most
            )
        )
        return made[-1]

    yield synthesizer
    for each in made:
        await each.aclose()


async def until(happened: Callable[[], bool]) -> None:
    async with asyncio.timeout(2):
        while not happened():  # noqa: ASYNC110 - the server tells nobody
            await asyncio.sleep(0.01)


async def until_it_breaks(voice: ElevenLabsSynthesizer) -> tuple[bytes, str, EngineError]:
    heard, rest = b"", LINE
    try:
        async for piece in voice.pieces(LINE, 8000):
            heard, rest = heard + piece.audio, piece.rest
    except EngineError as error:
        return heard, rest, error
    raise AssertionError("it spoke to the end")


async def test_it_speaks_the_whole_text_as_it_comes(provider: ElevenLabsServer, make: Make) -> None:
    account = provider.accounts["one"] = Account()
    pieces = [piece async for piece in make().pieces(LINE, 8000)]
    speech = b"".join(piece.audio for piece in pieces)
    assert duration_ms(speech, 8000) == pytest.approx(len(LINE) * MS_PER_LETTER + 160, abs=40)
    assert len([piece for piece in pieces if piece.audio]) > 2
    assert pieces[-1].rest == ""
    assert account.texts == [LINE]
    assert provider.queries[0]["output_format"] == "pcm_8000"
    assert provider.queries[0]["model_id"] == "eleven_flash_v2_5"


async def test_it_lets_audio_go_in_whole_words(provider: ElevenLabsServer, make: Make) -> None:
    provider.accounts["one"] = Account(chunk_pause_s=0.001)
    async for piece in make().pieces(LINE, 8000):
        assert LINE.endswith(piece.rest)
        said = LINE.removesuffix(piece.rest)
        assert said == "" or said.endswith(" ") or piece.rest == ""


async def test_it_says_what_is_charged_once_per_text(
    provider: ElevenLabsServer, make: Make
) -> None:
    provider.accounts["one"] = Account()
    bill: list[SpeechUsage] = []
    voice = make().billed_to(bill.append)
    await voice.synthesize(LINE)
    await voice.synthesize("I owe $5.")
    assert [usage.characters for usage in bill] == [len(LINE), len("I owe 5 dollars.")]
    assert len({usage.key for usage in bill}) == 2
    assert (bill[0].provider, bill[0].model) == ("elevenlabs", "eleven_flash_v2_5")
    assert "one" not in bill[0].account


async def test_it_charges_speech_that_was_thrown_away(
    provider: ElevenLabsServer, make: Make
) -> None:
    account = provider.accounts["one"] = Account(chunk_pause_s=0.05)
    bill: list[SpeechUsage] = []
    stream = make().billed_to(bill.append).stream(LINE, 8000)
    await anext(stream)
    await stream.aclose()
    assert [usage.characters for usage in bill] == [len(LINE)]
    await until(lambda: account.at_once == 0)


@pytest.mark.parametrize(
    "first",
    [Account(status=401), Account(status=429), Account(error=QUOTA), Account(error=BUSY)],
    ids=["401", "429", "quota", "busy"],
)
async def test_a_refused_key_is_replaced_by_the_next(
    provider: ElevenLabsServer, make: Make, first: Account
) -> None:
    provider.accounts |= {"one": first, "two": Account()}
    bill: list[SpeechUsage] = []
    voice = make("one", "two")
    speech = await voice.billed_to(bill.append).synthesize(LINE)
    assert duration_ms(speech, 8000) > 1000
    assert len(bill) == 1
    await voice.synthesize(LINE)
    assert provider.accounts["two"].texts == [LINE, LINE]
    assert len(first.texts) <= 1, "a refused key rests"


async def test_it_is_refused_for_good_when_no_key_is_served(
    provider: ElevenLabsServer, make: Make
) -> None:
    provider.accounts |= {"one": Account(status=401), "two": Account(error=QUOTA)}
    with pytest.raises(EngineRefusedError) as caught:
        await make("one", "two").synthesize(LINE)
    assert "out (key)" in str(caught.value)
    assert "out (quota)" in str(caught.value)


async def test_a_key_without_enough_characters_is_not_asked(
    provider: ElevenLabsServer, make: Make
) -> None:
    provider.accounts |= {"one": Account(limit=1000, used=990), "two": Account()}
    voice = make("one", "two")
    await voice.keys.watch()
    await voice.synthesize(LINE)
    assert provider.accounts["one"].texts == []
    left = voice.keys.keys[1].characters_left
    assert left == 100_000 - len(LINE)


async def test_it_keeps_to_the_plans_concurrency(
    provider: ElevenLabsServer, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("voice.engines.elevenlabs_keys.WAIT_S", 30.0)
    account = provider.accounts["one"] = Account(plan="free", chunk_pause_s=0.004)
    voice = make()
    await voice.keys.watch()
    await asyncio.gather(*(voice.synthesize("Yes, of course.") for _ in range(10)))
    assert len(account.texts) == 10
    assert account.most_at_once <= 4


async def test_a_full_plan_is_busy_soon(provider: ElevenLabsServer, make: Make) -> None:
    provider.accounts["one"] = Account(chunk_pause_s=0.5)
    voice = make(most_at_once=1)
    stream = voice.stream(LINE, 8000)
    await anext(stream)
    with pytest.raises(EngineBusyError):
        await voice.synthesize(LINE)
    await stream.aclose()


async def test_a_stream_that_stalls_is_an_error_with_the_words_left(
    provider: ElevenLabsServer, make: Make
) -> None:
    provider.accounts["one"] = Account(stall_after=16)
    heard, rest, error = await until_it_breaks(make(stall_s=0.1))
    assert "silent" in str(error)
    assert rest == "will send that over tomorrow."
    assert duration_ms(heard, 8000) == pytest.approx(len("Thank you, I ") * MS_PER_LETTER, abs=20)


async def test_a_connection_that_breaks_is_an_error_with_the_words_left(
    provider: ElevenLabsServer, make: Make
) -> None:
    provider.accounts["one"] = Account(drop_after=24)
    bill: list[SpeechUsage] = []
    _, rest, error = await until_it_breaks(make().billed_to(bill.append))
    assert "broke off" in str(error)
    assert rest == "that over tomorrow."
    assert [usage.characters for usage in bill] == [len(LINE)]


async def test_silence_before_the_first_audio_is_bounded_and_charged(
    provider: ElevenLabsServer, make: Make
) -> None:
    provider.accounts["one"] = Account(stall_after=0)
    bill: list[SpeechUsage] = []
    with pytest.raises(EngineError, match="silent"):
        await make(first_audio_s=0.1).billed_to(bill.append).synthesize(LINE)
    assert [usage.characters for usage in bill] == [len(LINE)]


async def test_a_provider_that_fails_again_and_again_is_left_alone(
    provider: ElevenLabsServer, make: Make
) -> None:
    provider.accounts["one"] = Account(status=503)
    voice = make()
    for _ in range(FAILURES_TO_REST):
        with pytest.raises(EngineError, match="503"):
            await voice.synthesize(LINE)
    asked = provider.handshakes
    began = time.monotonic()
    with pytest.raises(EngineError, match="left alone"):
        await voice.synthesize(LINE)
    assert provider.handshakes == asked
    assert time.monotonic() - began < 0.1


async def test_a_voice_that_is_not_there_is_refused(provider: ElevenLabsServer, make: Make) -> None:
    provider.accounts["one"] = Account(
        error={"message": "A voice for that id was not found.", "error": "voice_not_found"}
    )
    with pytest.raises(EngineRefusedError, match="voice_not_found"):
        await make().synthesize(LINE)


async def test_a_stream_without_times_still_tells_the_words_left(
    provider: ElevenLabsServer, make: Make
) -> None:
    provider.accounts["one"] = Account(has_times=False, drop_after=28)
    _, rest, _ = await until_it_breaks(make())
    assert rest
    assert LINE.endswith(rest)
    assert len(rest) < len(LINE)


async def test_the_next_text_finds_an_open_socket(provider: ElevenLabsServer, make: Make) -> None:
    provider.accounts["one"] = Account()
    voice = make()
    await voice.synthesize(LINE)
    await until(lambda: bool(voice._shared.spare))
    stream = voice.stream("Good.", 8000)
    await anext(stream)
    assert provider.handshakes == 2
    await stream.aclose()


@pytest.mark.parametrize("politely", [True, False])
async def test_a_socket_that_was_closed_while_it_waited_is_replaced(
    provider: ElevenLabsServer, make: Make, politely: bool
) -> None:
    account = provider.accounts["one"] = Account()
    bill: list[SpeechUsage] = []
    voice = make()
    billed = voice.billed_to(bill.append)
    await billed.synthesize(LINE)
    await until(lambda: bool(voice._shared.spare))
    await until(lambda: bool(provider.idle))
    for socket, request in list(provider.idle.items()):
        if politely:
            closing = asyncio.create_task(socket.close())
            await asyncio.sleep(0.01)
            closing.cancel()
        else:
            assert request.transport is not None
            request.transport.abort()
            await asyncio.sleep(0.01)
    assert await billed.synthesize("Good morning.")
    assert account.texts == [LINE, "Good morning."]
    assert [usage.characters for usage in bill] == [len(LINE), len("Good morning.")]


async def test_nothing_is_left_behind(provider: ElevenLabsServer, make: Make) -> None:
    provider.accounts["one"] = Account(plan="scale", chunk_pause_s=0.001)
    voice = make()
    await voice.synthesize(LINE)
    await voice.aclose()
    files, tasks = len(os.listdir("/proc/self/fd")), len(asyncio.all_tasks())
    for _ in range(20):
        stream = voice.stream(LINE, 8000)
        await anext(stream)
        await stream.aclose()
        speaking = asyncio.create_task(voice.synthesize(LINE))
        await asyncio.sleep(0.003)
        speaking.cancel()
        await asyncio.gather(speaking, return_exceptions=True)
        await voice.synthesize("Good.")
    await voice.aclose()
    assert voice.keys.keys[0].at_once == 0
    await until(lambda: len(os.listdir("/proc/self/fd")) <= files)
    await until(lambda: len(asyncio.all_tasks()) <= tasks)


def test_the_keys_are_comma_separated() -> None:
    assert secrets_in(" a, b ,,c") == ["a", "b", "c"]
    with pytest.raises(EngineError, match="ELEVENLABS_API_KEYS"):
        secrets_in(" ")
