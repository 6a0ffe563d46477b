"""Whisper behind an address: heard in a streaming manner, and stood in for when it fails."""

from __future__ import annotations

import asyncio
import io
import wave
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from prometheus_client import REGISTRY

from voice.audio import mulaw_decode
from voice.engines.fallback import FallbackRecognizer
from voice.engines.interface import EngineError, Partial, SpeechRecognizer, Transcript
from voice.engines.pocketsphinx import PocketsphinxRecognizer
from voice.engines.whisper import WhisperRecognizer
from voice.engines.whisper_server import WhisperServer

AUDIO = Path(__file__).parent / "audio"
SPEECH = mulaw_decode((AUDIO / "rms_i_am_not_interested.ulaw").read_bytes())
CHUNK = 320
WORDS = "I am not interested."


class Server:
    """The endpoint: hears a word for every 400 ms, unless told to fail."""

    def __init__(self) -> None:
        self.requests: list[dict[str, Any]] = []
        self.fails: Callable[[], web.Response | None] = lambda: None
        self.language = "english"
        self.slow_s = 0.0

    async def handle(self, request: web.Request) -> web.Response:
        form = {key: value for key, value in (await request.post()).items() if key != "file"}
        file = (await request.post())["file"]
        with wave.open(io.BytesIO(file.file.read())) as sound:  # type: ignore[union-attr]
            assert (sound.getframerate(), sound.getnchannels()) == (16000, 1)
            audio_ms = sound.getnframes() / 16
        self.requests.append({**form, "audio_ms": audio_ms})
        await asyncio.sleep(self.slow_s)
        if (failure := self.fails()) is not None:
            return failure
        text = " ".join(WORDS.split()[: max(1, int(audio_ms / 400))])
        segment = {"start": 0, "end": 1, "avg_logprob": -0.2, "no_speech_prob": 0.01}
        content = {"text": text, "language": self.language, "segments": [segment]}
        return web.json_response(content)


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    made = Server()
    application = web.Application()
    application.router.add_post("/v1/audio/transcriptions", made.handle)
    runner = web.AppRunner(application, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    made.url = f"http://127.0.0.1:{runner.addresses[0][1]}/v1"  # type: ignore[attr-defined]
    yield made
    await runner.cleanup()


@pytest.fixture
async def engine(server: Server) -> AsyncIterator[WhisperRecognizer]:
    model = WhisperServer(server.url)  # type: ignore[attr-defined]
    made = WhisperRecognizer(
        name="whisper_server", workers=2, load=lambda: model, must_answer=False
    )
    yield made
    await asyncio.to_thread(made.close)


async def recognise(engine: SpeechRecognizer, partials: list[Partial] | None = None) -> Transcript:
    told = None if partials is None else partials.append
    utterance = engine.session(8000, ("en",)).begin(told)
    for at in range(0, len(SPEECH), CHUNK):
        utterance.feed(SPEECH[at : at + CHUNK])
        if at % (CHUNK * 10) == 0:
            await asyncio.sleep(0.02)  # ten times faster than it was said
    utterance.feed(bytes(4000))
    return await utterance.finish()


async def test_it_is_heard_while_it_is_spoken(engine: WhisperRecognizer, server: Server) -> None:
    partials: list[Partial] = []
    transcript = await recognise(engine, partials)
    assert transcript.text == "i am not interested"
    assert not transcript.failed
    assert len(server.requests) > 1, "not only at the end"
    assert all(transcript.text.startswith(partial.text) for partial in partials)
    assert server.requests[0]["language"] == "en", "too short to tell a language by"
    assert "language" not in server.requests[-1]


async def test_what_it_fails_at_is_heard_by_the_built_in_one(
    engine: WhisperRecognizer, server: Server, built_in: PocketsphinxRecognizer
) -> None:
    fallbacks = REGISTRY.get_sample_value("voice_stt_fallbacks_total", {"engine": "whisper_server"})
    server.fails = lambda: web.Response(status=503)
    both = FallbackRecognizer(engine, built_in, beside=False)
    transcript = await recognise(both)
    assert transcript.text == "i am not interested"
    told = REGISTRY.get_sample_value("voice_stt_fallbacks_total", {"engine": "whisper_server"})
    assert told == (fallbacks or 0) + 1
    asked = len(server.requests)
    await recognise(both)
    await recognise(both)
    assert len(server.requests) <= asked + 2, "it is left alone for a while"


async def test_the_built_in_one_is_spared_while_it_works(
    engine: WhisperRecognizer, built_in: PocketsphinxRecognizer
) -> None:
    await recognise(FallbackRecognizer(engine, built_in, beside=False))
    assert built_in.pool.leased == 0


async def test_a_server_that_is_not_there_yet_does_not_keep_the_process_from_starting() -> None:
    model = WhisperServer("http://127.0.0.1:9/v1")
    engine = WhisperRecognizer(load=lambda: model, must_answer=False)
    await asyncio.to_thread(engine.preload)
    with pytest.raises(EngineError, match="cannot be reached"):
        await recognise(engine)
    await asyncio.to_thread(engine.close)


async def test_a_wrong_address_is_told(engine: WhisperRecognizer, server: Server) -> None:
    server.fails = lambda: web.Response(status=404)
    with pytest.raises(EngineError, match="404: check WHISPER_URL"):
        await asyncio.to_thread(engine.preload)
    with pytest.raises(EngineError, match="WHISPER_URL is not set"):
        WhisperServer("")


@pytest.fixture(scope="module")
def built_in() -> Any:
    made = PocketsphinxRecognizer()
    made.preload()
    yield made
    made.close()
