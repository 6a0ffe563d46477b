"""The built-in recogniser: real decoder processes on recorded telephone speech."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import psutil
import pytest
from pipecat.frames.frames import (
    EagerEndOfTurnCancelFrame,
    EagerTranscriptionFrame,
    Frame,
    InputAudioRawFrame,
    InterimTranscriptionFrame,
    STTMuteFrame,
    TranscriptionFrame,
    VADUserStartedSpeakingFrame,
    VADUserStoppedSpeakingFrame,
)
from pipecat.pipeline.worker import PipelineParams
from pipecat.tests.utils import SleepFrame, run_test

from voice.audio import mulaw_decode
from voice.engines.decoder_pool import DecoderPool
from voice.engines.interface import EngineError, Partial, SpeechRecognizer, Transcript, Word
from voice.engines.noise import judge
from voice.engines.pocketsphinx import (
    PocketsphinxRecognizer,
    PocketsphinxSession,
    PocketsphinxUtterance,
)
from voice.engines.stt_service import StreamingSTTService

AUDIO = Path(__file__).parent / "audio"
CHUNK = 320  # 20 ms at 8 kHz


def clip(name: str) -> bytes:
    return mulaw_decode((AUDIO / f"{name}.ulaw").read_bytes())


NOT_INTERESTED = clip("rms_i_am_not_interested")
DO_NOT_CALL = clip("rms_please_put_me_on_your_do_not_call_list")


def pcm(samples: np.ndarray) -> bytes:
    return np.clip(samples, -32768, 32767).astype(np.int16).tobytes()


@pytest.fixture(scope="module")
def recognizer() -> Iterator[PocketsphinxRecognizer]:
    engine = PocketsphinxRecognizer(DecoderPool(max_decoders=2, ready_decoders=1))
    engine.preload()
    yield engine
    engine.close()


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Decoding takes as long as it takes on a busy machine."""
    monkeypatch.setattr("voice.engines.pocketsphinx.FINISH_TIMEOUT_S", 60.0)


@pytest.fixture
def session(recognizer: PocketsphinxRecognizer) -> PocketsphinxSession:
    return recognizer.session(8000)


async def recognise(session: PocketsphinxSession, audio: bytes) -> Transcript:
    utterance = session.begin()
    for at in range(0, len(audio), CHUNK):
        utterance.feed(audio[at : at + CHUNK])
    return await utterance.finish()


@pytest.mark.parametrize("path", sorted(AUDIO.glob("rms_*.ulaw")), ids=lambda path: path.stem)
async def test_it_understands_telephone_speech(session: PocketsphinxSession, path: Path) -> None:
    words = path.stem.split("_")[1:]
    transcript = await recognise(session, clip(path.stem))
    heard = transcript.text.split()
    assert len([word for word in words if word in heard]) >= len(words) - 2
    assert transcript.confidence > 0.4


async def test_the_words_carry_their_times(session: PocketsphinxSession) -> None:
    transcript = await recognise(session, NOT_INTERESTED)
    assert transcript.text == "i am not interested"
    assert transcript.audio_ms == len(NOT_INTERESTED) // 16
    starts = [word.start_ms for word in transcript.words]
    assert starts == sorted(starts)
    assert 150 < starts[0] < 700
    assert transcript.words[-1].end_ms <= transcript.audio_ms


async def test_partials_come_while_the_caller_speaks(session: PocketsphinxSession) -> None:
    partials: list[Partial] = []
    three = asyncio.Event()

    def note(partial: Partial) -> None:
        partials.append(partial)
        if len(partials) >= 3:
            three.set()

    utterance = session.begin(note)
    for at in range(0, len(DO_NOT_CALL), CHUNK):
        utterance.feed(DO_NOT_CALL[at : at + CHUNK])
        await asyncio.sleep(0.005)
    await three.wait()
    assert utterance.partial == partials[-1]
    assert "please" in (await utterance.finish()).text


async def test_a_partial_tells_how_much_of_the_sound_its_words_cover(
    session: PocketsphinxSession,
) -> None:
    partials: list[Partial] = []
    covered = asyncio.Event()

    def note(partial: Partial) -> None:
        partials.append(partial)
        if partial.audio_ms >= length_ms - 200:
            covered.set()

    length_ms = len(DO_NOT_CALL) // 16
    utterance = session.begin(note)
    for at in range(0, len(DO_NOT_CALL), CHUNK):
        utterance.feed(DO_NOT_CALL[at : at + CHUNK])
    utterance.feed(bytes(CHUNK * 10))
    await asyncio.wait_for(covered.wait(), 10)
    reached = [partial.audio_ms for partial in partials]
    assert reached == sorted(reached)
    assert reached[0] < length_ms / 2, "it was fed at once, and decoded bit by bit"
    assert utterance.partial.text == (await utterance.finish()).text


@pytest.mark.parametrize("kind", ["silence", "hiss", "clicks", "cough"])
async def test_noise_is_not_turned_into_words(session: PocketsphinxSession, kind: str) -> None:
    chance = np.random.default_rng(5)
    noise = chance.normal(0, 15, 12000)
    if kind == "hiss":
        noise *= 60
    elif kind == "clicks":
        noise[3000:3100] += np.hanning(100) * chance.normal(0, 8000, 100)
        noise[7000:7060] += np.hanning(60) * chance.normal(0, 8000, 60)
    elif kind == "cough":
        noise[3200:5000] += np.hanning(1800) * chance.normal(0, 4000, 1800)
    assert (await recognise(session, pcm(noise))).text == ""


async def test_an_utterance_leaves_nothing_to_the_next(session: PocketsphinxSession) -> None:
    await recognise(session, DO_NOT_CALL)
    assert (await recognise(session, NOT_INTERESTED)).text == "i am not interested"


async def test_odd_audio_is_refused_and_tiny_audio_is_nothing(
    session: PocketsphinxSession,
) -> None:
    utterance = session.begin()
    with pytest.raises(ValueError, match="even number"):
        utterance.feed(b"\x00")
    utterance.cancel()
    assert (await recognise(session, b"")).text == ""
    assert (await recognise(session, b"\x00\x00")).text == ""


async def test_random_bytes_do_no_harm(session: PocketsphinxSession) -> None:
    await recognise(session, np.random.default_rng(1).bytes(16000))
    assert (await recognise(session, NOT_INTERESTED)).text == "i am not interested"


async def test_a_cancelled_utterance_frees_its_decoder(
    recognizer: PocketsphinxRecognizer, session: PocketsphinxSession
) -> None:
    for _ in range(5):
        utterance = session.begin()
        utterance.feed(DO_NOT_CALL)
        utterance.cancel()
        utterance.cancel()
    assert recognizer.pool.leased == 0
    assert (await recognise(session, NOT_INTERESTED)).text == "i am not interested"


async def test_callers_beyond_the_last_decoder_wait_and_lose_no_words(
    recognizer: PocketsphinxRecognizer,
) -> None:
    hoarders = [recognizer.session(8000).begin() for _ in range(2)]
    waiting = recognizer.session(8000).begin()
    waiting.feed(NOT_INTERESTED)
    assert (recognizer.pool.leased, recognizer.pool.waiting) == (2, 1)
    finishing = asyncio.create_task(waiting.finish())
    await asyncio.sleep(0.05)
    assert not finishing.done()
    hoarders[0].cancel()
    assert (await finishing).text == "i am not interested"
    hoarders[1].cancel()
    assert (recognizer.pool.leased, recognizer.pool.waiting) == (0, 0)


async def test_a_decoder_that_dies_costs_no_words(recognizer: PocketsphinxRecognizer) -> None:
    utterance = recognizer.session(8000).begin()
    utterance.feed(NOT_INTERESTED[:16000])
    await asyncio.sleep(0.1)
    loader = recognizer.pool._loader
    assert loader is not None
    for decoder in psutil.Process(loader.pid).children():
        os.kill(decoder.pid, signal.SIGKILL)
    await asyncio.sleep(0.05)
    utterance.feed(NOT_INTERESTED[16000:])
    assert (await utterance.finish()).text == "i am not interested"


@pytest.mark.slow
async def test_it_comes_back_when_everything_of_it_is_killed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # The models are loaded anew, which a busy machine may take its time for.
    monkeypatch.setattr("voice.engines.pocketsphinx.FINISH_TIMEOUT_S", 30.0)
    engine = PocketsphinxRecognizer(DecoderPool(max_decoders=1, ready_decoders=1))
    engine.preload()
    engine.pool._loader.kill()  # type: ignore[union-attr]
    engine.pool._loader.wait()  # type: ignore[union-attr]
    engine.pool._idle.pop().close()
    assert (await recognise(engine.session(8000), NOT_INTERESTED)).text == "i am not interested"
    engine.close()


def test_a_pool_needs_a_decoder() -> None:
    with pytest.raises(ValueError, match="max_decoders"):
        DecoderPool(max_decoders=0)


def test_it_is_a_speech_recognizer(recognizer: PocketsphinxRecognizer) -> None:
    assert isinstance(recognizer, SpeechRecognizer)
    with pytest.raises(ValueError, match="sample_rate"):
        recognizer.session(4000)


# The Pipecat service


def spoken(audio: bytes, *, vad_after_ms: int = 600, pace_s: float = 0.0) -> list[Frame]:
    """Frames as a transport and a VAD push them for one utterance."""
    frames: list[Frame] = []
    for at in range(0, len(audio), CHUNK):
        if at // CHUNK * 20 == vad_after_ms:
            frames += [SleepFrame(sleep=0.01), VADUserStartedSpeakingFrame(start_secs=0.2)]
            frames += [SleepFrame(sleep=0.01)]
        frames.append(InputAudioRawFrame(audio[at : at + CHUNK], 8000, 1))
        if pace_s:
            frames.append(SleepFrame(sleep=pace_s))
    return [*frames, SleepFrame(sleep=0.02), VADUserStoppedSpeakingFrame(stop_secs=0.2)]


async def through(service: StreamingSTTService, frames: list[Frame]) -> list[Frame]:
    down, _ = await run_test(
        service,
        frames_to_send=frames,
        pipeline_params=PipelineParams(audio_in_sample_rate=8000, audio_out_sample_rate=8000),
    )
    return list(down)


async def test_the_service_pushes_partials_and_then_one_final(
    recognizer: PocketsphinxRecognizer,
) -> None:
    down = await through(StreamingSTTService(recognizer), spoken(NOT_INTERESTED, pace_s=0.008))
    kinds = [type(frame) for frame in down]
    (final,) = [frame for frame in down if isinstance(frame, TranscriptionFrame)]
    assert final.text == "i am not interested"
    assert final.finalized
    assert kinds.index(InterimTranscriptionFrame) < kinds.index(TranscriptionFrame)
    assert kinds.count(InputAudioRawFrame) == -(-len(NOT_INTERESTED) // CHUNK)
    assert recognizer.pool.leased == 0


async def test_the_service_hears_the_first_word_although_the_vad_is_late(
    recognizer: PocketsphinxRecognizer,
) -> None:
    down = await through(StreamingSTTService(recognizer), spoken(DO_NOT_CALL, vad_after_ms=680))
    (final,) = [frame for frame in down if isinstance(frame, TranscriptionFrame)]
    assert final.text.startswith("please put me on")


async def test_two_utterances_are_transcribed_in_their_order(
    recognizer: PocketsphinxRecognizer,
) -> None:
    down = await through(
        StreamingSTTService(recognizer),
        [*spoken(DO_NOT_CALL), SleepFrame(sleep=0.01), *spoken(NOT_INTERESTED)],
    )
    texts = [frame.text for frame in down if isinstance(frame, TranscriptionFrame)]
    assert len(texts) == 2
    assert "call" in texts[0]
    assert texts[1] == "i am not interested"


async def test_noise_ends_without_a_transcript_but_the_controller_is_told(
    recognizer: PocketsphinxRecognizer,
) -> None:
    told: list[Transcript] = []
    hiss = pcm(np.random.default_rng(2).normal(0, 900, 12000))
    down = await through(StreamingSTTService(recognizer, on_final=told.append), spoken(hiss))
    assert not [frame for frame in down if isinstance(frame, TranscriptionFrame)]
    assert [transcript.text for transcript in told] == [""]


async def test_words_of_an_utterance_that_come_in_the_next_are_not_taken_for_that_ones(
    recognizer: PocketsphinxRecognizer, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin = PocketsphinxSession.begin
    listeners: list[Callable[[Partial], None]] = []

    def begin_noting_who_listens(
        session: PocketsphinxSession, on_partial: Callable[[Partial], None] | None = None
    ) -> PocketsphinxUtterance:
        assert on_partial is not None
        listeners.append(on_partial)
        if len(listeners) == 2:  # the decoder's message was on its way when the voice began
            listeners[0](Partial("late", 60_000))
            on_partial(Partial("in time", 80))
        return begin(session, None)

    monkeypatch.setattr(PocketsphinxSession, "begin", begin_noting_who_listens)
    told: list[Partial] = []
    service = StreamingSTTService(recognizer, on_partial=told.append)
    await through(service, [*spoken(NOT_INTERESTED), *spoken(NOT_INTERESTED)])
    assert told == [Partial("in time", 80)]


async def test_muting_forgets_what_was_being_said(recognizer: PocketsphinxRecognizer) -> None:
    frames = spoken(NOT_INTERESTED)
    frames.insert(-1, STTMuteFrame(mute=True))
    down = await through(StreamingSTTService(recognizer), frames)
    assert not [frame for frame in down if isinstance(frame, TranscriptionFrame)]
    assert recognizer.pool.leased == 0


async def test_a_turn_controller_can_predict_the_end_and_take_it_back(
    recognizer: PocketsphinxRecognizer,
) -> None:
    service = StreamingSTTService(recognizer, enable_eager_end_of_turn=True)
    predicted: list[str] = []
    tasks: list[asyncio.Task[None]] = []

    def predict(partial: Partial) -> None:
        if partial.text and not predicted:
            predicted.append(service.partial.text)
            tasks.append(asyncio.ensure_future(guess()))

    async def guess() -> None:
        await service.predict_end_of_turn()
        await service.withdraw_end_of_turn()

    service.on_partial = predict
    down = await through(service, spoken(NOT_INTERESTED, pace_s=0.008))
    kinds = [type(frame) for frame in down]
    assert kinds.index(EagerTranscriptionFrame) < kinds.index(TranscriptionFrame)
    assert EagerEndOfTurnCancelFrame in kinds


async def test_an_engine_failure_keeps_what_was_understood(
    recognizer: PocketsphinxRecognizer, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(self: PocketsphinxUtterance) -> Transcript:
        self.cancel()  # as the real one does, however it ends
        raise EngineError("broken")

    monkeypatch.setattr("voice.engines.pocketsphinx.PocketsphinxUtterance.finish", fail)
    told: list[Transcript] = []
    await through(
        StreamingSTTService(recognizer, on_final=told.append),
        spoken(NOT_INTERESTED, pace_s=0.008),
    )
    assert told[0].text.split()[0] == "i"
    assert recognizer.pool.leased == 0


async def test_what_a_stalled_engine_is_not_given_any_more_is_told_in_its_turn(
    recognizer: PocketsphinxRecognizer, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(self: PocketsphinxUtterance) -> Transcript:
        await asyncio.sleep(0.3)
        self.cancel()
        raise EngineError("broken")

    monkeypatch.setattr("voice.engines.pocketsphinx.PocketsphinxUtterance.finish", fail)
    monkeypatch.setattr("voice.engines.stt_service.UNFINISHED_UTTERANCES", 2)
    told: list[Transcript] = []
    frames: list[Frame] = []
    for _ in range(4):
        frames += spoken(NOT_INTERESTED[: CHUNK * 31])
    await through(StreamingSTTService(recognizer, on_final=told.append), frames)
    assert [transcript.failed for transcript in told] == [True] * 4
    assert [transcript.audio_ms for transcript in told[2:]] == [0, 0], "the two were not heard"
    assert recognizer.pool.leased == 0


@pytest.mark.parametrize(
    ("voiced_ms", "confidence", "text"),
    [(0, 0.9, ""), (40, 0.1, ""), (40, 0.8, "stop"), (80, 0.03, "stop"), (400, 0.0, "stop")],
)
def test_voice_outweighs_doubt_about_the_words(
    voiced_ms: int, confidence: float, text: str
) -> None:
    transcript = judge((Word("stop", 100, 400, confidence),), audio_ms=900, voiced_ms=voiced_ms)
    assert transcript.text == text
    assert transcript.rejected == ("" if text else "stop")
