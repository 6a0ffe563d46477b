"""Shared Silero and Smart Turn."""

from __future__ import annotations

import asyncio
from pathlib import Path

import numpy as np
import pytest
from pipecat.audio.turn.base_turn_analyzer import EndOfTurnState
from pipecat.audio.vad.silero import SileroVADAnalyzer
from pipecat.audio.vad.vad_analyzer import VADState

from voice.audio import mulaw_decode
from voice.engines import vad
from voice.engines.silero import SileroDetector, Together

AUDIO = Path(__file__).parent / "audio"
SPEECH = mulaw_decode((AUDIO / "rms_i_am_not_interested.ulaw").read_bytes())


@pytest.fixture(scope="module", autouse=True)
def _loaded() -> None:
    vad.preload()
    vad.preload()


def new_vad() -> vad.SharedSileroVAD:
    analyzer = vad.SharedSileroVAD(sample_rate=8000)
    analyzer.set_sample_rate(8000)
    return analyzer


async def states(analyzer: SileroVADAnalyzer, audio: bytes) -> list[VADState]:
    return [await analyzer.analyze_audio(audio[at : at + 320]) for at in range(0, len(audio), 320)]


async def test_it_hears_speech_start_and_stop() -> None:
    heard = await states(new_vad(), SPEECH + bytes(16000))
    assert heard[0] is VADState.QUIET
    assert VADState.SPEAKING in heard
    assert heard[-1] is VADState.QUIET


async def test_it_decides_like_pipecats_own_analyzer() -> None:
    own = SileroVADAnalyzer(sample_rate=8000)
    own.set_sample_rate(8000)
    assert await states(new_vad(), SPEECH) == await states(own, SPEECH)


async def test_calls_share_the_model_and_nothing_else() -> None:
    alone = await states(new_vad(), SPEECH)
    quiet = bytes(len(SPEECH))
    together = await asyncio.gather(
        *(states(new_vad(), SPEECH if n % 2 else quiet) for n in range(8))
    )
    assert together[1::2] == [alone] * 4
    assert all(state is VADState.QUIET for heard in together[0::2] for state in heard)


async def test_the_end_of_one_call_does_not_deafen_the_others() -> None:
    ended, going_on = new_vad(), new_vad()
    await ended.cleanup()
    assert VADState.SPEAKING in await states(going_on, SPEECH)


async def test_smart_turn_tells_an_end_from_a_break() -> None:
    whole = await vad.turn_probability(SPEECH, 8000)
    broken = await vad.turn_probability(SPEECH[: len(SPEECH) // 2], 8000)
    assert 0 <= broken < whole <= 1


async def test_smart_turn_serves_pipecats_turn_strategy() -> None:
    analyzer = vad.SharedSmartTurn(sample_rate=8000)
    analyzer.set_sample_rate(8000)
    for at in range(0, len(SPEECH), 320):
        analyzer.append_audio(SPEECH[at : at + 320], is_speech=True)
    state, metrics = await analyzer.analyze_end_of_turn()
    assert state in EndOfTurnState
    assert metrics is not None
    await analyzer.cleanup()
    assert np.isfinite(await vad.turn_probability(b"", 8000))


async def test_calls_heard_together_are_each_heard_as_pipecat_hears_them() -> None:
    windows = [SPEECH[at : at + 512] for at in range(0, len(SPEECH) - 511, 512)]

    async def confidences(sound: list[bytes]) -> list[float]:
        detector = SileroDetector()
        return [await detector.confidence(window) for window in sound]

    alone = SileroVADAnalyzer(sample_rate=8000)
    alone.set_sample_rate(8000)
    expected = [float(np.asarray(alone.voice_confidence(window)).item()) for window in windows]
    backwards = windows[::-1]
    heard = await asyncio.gather(
        *(confidences(windows if number % 2 else backwards) for number in range(6))
    )
    for together in heard[1::2]:
        assert together == pytest.approx(expected, abs=1e-4)
    assert heard[0] == pytest.approx(heard[2], abs=1e-4)
    assert heard[0] != pytest.approx(expected, abs=1e-2)


async def test_a_model_that_fails_is_each_callers_failure_and_not_the_end() -> None:
    class Broken:
        failures = 1

        def run(self, names: object, inputs: object) -> object:
            if self.failures:
                self.failures -= 1
                raise RuntimeError("out of memory")
            return vad.silero_session().run(names, inputs)

    shared = Together(Broken())
    sound, state = np.zeros((1, 288), np.float32), np.zeros((2, 1, 128), np.float32)
    with pytest.raises(RuntimeError, match="out of memory"):
        await shared.run(sound, state)
    confidence, after = await shared.run(sound, state)
    assert confidence < 0.5
    assert after.shape == state.shape
