"""One utterance on its way through Whisper."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Final, Protocol

import numpy as np
import structlog
from numpy.typing import NDArray
from prometheus_client import Histogram

from voice.audio import StreamResampler
from voice.engines.interface import EngineBusyError, EngineError, Partial, Transcript
from voice.engines.voicing import PITCH_WINDOW_MS, voiced_ms
from voice.engines.whisper_agreement import StablePrefix, plain_words
from voice.engines.whisper_ending import Fading
from voice.engines.whisper_guard import NOTHING, Hypothesis, judge
from voice.engines.whisper_model import WHISPER_RATE, HearingModel
from voice.engines.whisper_queue import FairWorkers, Ticket

log = structlog.get_logger(__name__)

HEAR_EVERY_MS: Final = 300
FIRST_HEARING_MS: Final = 700
FINISH_TIMEOUT_S: Final = 5.0
ATTEMPTS: Final = 2

HEARING = Histogram(
    "voice_whisper_hearing_seconds",
    "Time Whisper takes to hear an utterance once.",
    ["kind"],
    buckets=(0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1.0, 2.0, 5.0),
)

_VOICE_WINDOW: Final = WHISPER_RATE * PITCH_WINDOW_MS // 1000 * 2


class Call(Protocol):
    """What an utterance needs of the call that it belongs to."""

    sample_rate: int
    longest_utterance_bytes: int
    workers: FairWorkers

    def __hash__(self) -> int:
        """Tell the call from others."""
        ...

    def model(self) -> HearingModel:
        """Return the one model. May block: not for the event loop."""
        ...

    def choose_language(self, voiced: int, detected: str, probability: float) -> str:
        """Return the language to write in."""
        ...


class _Sound:
    """The audio as Whisper takes it. Worker threads use it, one at a time."""

    def __init__(self, rate: int) -> None:
        self._resampler = StreamResampler(rate, WHISPER_RATE)
        self._taken = 0
        self._ended = False
        self._pcm = bytearray()
        self._voice_counted = 0
        self.voiced_ms = 0

    def take(self, audio: bytearray, *, ended: bool) -> int:
        """Convert what is new of the audio; return how many bytes of it are converted now."""
        piece = bytes(audio[self._taken :])
        if piece or (ended and not self._ended):
            self._pcm += self._resampler.feed(piece, last=ended)
            self._taken += len(piece)
            self._ended = ended
        whole = len(self._pcm) // _VOICE_WINDOW * _VOICE_WINDOW
        self.voiced_ms += voiced_ms(bytes(self._pcm[self._voice_counted : whole]), WHISPER_RATE)
        self._voice_counted = whole
        return self._taken

    def samples(self) -> NDArray[np.float32]:
        """Return all of it, from -1 to 1."""
        return np.frombuffer(bytes(self._pcm), np.int16).astype(np.float32) / 32768.0


@dataclass(frozen=True, slots=True)
class _Hearing:
    """What was made of the utterance's first `heard` bytes."""

    heard: int
    final: bool
    hypothesis: Hypothesis
    voiced_ms: int


class WhisperUtterance:
    """One utterance. Lives on the event loop, but for `_work`, which a worker thread runs."""

    def __init__(self, call: Call, on_partial: Callable[[Partial], None] | None) -> None:
        self._call = call
        self._on_partial = on_partial
        self._partial = Partial("", 0)
        self._loop = asyncio.get_running_loop()
        self._audio = bytearray()
        self._sound = _Sound(call.sample_rate)
        self._fading = Fading(call.sample_rate)
        self._stable = StablePrefix()
        self._ticket: Ticket | None = None
        self._latest = _Hearing(0, False, NOTHING, 0)
        self._failures = 0
        self._ended = self._done = False
        self._final: asyncio.Future[Transcript] = self._loop.create_future()

    @property
    def partial(self) -> Partial:
        """What has been understood up to now."""
        return self._partial

    def feed(self, pcm: bytes) -> None:
        """Add audio; what exceeds `LONGEST_UTTERANCE_MS` is dropped.

        Raises:
            ValueError: `pcm` is not a whole number of 16-bit samples.
        """
        if len(pcm) % 2:
            raise ValueError(f"PCM16 audio has an even number of bytes, got {len(pcm)}")
        room = self._call.longest_utterance_bytes - len(self._audio)
        if self._ended or self._done or room <= 0:
            return
        pcm = pcm[:room]
        self._audio += pcm
        self._fading.feed(pcm)
        if self._is_worth_hearing():
            self._request(urgent=self._fading.is_quiet)
        elif self._fading.is_quiet and self._ticket is not None:
            self._call.workers.hurry(self._ticket)

    async def finish(self) -> Transcript:
        """Return the final transcript.

        Raises:
            EngineBusyError: Too many utterances wait already.
            EngineError: The model failed twice, or did not answer in `FINISH_TIMEOUT_S`.
        """
        if not self._ended and not self._done:
            self._ended = True
            self._conclude()
        try:
            async with asyncio.timeout(FINISH_TIMEOUT_S):
                return await asyncio.shield(self._final)
        except TimeoutError:
            if self._ticket is not None and not self._ticket.started:
                raise EngineBusyError("Whisper had no time for an utterance") from None
            raise EngineError("Whisper did not answer in time", retryable=True) from None
        finally:
            self.cancel()

    def cancel(self) -> None:
        """Forget the utterance; a hearing that has begun runs out unheeded."""
        self._done = True
        self._final.cancel()
        if self._ticket is not None:
            self._call.workers.withdraw(self._ticket)
            self._ticket = None

    def _ms(self, size: int) -> int:
        return size * 500 // self._call.sample_rate

    @property
    def _is_settled(self) -> bool:
        """Whether all the sound there is has been heard with care."""
        return self._latest.final and self._latest.heard >= self._fading.sound_end

    def _is_worth_hearing(self) -> bool:
        if self._ticket is not None or not self._fading.sound_end or self._is_settled:
            return False
        if self._fading.is_quiet:
            return True
        since_ms = self._ms(len(self._audio) - self._latest.heard)
        return since_ms >= (HEAR_EVERY_MS if self._latest.heard else FIRST_HEARING_MS)

    def _request(self, *, urgent: bool) -> None:
        """Ask for a hearing; it takes the audio there is when its turn comes."""
        try:
            self._ticket = self._call.workers.submit(self._call, self._work, urgent=urgent)
        except EngineBusyError as error:
            # Before the end, there is another chance with the next audio.
            if self._ended:
                self._fail(error)

    def _conclude(self) -> None:
        """Give the final transcript, or have the rest heard for it."""
        if self._is_settled or not self._fading.sound_end:
            self._settle()
        elif self._ticket is None:
            self._request(urgent=True)
        else:
            self._call.workers.hurry(self._ticket)

    def _settle(self) -> None:
        self._done = True
        transcript = self._transcript(self._latest)
        self._partial = Partial(transcript.text, transcript.audio_ms)
        if not self._final.done():
            self._final.set_result(transcript)

    def _transcript(self, hearing: _Hearing) -> Transcript:
        audio_ms = self._ms(len(self._audio))
        return judge(hearing.hypothesis, audio_ms=audio_ms, voiced_ms=hearing.voiced_ms)

    def _work(self) -> None:
        """Hear what there is, on a worker thread."""
        heard: _Hearing | EngineError
        try:
            heard = self._hear()
        except EngineError as error:
            heard = error
        except Exception as error:  # the call must be told, whatever it is
            heard = EngineError(f"Whisper failed: {type(error).__name__}", retryable=True)
        try:
            self._loop.call_soon_threadsafe(self._heard, heard)
        except RuntimeError:  # the call's event loop is gone
            log.debug("whisper_heard_for_nobody")

    def _hear(self) -> _Hearing:
        ended = self._ended  # before the audio is taken: there is none after it
        final = ended or self._fading.is_quiet
        size = self._sound.take(self._audio, ended=ended)
        voiced = self._sound.voiced_ms
        if not voiced:
            # Nobody spoke: it would only be made up.
            return _Hearing(size, final, NOTHING, 0)
        choose = partial(self._call.choose_language, voiced)
        model = self._call.model()
        with HEARING.labels("final" if final else "partial").time():
            hypothesis = model.decode(self._sound.samples(), final=final, choose_language=choose)
        return _Hearing(size, final, hypothesis, voiced)

    def _heard(self, heard: _Hearing | EngineError) -> None:
        self._ticket = None
        if self._done:
            return
        if isinstance(heard, EngineError):
            self._failures += 1
            log.warning("whisper_failed", attempt=self._failures, error=str(heard))
            if self._failures >= ATTEMPTS:
                self._fail(heard)
                return
        else:
            self._failures = 0
            before, self._latest = self._latest, heard
            self._publish(heard, before)
        if self._ended:
            self._conclude()
        elif self._is_worth_hearing():
            # The call waits at this point of its speech: if it is over, this was it.
            self._request(urgent=self._fading.is_quiet)

    def _publish(self, heard: _Hearing, before: _Hearing) -> None:
        transcript = self._transcript(heard)
        if transcript.rejected:
            return
        stable = self._stable.add(plain_words(heard.hypothesis.text))
        # All that was said has been heard: there is nothing that could still change it.
        text = transcript.text if self._is_settled else " ".join(stable)
        # Until then, they are words of the sound that both hearings had: what came after may have
        # more of them.
        covered_ms = self._ms((heard if self._is_settled else before).heard)
        covers_all = self._is_settled and covered_ms > self._partial.audio_ms
        if text and (text != self._partial.text or covers_all):
            self._partial = Partial(text, covered_ms)
            if self._on_partial is not None:
                self._on_partial(self._partial)

    def _fail(self, error: EngineError) -> None:
        self._done = True
        if not self._final.done():
            self._final.set_exception(error)
            self._final.exception()  # seen, even if nobody waits for the result
