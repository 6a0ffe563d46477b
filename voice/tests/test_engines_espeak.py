"""The built-in voice."""

from __future__ import annotations

import asyncio
import contextlib

import numpy as np
import pytest
from pipecat.frames.frames import TTSAudioRawFrame, TTSSpeakFrame, TTSStartedFrame, TTSStoppedFrame
from pipecat.pipeline.worker import PipelineParams
from pipecat.tests.utils import SleepFrame, run_test

from voice.audio import duration_ms
from voice.engines import registry
from voice.engines.espeak import LONGEST_TEXT, EspeakSynthesizer, EspeakVoice
from voice.engines.interface import EngineError, SpeechSynthesizer
from voice.engines.loudness import Leveller, speech_level_dbfs

LINE = "Would Tuesday at three thirty work for you?"


def sounds_like(clip: bytes, other: bytes) -> bool:
    """Whether two clips say the same: the voice's breath is random, its envelope is not."""
    if abs(duration_ms(clip, 8000) - duration_ms(other, 8000)) > 40:
        return False
    a, b = (
        np.abs(np.frombuffer(clip[: len(clip) // 640 * 640], np.int16).reshape(-1, 320)).mean(1)
        for clip in (clip, other)
    )
    size = min(len(a), len(b))
    return bool(np.corrcoef(a[:size], b[:size])[0, 1] > 0.95)


@pytest.fixture(scope="module")
def voice() -> EspeakSynthesizer:
    synthesizer = EspeakSynthesizer()
    synthesizer.preload()
    return synthesizer


async def test_it_speaks_at_telephone_level_without_clipping(voice: EspeakSynthesizer) -> None:
    clip = await voice.synthesize(LINE)
    assert 1500 < duration_ms(clip, 8000) < 4000
    assert speech_level_dbfs(clip, 8000) == pytest.approx(-20, abs=2.5)
    assert np.abs(np.frombuffer(clip, np.int16).astype(int)).max() < 32000


async def test_the_first_sound_is_not_preceded_by_silence(voice: EspeakSynthesizer) -> None:
    clip = np.frombuffer(await voice.synthesize("Okay."), np.int16)
    assert np.abs(clip[: 8000 * 30 // 1000].astype(int)).max() > 100


async def test_streaming_gives_the_same_audio_in_many_pieces(voice: EspeakSynthesizer) -> None:
    pieces = [piece async for piece in voice.stream(LINE, 8000)]
    assert len(pieces) > 10
    assert sounds_like(b"".join(pieces), await voice.synthesize(LINE))


async def test_the_sample_rate_changes_the_rate_and_not_the_speech(
    voice: EspeakSynthesizer,
) -> None:
    low, high = await voice.synthesize(LINE, 8000), await voice.synthesize(LINE, 24000)
    assert duration_ms(low, 8000) == pytest.approx(duration_ms(high, 24000), abs=60)


async def test_twenty_requests_at_once_do_not_mix(voice: EspeakSynthesizer) -> None:
    lines = [f"Number {n}." for n in range(20)]
    alone = [await voice.synthesize(line) for line in lines]
    together = await asyncio.gather(*map(voice.synthesize, lines))
    assert all(map(sounds_like, together, alone))
    assert not sounds_like(together[7], alone[17])


async def test_two_voices_share_the_library(voice: EspeakSynthesizer) -> None:
    other = EspeakSynthesizer(EspeakVoice(name="en-us+f3", words_per_minute=220))
    assert other.voice_key != voice.voice_key
    before = await voice.synthesize(LINE)
    assert not sounds_like(await other.synthesize(LINE), before)
    assert sounds_like(await voice.synthesize(LINE), before)


async def test_a_stream_that_is_dropped_stops_the_engine(voice: EspeakSynthesizer) -> None:
    long = "This sentence goes on and on. " * 40
    async with contextlib.aclosing(voice.stream(long, 8000)) as pieces:
        await anext(pieces)
    # Speaking the rest would take about half a second; the next line does not wait for it.
    assert await asyncio.wait_for(voice.synthesize("Yes."), 10)


async def test_it_says_nothing_for_a_text_without_words(voice: EspeakSynthesizer) -> None:
    assert await voice.synthesize(" … ") == b""


async def test_it_refuses_a_text_that_is_too_long(voice: EspeakSynthesizer) -> None:
    with pytest.raises(EngineError, match="split it"):
        await voice.synthesize("word " * LONGEST_TEXT)


async def test_markup_and_odd_characters_are_only_text(voice: EspeakSynthesizer) -> None:
    plain = await voice.synthesize("Stop here.")
    assert sounds_like(await voice.synthesize("<speak>Stop\x00 here.</speak>"), plain)


def test_an_unknown_voice_is_an_error_that_names_it() -> None:
    with pytest.raises(EngineError, match="no voice 'xx-nowhere'"):
        EspeakSynthesizer(EspeakVoice(name="xx-nowhere")).preload()
    with pytest.raises(ValueError, match="words_per_minute must be 80 to 450"):
        EspeakVoice(words_per_minute=900)


def test_it_is_a_speech_synthesizer(voice: EspeakSynthesizer) -> None:
    assert isinstance(voice, SpeechSynthesizer)


def test_a_pause_inside_a_clip_stays_and_its_ends_are_cut() -> None:
    tone = (8000 * np.sin(np.arange(1600))).astype(np.int16).tobytes()
    pause = bytes(3200)
    leveller = Leveller(0.0, 8000, tail_ms=20)
    out = leveller.feed(pause + tone + pause + tone + pause) + leveller.finish()
    assert duration_ms(out, 8000) == 5 + 200 + 200 + 200 + 20


async def test_the_service_speaks_between_its_started_and_stopped_frames() -> None:
    down, _ = await run_test(
        registry.create_tts("espeak"),
        frames_to_send=[TTSSpeakFrame("Hello there."), SleepFrame(sleep=0.3)],
        pipeline_params=PipelineParams(audio_in_sample_rate=8000, audio_out_sample_rate=8000),
    )
    kinds = [type(frame) for frame in down]
    audio = [frame for frame in down if isinstance(frame, TTSAudioRawFrame)]
    assert audio
    assert {frame.sample_rate for frame in audio} == {8000}
    assert kinds.index(TTSStartedFrame) < kinds.index(TTSAudioRawFrame)
    assert kinds.index(TTSStoppedFrame) > max(
        at for at, kind in enumerate(kinds) if kind is TTSAudioRawFrame
    )
