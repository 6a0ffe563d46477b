"""Whisper on this machine, in a streaming manner, one model for all calls of the process.

Whisper hears whole pieces of audio, not streams. So the growing utterance is heard again and
again, as fast as the workers allow but for each call at most once at a time; what two hearings
agree on is the partial text. When the sound dies down, the utterance is heard as if it were over:
if it is, its final transcript is there already.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Final

import numpy as np
import structlog

from voice.audio import StreamResampler, duration_ms
from voice.engines.interface import EngineBusyError, EngineError, Partial, Transcript
from voice.engines.voicing import PITCH_WINDOW_MS, voiced_ms
from voice.engines.whisper_agreement import StablePrefix, plain_words
from voice.engines.whisper_ending import Fading
from voice.engines.whisper_guard import LANGUAGE_NEEDS_MS, NOTHING, Hypothesis, judge
from voice.engines.whisper_model import WHISPER_RATE, LoadedWhisper, WhisperChoice
from voice.engines.whisper_queue import FairWorkers, Ticket

log = structlog.get_logger(__name__)

LONGEST_UTTERANCE_MS: Final = 28_000
"""Whisper hears 30 s at once."""
HEAR_EVERY_MS: Final = 300
FIRST_HEARING_MS: Final = 700
FINISH_TIMEOUT_S: Final = 5.0
ATTEMPTS: Final = 2
LONGEST_QUEUE: Final = 64
SURE_OF_LANGUAGE: Final = 0.8

_VOICE_WINDOW: Final = WHISPER_RATE * PITCH_WINDOW_MS // 1000 * 2


def _bytes(ms: int) -> int:
    return WHISPER_RATE * ms // 1000 * 2


@dataclass(frozen=True, slots=True)
class _Hearing:
    """What was made of the utterance's first `heard` bytes."""

    heard: int
    final: bool
    hypothesis: Hypothesis
    voiced_ms: int


class WhisperUtterance:
    """One utterance. Lives on the event loop, but for `_work`, which a worker thread runs."""

    def __init__(
        self, session: WhisperSession, on_partial: Callable[[Partial], None] | None
    ) -> None:
        self._session = session
        self._engine = session.engine
        self._on_partial = on_partial
        self._partial = Partial("", 0)
        self._loop = asyncio.get_running_loop()
        self._resampler = StreamResampler(session.sample_rate, WHISPER_RATE)
        self._pcm = bytearray()
        self._fed = 0
        self._fading = Fading(WHISPER_RATE)
        self._stable = StablePrefix()
        self._ticket: Ticket | None = None
        self._latest = _Hearing(0, False, NOTHING, 0)
        self._voice_counted, self._voiced_ms = 0, 0
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
        room = self._session.longest_utterance_bytes - self._fed
        if self._ended or self._done or room <= 0:
            return
        pcm = pcm[:room]
        self._fed += len(pcm)
        self._keep(self._resampler.feed(pcm))
        if self._is_worth_hearing():
            self._request(urgent=False)

    async def finish(self) -> Transcript:
        """Return the final transcript.

        Raises:
            EngineBusyError: Too many utterances wait already.
            EngineError: The model failed twice, or did not answer in `FINISH_TIMEOUT_S`.
        """
        if not self._ended and not self._done:
            self._ended = True
            self._keep(self._resampler.feed(b"", last=True))
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
            self._engine.workers.withdraw(self._ticket)
            self._ticket = None

    def _keep(self, pcm: bytes) -> None:
        self._pcm += pcm
        self._fading.feed(pcm)

    @property
    def _is_settled(self) -> bool:
        """Whether all the sound there is has been heard with care."""
        return self._latest.final and self._latest.heard >= self._fading.sound_end

    def _is_worth_hearing(self) -> bool:
        if self._ticket is not None or not self._fading.sound_end or self._is_settled:
            return False
        if self._fading.is_quiet:
            return True
        since = len(self._pcm) - self._latest.heard
        least = HEAR_EVERY_MS if self._latest.heard else FIRST_HEARING_MS
        return since >= _bytes(least)

    def _request(self, *, urgent: bool) -> None:
        """Ask for a hearing; it takes the audio there is when its turn comes."""
        try:
            self._ticket = self._engine.workers.submit(self._session, self._work, urgent=urgent)
        except EngineBusyError as error:
            if urgent:
                self._fail(error)

    def _conclude(self) -> None:
        """Give the final transcript, or have the rest heard for it."""
        if self._is_settled or not self._fading.sound_end:
            self._settle()
        elif self._ticket is None:
            self._request(urgent=True)
        else:
            self._engine.workers.hurry(self._ticket)

    def _settle(self) -> None:
        self._done = True
        transcript = self._transcript(self._latest)
        self._partial = Partial(transcript.text, transcript.audio_ms)
        if not self._final.done():
            self._final.set_result(transcript)

    def _transcript(self, hearing: _Hearing) -> Transcript:
        audio_ms = duration_ms(self._pcm, WHISPER_RATE)
        return judge(hearing.hypothesis, audio_ms=audio_ms, voiced_ms=hearing.voiced_ms)

    def _work(self) -> None:
        """Hear what there is, on a worker thread."""
        final = self._ended or self._fading.is_quiet
        pcm = bytes(self._pcm)
        try:
            heard: _Hearing | EngineError = self._hear(pcm, final)
        except EngineError as error:
            heard = error
        try:
            self._loop.call_soon_threadsafe(self._heard, heard)
        except RuntimeError:  # the call's event loop is gone
            log.debug("whisper_heard_for_nobody")

    def _hear(self, pcm: bytes, final: bool) -> _Hearing:
        whole = len(pcm) // _VOICE_WINDOW * _VOICE_WINDOW
        self._voiced_ms += voiced_ms(pcm[self._voice_counted : whole], WHISPER_RATE)
        self._voice_counted = whole
        voiced = self._voiced_ms
        if not voiced:
            # Nobody spoke: it would only be made up.
            return _Hearing(len(pcm), final, NOTHING, 0)
        samples = np.frombuffer(pcm, np.int16).astype(np.float32) / 32768.0
        choose = partial(self._session.choose_language, voiced)
        hypothesis = self._engine.model().decode(samples, final=final, choose_language=choose)
        return _Hearing(len(pcm), final, hypothesis, voiced)

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
            self._latest = heard
            self._publish(heard)
        if self._ended:
            self._conclude()
        elif self._is_worth_hearing():
            # The call waits at this point of its speech: if it is over, this was it.
            self._request(urgent=self._fading.is_quiet)

    def _publish(self, heard: _Hearing) -> None:
        transcript = self._transcript(heard)
        stable = self._stable.add(plain_words(heard.hypothesis.text))
        if transcript.rejected:
            return
        # All that was said has been heard: there is nothing that could still change it.
        text = transcript.text if self._is_settled else " ".join(stable)
        if text and text != self._partial.text:
            self._partial = Partial(text, duration_ms(self._pcm[: heard.heard], WHISPER_RATE))
            if self._on_partial is not None:
                self._on_partial(self._partial)

    def _fail(self, error: EngineError) -> None:
        self._done = True
        if not self._final.done():
            self._final.set_exception(error)
            self._final.exception()  # seen, even if nobody waits for the result


class WhisperSession:
    """One call. The language, once sure, carries over to its later utterances."""

    longest_utterance_ms = LONGEST_UTTERANCE_MS

    def __init__(self, engine: WhisperRecognizer, sample_rate: int) -> None:
        self.engine = engine
        self.sample_rate = sample_rate
        self.longest_utterance_bytes = LONGEST_UTTERANCE_MS * sample_rate // 1000 * 2
        self._language = engine.languages[0]

    def begin(self, on_partial: Callable[[Partial], None] | None = None) -> WhisperUtterance:
        """Start an utterance."""
        return WhisperUtterance(self, on_partial)

    def choose_language(self, voiced: int, detected: str, probability: float) -> str:
        """Return the language to write an utterance in.

        A short "no" sounds like many languages: only enough voice and a sure verdict leave those
        that the engine expects.
        """
        sure = probability >= SURE_OF_LANGUAGE and voiced >= LANGUAGE_NEEDS_MS
        if sure:
            self._language = detected
        return detected if detected in self.engine.languages else self._language


class WhisperRecognizer:
    """The engine of a process; its sessions are the calls' ears.

    Args:
        choice: Which model, on what; that of the settings by default.
        languages: ISO 639-1 codes of what callers are expected to speak, the commonest first.
        workers: Hearings at once: 1 on the processor, 2 keep a GPU busy.
        longest_queue: Hearings that may wait; beyond it partial ones are left out.
    """

    name = "whisper"
    final_latency_s = 1.0

    def __init__(
        self,
        choice: WhisperChoice | None = None,
        *,
        languages: tuple[str, ...] = ("en",),
        workers: int = 1,
        longest_queue: int = LONGEST_QUEUE,
    ) -> None:
        if not languages:
            raise ValueError("languages must name at least one")
        self.languages = languages
        self.workers = FairWorkers(workers, longest=longest_queue, name="whisper")
        self._choice = choice or choice_of_settings()
        self._worker_count = workers
        self._model: LoadedWhisper | None = None
        self._loading = threading.Lock()

    def model(self) -> LoadedWhisper:
        """Return the one model, loading it the first time. Blocks then.

        Raises:
            EngineError: It has not been fetched, or the machine cannot run it so.
        """
        with self._loading:
            if self._model is None:
                self._model = LoadedWhisper(self._choice, workers=self._worker_count)
                log.info(
                    "whisper_loaded",
                    model=self._choice.model,
                    device=self._model.device,
                    compute_type=self._model.compute_type,
                )
            return self._model

    def preload(self) -> None:
        """Load the model and hear a second of nothing. Blocks; does nothing twice.

        Raises:
            EngineError: See `model`.
        """
        silence = np.zeros(WHISPER_RATE, np.float32)
        self.model().decode(silence, final=True, choose_language=lambda *_: self.languages[0])

    def session(self, sample_rate: int) -> WhisperSession:
        """Return the recognition state of a new call.

        Raises:
            ValueError: `sample_rate` is not between 8 000 and 48 000 Hz.
        """
        if not 8000 <= sample_rate <= 48000:
            raise ValueError(f"sample_rate must be 8000 to 48000 Hz, got {sample_rate}")
        return WhisperSession(self, sample_rate)

    def close(self) -> None:
        """End the workers and free the model. Blocks until the hearing under way is over."""
        self.workers.close()
        self._model = None


def choice_of_settings() -> WhisperChoice:
    """Return the Whisper that the environment names."""
    from django.conf import settings

    from voice.engines.whisper_model import DEFAULT_MODEL

    env = settings.ENV
    return WhisperChoice(
        model=env.whisper_model or DEFAULT_MODEL,
        folder=env.data_dir / "models" / "whisper",
        device=env.whisper_device,
        compute_type=env.whisper_compute_type,
    )
