"""OpenAI's Whisper, against a server that speaks its endpoint, and the engine that stands by."""

from __future__ import annotations

import asyncio
import io
import wave
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from voice.audio import mulaw_decode
from voice.engines import registry
from voice.engines.fallback import FallbackRecognizer
from voice.engines.interface import EngineError, Partial, SpeechRecognizer, Transcript
from voice.engines.openai_whisper import OpenAIWhisperRecognizer

AUDIO = Path(__file__).parent / "audio"
SPEECH = mulaw_decode((AUDIO / "rms_yes_i_am_the_owner_of_the_house.ulaw").read_bytes())
KEY = "sk-test"
ANSWER = {
    "task": "transcribe",
    "language": "english",
    "duration": 2.74,
    "text": "Yes, I am the owner of the house.",
    "segments": [
        {
            "id": 0,
            "start": 0.0,
            "end": 2.7,
            "avg_logprob": -0.21,
            "no_speech_prob": 0.01,
            "compression_ratio": 0.9,
        }
    ],
    "words": [{"word": "Yes", "start": 0.2, "end": 0.5}, {"word": "I", "start": 0.6, "end": 0.7}],
}


class Service:
    """The endpoint. What it answers is popped from `answers`; after the last, it succeeds."""

    def __init__(self) -> None:
        self.answers: list[tuple[int, Any, dict[str, str]]] = []
        self.requests: list[dict[str, Any]] = []
        self.slow_s = 0.0
        self.broken_off = 0

    async def handle(self, request: web.Request) -> web.Response:
        form: dict[str, Any] = {}
        async for part in await request.multipart():
            assert part.name is not None  # type: ignore[union-attr]
            form[part.name] = await part.read()  # type: ignore[union-attr]
        self.requests.append(form)
        try:
            await asyncio.sleep(self.slow_s)
        except asyncio.CancelledError:
            self.broken_off += 1
            raise
        if request.headers.get("Authorization") != f"Bearer {KEY}":
            return web.json_response({"error": {"code": "invalid_api_key"}}, status=401)
        if self.answers:
            status, body, headers = self.answers.pop(0)
            if isinstance(body, str):
                return web.Response(text=body, status=status, headers=headers)
            return web.json_response(body, status=status, headers=headers)
        return web.json_response(ANSWER)

    def fail(self, status: int, code: str = "", **headers: str) -> None:
        self.answers.append((status, {"error": {"code": code}}, headers))


@pytest.fixture
async def service() -> AsyncIterator[Service]:
    made = Service()
    application = web.Application()
    application.router.add_post("/v1/audio/transcriptions", made.handle)
    runner = web.AppRunner(application, handler_cancellation=True, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    made.url = f"http://127.0.0.1:{runner.addresses[0][1]}/v1"  # type: ignore[attr-defined]
    yield made
    await runner.cleanup()


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def make(service: Service, clock: Clock) -> AsyncIterator[Callable[..., Any]]:
    made: list[OpenAIWhisperRecognizer] = []

    def make(key: str = KEY, **options: Any) -> OpenAIWhisperRecognizer:
        engine = OpenAIWhisperRecognizer(
            key,
            service.url,  # type: ignore[attr-defined]
            **{"clock": clock, **options},
        )
        made.append(engine)
        return engine

    yield make
    for engine in made:
        await engine.aclose()


async def recognise(engine: Any, audio: bytes = SPEECH) -> Transcript:
    utterance = engine.session(8000).begin()
    for at in range(0, len(audio), 320):
        utterance.feed(audio[at : at + 320])
    transcript: Transcript = await utterance.finish()
    return transcript


async def test_it_uploads_an_utterance_and_reads_the_answer(
    make: Callable[..., Any], service: Service
) -> None:
    session = make().session(8000)
    utterance = session.begin()
    utterance.feed(SPEECH)
    transcript = await utterance.finish()
    assert transcript.text == "yes i am the owner of the house"
    assert (transcript.language, transcript.audio_ms) == ("en", len(SPEECH) // 16)
    assert session.sent_ms == transcript.audio_ms
    (form,) = service.requests
    assert form["model"] == b"whisper-1"
    assert form["response_format"] == b"verbose_json"
    with wave.open(io.BytesIO(form["file"])) as sound:
        assert (sound.getframerate(), sound.getnchannels()) == (8000, 1)
        assert sound.readframes(sound.getnframes()) == SPEECH


async def test_the_language_of_a_short_answer_is_not_guessed(
    make: Callable[..., Any], service: Service
) -> None:
    await recognise(make(), SPEECH[8000:14000])
    await recognise(make())
    assert [form.get("language") for form in service.requests] == [b"en", None]


async def test_another_language_is_reported_by_its_code(
    make: Callable[..., Any], service: Service
) -> None:
    service.answers.append((200, ANSWER | {"language": "spanish", "text": "No, gracias."}, {}))
    transcript = await recognise(make())
    assert (transcript.text, transcript.language) == ("no gracias", "es")


async def test_silence_is_not_sent(make: Callable[..., Any], service: Service) -> None:
    assert (await recognise(make(), bytes(16000))).text == ""
    assert (await recognise(make(), b"")).text == ""
    assert service.requests == []


async def test_invented_words_are_kept_apart(make: Callable[..., Any], service: Service) -> None:
    service.answers.append((200, ANSWER | {"text": "Thanks for watching!"}, {}))
    transcript = await recognise(make())
    assert (transcript.text, transcript.rejected) == ("", "thanks for watching")


@pytest.mark.parametrize("status", [429, 500, 502, 503])
async def test_what_may_pass_is_tried_again(
    make: Callable[..., Any], service: Service, status: int
) -> None:
    service.fail(status, **{"Retry-After": "0.05"})
    service.fail(status)
    assert (await recognise(make())).text
    assert len(service.requests) == 3


async def test_who_wants_a_long_pause_is_not_asked_again(
    make: Callable[..., Any], service: Service
) -> None:
    service.fail(429, "rate_limit_exceeded", **{"Retry-After": "20"})
    with pytest.raises(EngineError, match="429 \\(rate_limit_exceeded\\)") as caught:
        await recognise(make())
    assert caught.value.retryable
    assert len(service.requests) == 1


async def test_a_wrong_key_is_named_and_not_tried_again(
    make: Callable[..., Any], service: Service, clock: Clock
) -> None:
    engine = make("sk-wrong")
    with pytest.raises(EngineError, match="check OPENAI_API_KEY") as caught:
        await recognise(engine)
    assert not caught.value.retryable
    with pytest.raises(EngineError, match="not asked for a while"):
        await recognise(engine)
    clock.now += 301
    with pytest.raises(EngineError, match="OPENAI_API_KEY"):
        await recognise(engine)
    assert len(service.requests) == 2


async def test_a_used_up_quota_is_not_a_moments_trouble(
    make: Callable[..., Any], service: Service
) -> None:
    service.fail(429, "insufficient_quota")
    with pytest.raises(EngineError, match="quota is used up"):
        await recognise(make())
    assert len(service.requests) == 1


async def test_after_failures_in_a_row_it_is_left_alone_for_a_while(
    make: Callable[..., Any], service: Service, clock: Clock
) -> None:
    engine = make()
    for _ in range(9):
        service.fail(500)
    for _ in range(3):
        with pytest.raises(EngineError, match="500"):
            await recognise(engine)
    with pytest.raises(EngineError, match="not asked for a while"):
        await recognise(engine)
    assert len(service.requests) == 9
    clock.now += 31
    assert (await recognise(engine)).text


async def test_a_refused_utterance_does_not_count_against_the_service(
    make: Callable[..., Any], service: Service
) -> None:
    engine = make()
    for _ in range(5):
        service.fail(400, "audio_too_short")
        with pytest.raises(EngineError, match="400"):
            await recognise(engine)
    assert (await recognise(engine)).text


async def test_a_slow_service_is_given_up(make: Callable[..., Any], service: Service) -> None:
    service.slow_s = 5
    with pytest.raises(EngineError, match="in time") as caught:
        await recognise(make(attempt_timeout_s=0.1, deadline_s=0.35))
    assert caught.value.retryable


async def test_an_answer_that_is_none_is_an_error(
    make: Callable[..., Any], service: Service
) -> None:
    service.answers += [(200, {"words": "x"}, {})]
    with pytest.raises(EngineError, match="not understood: text, words"):
        await recognise(make())
    service.answers += [(200, "<html>", {})] * 3
    with pytest.raises(EngineError, match="cannot be reached"):
        await recognise(make())


async def test_a_cancelled_utterance_breaks_its_upload_off(
    make: Callable[..., Any], service: Service
) -> None:
    service.slow_s = 5
    utterance = make().session(8000).begin()
    utterance.feed(SPEECH)
    finishing = asyncio.create_task(utterance.finish())
    for _ in range(400):
        await asyncio.sleep(0.005)
        if service.requests:
            break
    finishing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await finishing
    for _ in range(200):
        await asyncio.sleep(0.005)
        if service.broken_off:
            break
    assert service.broken_off == 1


def test_without_a_key_it_does_not_start(settings: Any) -> None:
    with pytest.raises(EngineError, match="OPENAI_API_KEY is not set"):
        registry.RECOGNIZERS["openai"]()


# The engine that stands by


class Ear:
    """A recogniser on this machine that understands what it is told to."""

    name = "ear"
    final_latency_s = 0.1
    longest_utterance_ms = 20_000

    def __init__(self, text: str = "by ear", error: str = "") -> None:
        self.text, self.error = text, error
        self.heard = bytearray()
        self.cancelled = 0
        self.partial = Partial("", 0)
        self.preloaded = False

    def preload(self) -> None:
        self.preloaded = True

    def session(self, sample_rate: int, languages: tuple[str, ...] = ()) -> Ear:
        return self

    def begin(self, on_partial: Callable[[Partial], None] | None = None) -> Ear:
        self.tell = on_partial
        return self

    def feed(self, pcm: bytes) -> None:
        self.heard += pcm
        if self.tell:
            self.tell(Partial(self.text.split()[0], 100))

    async def finish(self) -> Transcript:
        await asyncio.sleep(0.01)
        if self.error:
            raise EngineError(self.error)
        return Transcript(self.text, 0.5, len(self.heard) // 16)

    def cancel(self) -> None:
        self.cancelled += 1


async def test_the_better_engine_is_believed(make: Callable[..., Any]) -> None:
    ear = Ear()
    engine = FallbackRecognizer(make(), ear)
    engine.preload()
    assert ear.preloaded
    assert isinstance(engine, SpeechRecognizer)
    assert engine.name == "openai"
    assert engine.session(8000).longest_utterance_ms == 20_000
    assert (await recognise(engine)).text == "yes i am the owner of the house"
    assert ear.cancelled == 1


async def test_partials_come_from_the_one_that_streams(make: Callable[..., Any]) -> None:
    partials: list[Partial] = []
    utterance = FallbackRecognizer(make(), Ear()).session(8000).begin(partials.append)
    utterance.feed(SPEECH)
    assert utterance.partial == partials[0] == Partial("by", 100)
    utterance.cancel()


async def test_the_partials_of_the_better_one_are_preferred() -> None:
    partials: list[Partial] = []
    better = Ear("better words")
    utterance = FallbackRecognizer(better, Ear()).session(8000).begin(partials.append)
    utterance.feed(b"\x00\x00")
    assert [partial.text for partial in partials] == ["better"]
    utterance.cancel()


@pytest.mark.parametrize("status", [401, 429, 500])
async def test_the_other_answers_when_the_service_fails(
    make: Callable[..., Any], service: Service, status: int
) -> None:
    for _ in range(3):
        service.fail(status)
    ear = Ear()
    assert (await recognise(FallbackRecognizer(make(), ear))).text == "by ear"
    assert bytes(ear.heard) == SPEECH


async def test_the_other_answers_when_the_service_is_slow(
    make: Callable[..., Any], service: Service
) -> None:
    service.slow_s = 5
    engine = FallbackRecognizer(make(), Ear(), patience_s=0.1)
    assert (await recognise(engine)).text == "by ear"


async def test_a_service_that_is_always_too_slow_is_left_alone(
    make: Callable[..., Any], service: Service, clock: Clock
) -> None:
    service.slow_s = 5
    engine = FallbackRecognizer(make(), Ear(), patience_s=0.1)
    for _ in range(3):
        recognising = asyncio.create_task(recognise(engine))
        await asyncio.sleep(0.05)
        clock.now += 2
        await recognising
        await asyncio.sleep(0)
    before = len(service.requests)
    assert (await recognise(engine)).text == "by ear"
    assert len(service.requests) == before


async def test_a_slow_service_is_better_than_nothing(
    make: Callable[..., Any], service: Service
) -> None:
    service.slow_s = 0.2
    engine = FallbackRecognizer(make(), Ear(error="decoder died"), patience_s=0.05)
    assert (await recognise(engine)).text == "yes i am the owner of the house"


async def test_when_both_fail_it_says_so() -> None:
    engine = FallbackRecognizer(Ear(error="no network"), Ear(error="decoder died"))
    with pytest.raises(EngineError, match="no network"):
        await recognise(engine)
