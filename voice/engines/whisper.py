"""Whisper on this machine, in a streaming manner, one model for all calls of the process.

Whisper hears whole pieces of audio, not streams. So the growing utterance is heard again and
again, as fast as the workers allow but for each call at most once at a time; what two hearings
agree on is the partial text. When the sound dies down, the utterance is heard as if it were over:
if it is, its final transcript is there already.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Final

import numpy as np
import structlog
from django.conf import settings
from prometheus_client import Gauge

from voice.engines.interface import EngineError, Partial
from voice.engines.whisper_guard import LANGUAGE_NEEDS_MS
from voice.engines.whisper_model import (
    DEFAULT_MODEL,
    WHISPER_RATE,
    HearingModel,
    LoadedWhisper,
    WhisperChoice,
)
from voice.engines.whisper_queue import FairWorkers
from voice.engines.whisper_utterance import WhisperUtterance

log = structlog.get_logger(__name__)

WAITING = Gauge("voice_whisper_waiting", "Utterances that wait for Whisper.")

LONGEST_UTTERANCE_MS: Final = 28_000
"""Whisper hears 30 s at once."""
LONGEST_QUEUE: Final = 64
SURE_OF_LANGUAGE: Final = 0.8


class WhisperSession:
    """One call. The language, once sure, carries over to its later utterances."""

    longest_utterance_ms = LONGEST_UTTERANCE_MS

    def __init__(
        self, engine: WhisperRecognizer, sample_rate: int, languages: tuple[str, ...]
    ) -> None:
        self.workers = engine.workers
        self.model = engine.model
        self.sample_rate = sample_rate
        self.longest_utterance_bytes = LONGEST_UTTERANCE_MS * sample_rate // 1000 * 2
        self._expected = languages
        self._language = languages[0]

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
        return detected if detected in self._expected else self._language


class WhisperRecognizer:
    """The engine of a process; its sessions are the calls' ears.

    Args:
        choice: Which model, on what; that of the settings by default.
        languages: ISO 639-1 codes of what callers are expected to speak, the commonest first.
        workers: Hearings at once: 1 on the processor, 2 keep a GPU busy.
        load: Makes the model, if it is not to be loaded in this process.
        name: The engine's name in settings.
        must_answer: Whether `preload` fails with the model; one elsewhere may come later.
        longest_queue: Hearings that may wait; beyond it partial ones are left out.
    """

    final_latency_s = 1.0

    def __init__(
        self,
        choice: WhisperChoice | None = None,
        *,
        languages: tuple[str, ...] = ("en",),
        workers: int = 1,
        longest_queue: int = LONGEST_QUEUE,
        load: Callable[[], HearingModel] | None = None,
        name: str = "whisper",
        must_answer: bool = True,
    ) -> None:
        if not languages:
            raise ValueError("languages must name at least one")
        self.name = name
        self.languages = languages
        self.workers = FairWorkers(workers, longest=longest_queue, name="whisper")
        self._must_answer = must_answer
        chosen = choice or choice_of_settings()
        self._load = load or (lambda: LoadedWhisper(chosen, workers=workers))
        self._model: HearingModel | None = None
        self._loading = threading.Lock()
        WAITING.set_function(lambda: self.workers.waiting)

    def model(self) -> HearingModel:
        """Return the one model, loading it the first time. Blocks then.

        Raises:
            EngineError: It has not been fetched, or the machine cannot run it so.
        """
        with self._loading:
            if self._model is None:
                self._model = self._load()
                log.info(
                    "whisper_loaded",
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
        try:
            self.model().decode(silence, final=True, choose_language=lambda *_: self.languages[0])
        except EngineError as error:
            if self._must_answer or not error.retryable:
                raise
            log.warning("whisper_not_there_yet", engine=self.name, error=str(error))

    def session(self, sample_rate: int, languages: tuple[str, ...] = ()) -> WhisperSession:
        """Return the recognition state of a new call. See `SpeechRecognizer.session`.

        Raises:
            ValueError: `sample_rate` is not between 8 000 and 48 000 Hz.
        """
        if not 8000 <= sample_rate <= 48000:
            raise ValueError(f"sample_rate must be 8000 to 48000 Hz, got {sample_rate}")
        return WhisperSession(self, sample_rate, languages or self.languages)

    def close(self) -> None:
        """End the workers and free the model. Blocks until the hearing under way is over."""
        self.workers.close()
        self._model = None


def choice_of_settings() -> WhisperChoice:
    """Return the Whisper that the environment names."""
    env = settings.ENV
    return WhisperChoice(
        model=env.whisper_model or DEFAULT_MODEL,
        folder=env.data_dir / "models" / "whisper",
        device=env.whisper_device,
        compute_type=env.whisper_compute_type,
    )
