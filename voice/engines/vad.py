"""Silero voice activity and Smart Turn, with one model per process for all calls.

Pipecat's analyzers load their ONNX model in the constructor, on the event loop: ten calls that
start together stall it for 0.7 s. Here `preload` loads each model once, before readiness; an
analyzer of a call holds only that call's state. onnxruntime sessions may be run from several
threads at once, and each is limited to one thread of its own, so that calls do not starve each
other. No inference runs on the event loop.
"""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from importlib import resources
from typing import Any, Final

import numpy as np
import onnxruntime as ort
import soxr
from pipecat.audio.turn.smart_turn.base_smart_turn import BaseSmartTurn, SmartTurnParams
from pipecat.audio.turn.smart_turn.local_smart_turn_v3 import LocalSmartTurnAnalyzerV3
from pipecat.audio.vad.silero import SileroOnnxModel, SileroVADAnalyzer
from pipecat.audio.vad.vad_analyzer import VADAnalyzer, VADParams, VADState

from voice.audio import whole_samples

SMART_TURN_RATE: Final = 16000
SMART_TURN_SECONDS: Final = 8

_load_lock = threading.Lock()


def _load_session(package: str, model: str) -> ort.InferenceSession:
    options = ort.SessionOptions()
    options.inter_op_num_threads = 1
    options.intra_op_num_threads = 1
    with resources.as_file(resources.files(package).joinpath(model)) as path:
        return ort.InferenceSession(
            str(path), sess_options=options, providers=["CPUExecutionProvider"]
        )


@cache
def silero_session() -> ort.InferenceSession:
    """Return the process's one Silero model."""
    return _load_session("pipecat.audio.vad.data", "silero_vad.onnx")


@cache
def _smart_turn_session() -> ort.InferenceSession:
    return _load_session("pipecat.audio.turn.smart_turn.data", "smart-turn-v3.2-cpu.onnx")


@cache
def _vad_threads() -> ThreadPoolExecutor:
    """A window takes 0.1 ms: one thread keeps up with a hundred calls."""
    return ThreadPoolExecutor(1, thread_name_prefix="vad")


@cache
def _turn_threads() -> ThreadPoolExecutor:
    """An inference takes 35 ms; two at a time leave half of two cores to the audio."""
    return ThreadPoolExecutor(2, thread_name_prefix="smart-turn")


def preload() -> None:
    """Load both models and run each once. Blocks for about half a second; does nothing twice."""
    with _load_lock:
        for build in (silero_session, _smart_turn_session, _vad_threads, _turn_threads):
            build()
        vad = SharedSileroVAD(sample_rate=8000)
        vad.set_sample_rate(8000)
        vad.voice_confidence(bytes(512))
        turn = SharedSmartTurn(sample_rate=8000)
        turn.set_sample_rate(8000)
        turn.predict(bytes(16000))


class SharedSileroVAD(SileroVADAnalyzer):
    """Silero on the process's one session; the recurrent state is this call's own.

    Args:
        sample_rate: 8 000 or 16 000 Hz; by default the pipeline's.
        params: When speech starts and stops. `stop_secs` is the least silence before a turn can
            end.
    """

    def __init__(self, *, sample_rate: int | None = None, params: VADParams | None = None) -> None:
        VADAnalyzer.__init__(self, sample_rate=sample_rate, params=params)
        self._executor.shutdown(wait=False)  # has not started a thread yet
        model = SileroOnnxModel.__new__(SileroOnnxModel)
        model.session = silero_session()
        model.reset_states()  # type: ignore[no-untyped-call]  # Pipecat's own
        model.sample_rates = [8000, 16000]
        self._model = model
        self._windows_since_reset = 0
        self._low_confidence_windows = 0

    async def analyze_audio(self, buffer: bytes) -> VADState:
        """Return the state of speech after this audio.

        Audio that does not complete a window of 32 ms is only kept.
        """
        if len(self._vad_buffer) + len(buffer) < self._vad_frames_num_bytes:
            self._vad_buffer += buffer
            return self._vad_state
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(_vad_threads(), self._run_analyzer, buffer)

    async def cleanup(self) -> None:
        """Nothing to release: model and thread are the process's."""


class SharedSmartTurn(LocalSmartTurnAnalyzerV3):
    """Smart Turn v3.2 on the process's one session; the audio buffer is this call's own."""

    def __init__(
        self, *, sample_rate: int | None = None, params: SmartTurnParams | None = None
    ) -> None:
        BaseSmartTurn.__init__(self, sample_rate=sample_rate, params=params)
        self._log_data = False
        self._session = _smart_turn_session()

    @property
    def _model_executor(self) -> ThreadPoolExecutor:
        return _turn_threads()

    async def cleanup(self) -> None:
        """Nothing to release: model and threads are the process's."""

    def predict(self, pcm: bytes) -> float:
        """Return the probability that the speaker has finished, from the audio of the turn.

        Takes about 35 ms: call it through `turn_probability` on the event loop.
        """
        return turn_probability_blocking(pcm, self.sample_rate or SMART_TURN_RATE)


def turn_probability_blocking(pcm: bytes, sample_rate: int) -> float:
    """Return Smart Turn's probability that a turn is complete; see `turn_probability`."""
    analyzer = LocalSmartTurnAnalyzerV3.__new__(SharedSmartTurn)
    BaseSmartTurn.__init__(analyzer, sample_rate=SMART_TURN_RATE)
    analyzer.set_sample_rate(SMART_TURN_RATE)
    analyzer._log_data = False
    analyzer._session = _smart_turn_session()
    recent = whole_samples(pcm)[-sample_rate * SMART_TURN_SECONDS :]
    samples = recent.astype(np.float32) / 32768.0
    if sample_rate != SMART_TURN_RATE:
        samples = soxr.resample(samples, sample_rate, SMART_TURN_RATE, quality="HQ")
    result: dict[str, Any] = analyzer._predict_endpoint(samples)
    return float(result["probability"])


async def turn_probability(pcm: bytes, sample_rate: int) -> float:
    """Return the probability that the speaker has finished, without stalling the event loop.

    Args:
        pcm: PCM16 audio of the turn so far, ending now; the last 8 s count.
        sample_rate: Hz.
    """
    loop = asyncio.get_running_loop()
    return await loop.run_in_executor(_turn_threads(), turn_probability_blocking, pcm, sample_rate)
