"""Hear when the caller speaks: voice activity, the end of the voice, how finished it sounds."""

from __future__ import annotations

import asyncio
from typing import Protocol

import numpy as np
import structlog
from pipecat.frames.frames import CancelFrame, EndFrame, Frame, InputAudioRawFrame
from pipecat.processors.frame_processor import FrameDirection, FrameProcessor

from voice.audio import TELEPHONE_RATE
from voice.engines.vad import turn_probability
from voice.frames import TurnVerdict, VoiceFading, VoiceGoesOn, VoicePaused, VoiceStarted

logger = structlog.get_logger(__name__)

WINDOW = 256
"""Samples the detector looks at in one go: 32 ms at 8 kHz (Silero VAD)."""
WINDOW_MS = WINDOW * 1000 / TELEPHONE_RATE
BLOCK = 64
"""Samples over which loudness is measured: 8 ms, the precision of the end of the voice."""
BLOCK_MS = BLOCK * 1000 / TELEPHONE_RATE

ONSET_CONFIDENCE = 0.6
ONSET_WINDOWS = 2
OFFSET_CONFIDENCE = 0.4
PAUSE_MS = 130.0
"""Silence after which the turn may be over: longer than the stop inside a word."""
FADE_MS = 64.0
"""Silence after which it is worth thinking of an answer, unheard."""
JUDGE_EVERY_MS = 400.0
"""Least time between two looks at how finished the turn sounds: one costs 35 ms of a core."""
LEAST_LEVEL_DBFS = -52.0
ABOVE_NOISE_DB = 8.0
BELOW_PEAK_DB = 30.0

TURN_GAP_MS = 1500.0
"""After so much silence, what was said before tells nothing about the end of what comes."""
MEMORY_BYTES = 8 * TELEPHONE_RATE * 2
"""Eight seconds, what Smart Turn looks at."""
PRE_SPEECH_BYTES = TELEPHONE_RATE  # 500 ms


class VoiceDetector(Protocol):
    """One call's voice activity detector."""

    async def confidence(self, pcm: bytes) -> float:
        """Return how surely a 32 ms window holds a voice, 0-1."""


class TurnModel(Protocol):
    """Judges from the sound whether a turn is finished. Shared by calls."""

    async def probability(self, pcm: bytes, sample_rate: int) -> float:
        """Return how finished the turn sounds, 0-1."""


class Ears(FrameProcessor):
    """Puts the caller's voice into words of time: started, goes on, paused, sounds finished."""

    def __init__(self, detector: VoiceDetector, turn_model: TurnModel | None) -> None:
        # Straight from the transport: a queue and a task per processor cost more than they do.
        super().__init__(enable_direct_mode=True)
        self._detector = detector
        self._turn_model = turn_model
        self._pending = b""
        self._pending_ms = 0.0
        self._heard_ms = 0.0
        self._speaking = False
        self._onset: list[float] = []
        self._started_ms = 0.0
        self._last_voiced_ms = 0.0
        self._last_confident_ms = 0.0
        self._noise_db = -70.0
        self._peak_db = -90.0
        self._memory = bytearray()
        self._faded = False
        self._judged_ms = -JUDGE_EVERY_MS
        self._judged_of_ms = -1.0
        self._judging: asyncio.Task[None] | None = None

    @property
    def heard_ms(self) -> float:
        """How far it has listened; ms of the stream."""
        return self._heard_ms

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        """Listen to sound; pass everything on."""
        await super().process_frame(frame, direction)
        # The sound goes first: who hears that the voice has paused has heard the voice.
        await self.push_frame(frame, direction)
        if isinstance(frame, InputAudioRawFrame) and direction is FrameDirection.DOWNSTREAM:
            await self._listen(frame)
        elif isinstance(frame, EndFrame | CancelFrame):
            await self._stop_judging()

    async def cleanup(self) -> None:
        """Forget what is being judged."""
        await self._stop_judging()
        await super().cleanup()  # type: ignore[no-untyped-call]  # pipecat

    async def _listen(self, frame: InputAudioRawFrame) -> None:
        at_ms = (frame.pts or 0) / 1_000_000
        length_ms = len(self._pending) * 500 / TELEPHONE_RATE
        self._pending_ms = at_ms - length_ms
        self._pending += frame.audio
        self._heard_ms = at_ms + len(frame.audio) * 500 / TELEPHONE_RATE
        self._memory += frame.audio
        del self._memory[:-MEMORY_BYTES]
        while len(self._pending) >= WINDOW * 2:
            window, self._pending = self._pending[: WINDOW * 2], self._pending[WINDOW * 2 :]
            await self._window(window, self._pending_ms)
            self._pending_ms += WINDOW_MS

    async def _window(self, pcm: bytes, at_ms: float) -> None:
        confidence = await self._detector.confidence(pcm)
        levels = block_levels(pcm)
        loudest = float(levels.max())
        if self._speaking:
            await self._while_speaking(confidence, levels, at_ms)
            return
        loud = loudest > max(LEAST_LEVEL_DBFS, self._noise_db + ABOVE_NOISE_DB)
        if confidence >= ONSET_CONFIDENCE and loud:
            self._onset.append(at_ms)
            self._peak_db = max(self._peak_db, loudest)
            if len(self._onset) >= ONSET_WINDOWS:
                await self._voice_started(levels, at_ms)
            return
        self._onset.clear()
        self._peak_db = -90.0
        # Slowly up, quickly down: a floor, not an average.
        mean = float(levels.mean())
        self._noise_db += (mean - self._noise_db) * (0.3 if mean < self._noise_db else 0.03)

    async def _voice_started(self, levels: np.ndarray, at_ms: float) -> None:
        self._speaking = True
        self._started_ms = self._onset[0]
        self._onset.clear()
        if self._started_ms - self._last_voiced_ms > TURN_GAP_MS:
            del self._memory[:-PRE_SPEECH_BYTES]
        await self._stop_judging()
        self._last_voiced_ms = self._last_confident_ms = at_ms + WINDOW_MS
        self._note_voice(levels, at_ms)
        await self.push_frame(
            VoiceStarted(
                start_secs=ONSET_WINDOWS * WINDOW_MS / 1000,
                at_ms=self._started_ms,
                heard_ms=self._heard_ms,
            )
        )

    async def _while_speaking(self, confidence: float, levels: np.ndarray, at_ms: float) -> None:
        end_ms = at_ms + WINDOW_MS
        if confidence >= OFFSET_CONFIDENCE:
            self._last_confident_ms = end_ms
            self._note_voice(levels, at_ms)
            await self.push_frame(VoiceGoesOn(lasted_ms=end_ms - self._started_ms))
        quiet_ms = end_ms - self._last_voiced_ms
        if quiet_ms >= FADE_MS and not self._faded:
            self._faded = True
            await self.push_frame(VoiceFading(last_voiced_ms=self._last_voiced_ms))
            if end_ms - self._judged_ms >= JUDGE_EVERY_MS:
                await self._start_judging(end_ms)
        unvoiced_ms = end_ms - self._last_confident_ms
        if unvoiced_ms >= PAUSE_MS or (quiet_ms >= PAUSE_MS and unvoiced_ms > 0):
            await self._voice_paused()

    def _note_voice(self, levels: np.ndarray, at_ms: float) -> None:
        self._peak_db = max(self._peak_db * 0.999, float(levels.max()))
        floor = max(self._peak_db - BELOW_PEAK_DB, self._noise_db + ABOVE_NOISE_DB / 2)
        voiced = np.flatnonzero(levels > floor)
        if voiced.size:
            self._faded = False
            self._last_voiced_ms = at_ms + (int(voiced[-1]) + 1) * BLOCK_MS

    async def _voice_paused(self) -> None:
        self._speaking = False
        self._peak_db = -90.0
        last_ms = self._last_voiced_ms
        await self.push_frame(
            VoicePaused(
                stop_secs=PAUSE_MS / 1000,
                last_voiced_ms=last_ms,
                voiced_ms=last_ms - self._started_ms,
                heard_ms=self._heard_ms,
            )
        )
        if self._judged_of_ms != last_ms:
            await self._start_judging(last_ms + PAUSE_MS)

    async def _start_judging(self, now_ms: float) -> None:
        await self._stop_judging()
        self._judged_ms, self._judged_of_ms = now_ms, self._last_voiced_ms
        if self._turn_model is not None:
            judging = self._judge(bytes(self._memory), self._last_voiced_ms, self._turn_model)
            self._judging = self.create_task(judging, name="turn-model")

    async def _judge(self, pcm: bytes, last_ms: float, model: TurnModel) -> None:
        try:
            probability = await model.probability(pcm, TELEPHONE_RATE)
        except Exception as error:
            # The words alone decide then.
            logger.warning("turn_model_failed", error=type(error).__name__)
            return
        await self.push_frame(TurnVerdict(last_voiced_ms=last_ms, probability=probability))

    async def _stop_judging(self) -> None:
        if self._judging is not None:
            judging, self._judging = self._judging, None
            if not judging.done():
                await self.cancel_task(judging)


def block_levels(pcm: bytes) -> np.ndarray:
    """Return the level of every 8 ms of PCM16 sound, in dB below full scale."""
    samples = np.frombuffer(pcm, dtype=np.int16).astype(np.float32) / 32768.0
    power = np.square(samples).reshape(-1, BLOCK).mean(axis=1)
    return np.asarray(10.0 * np.log10(power + 1e-9))


class SmartTurn:
    """Smart Turn v3: the process's model, on threads of its own."""

    async def probability(self, pcm: bytes, sample_rate: int) -> float:
        """Return how finished the turn sounds, 0-1."""
        return await turn_probability(pcm, sample_rate)
