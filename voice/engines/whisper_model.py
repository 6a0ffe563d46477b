"""Whisper by faster-whisper: which model, on what, and what it makes of a piece of audio.

Nothing is downloaded here: `manage.py fetch_models` does that, before calls are taken.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol

import ctranslate2
import numpy as np
from faster_whisper import WhisperModel, available_models
from faster_whisper.audio import pad_or_trim
from faster_whisper.tokenizer import Tokenizer
from faster_whisper.transcribe import get_compression_ratio, get_suppressed_tokens
from numpy.typing import NDArray

from voice.engines.interface import EngineError, Word
from voice.engines.whisper_agreement import plain_words
from voice.engines.whisper_guard import NOTHING, Hypothesis

WHISPER_RATE: Final = 16000
DEFAULT_MODEL: Final = "base"
DEVICES: Final = ("auto", "cpu", "cuda")
DEFAULT_COMPUTE: Final = {"cpu": "int8", "cuda": "float16"}
BEAMS: Final = {"cpu": 1, "cuda": 5}
"""Hypotheses followed in a final transcript; partial ones follow one."""
MOST_THREADS: Final = 4
FRAMES_AT_LEAST: Final = {"cpu": 1000, "cuda": 3000}
"""Of 10 ms, that a partial hearing pads its audio to. Whisper was trained on 30 s, and a final
hearing gets them; for a partial one, which two hearings must agree on, a third of the work does."""
SPARE_FRAMES: Final = 200
SHORTEST_S: Final = 0.1
TOKENS_A_SECOND: Final = 9
"""More than the fastest speaker says; beyond it the text has gone in circles."""
SPARE_TOKENS: Final = 14
MOST_TOKENS: Final = 200

Languages = Callable[[str, float], str]
"""Choose the language to write in from the one detected and its probability."""


class HearingModel(Protocol):
    """What makes words of a piece of audio: in this process or behind an address."""

    device: str
    compute_type: str

    def decode(
        self, samples: NDArray[np.float32], *, final: bool, choose_language: Languages
    ) -> Hypothesis:
        """Return what is said in up to 30 s of audio. Blocks. See `LoadedWhisper.decode`."""
        ...


@dataclass(frozen=True, slots=True)
class WhisperChoice:
    """Which Whisper, on what.

    Attributes:
        model: A name that faster-whisper knows ("base", "small.en"…), or the path of a folder
            with a model in CTranslate2's format.
        folder: Where fetched models are, one folder for each name.
        device: "auto" takes a GPU if there is one.
        compute_type: How it calculates; by default "int8" on the processor, "float16" on a GPU.
    """

    model: str
    folder: Path
    device: str = "auto"
    compute_type: str = ""

    def path(self) -> Path:
        """Return the model's folder.

        Raises:
            EngineError: There is no such model, or it has not been fetched.
        """
        given = Path(self.model)
        if given.is_absolute():
            return _checked(given, f"WHISPER_MODEL names {given}, which holds no Whisper model")
        if self.model not in available_models() and "/" not in self.model:
            known = ", ".join(available_models())
            raise EngineError(f"unknown Whisper model {self.model!r}; known: {known}")
        place = self.folder / self.model.replace("/", "--")
        return _checked(
            place,
            f"Whisper model {self.model!r} is not in {place}: "
            f"run `manage.py fetch_models --whisper {self.model}`",
        )

    def hardware(self) -> tuple[str, str]:
        """Return the device and the compute type.

        Raises:
            EngineError: The machine has no such device, or it cannot calculate so.
        """
        if self.device not in DEVICES:
            raise EngineError(
                f"unknown WHISPER_DEVICE {self.device!r}; known: {', '.join(DEVICES)}"
            )
        gpus = ctranslate2.get_cuda_device_count()
        device = self.device if self.device != "auto" else ("cuda" if gpus else "cpu")
        if device == "cuda" and not gpus:
            raise EngineError(
                "WHISPER_DEVICE is cuda, but no CUDA device is visible: "
                "check the driver and the container's GPU access, or set WHISPER_DEVICE=cpu"
            )
        compute = self.compute_type or DEFAULT_COMPUTE[device]
        able = sorted(ctranslate2.get_supported_compute_types(device))
        if compute not in able:
            raise EngineError(
                f"{device} here cannot calculate in WHISPER_COMPUTE_TYPE {compute!r}; "
                f"it can in: {', '.join(able)}"
            )
        return device, compute


def _checked(place: Path, otherwise: str) -> Path:
    missing = [name for name in ("model.bin", "tokenizer.json") if not (place / name).is_file()]
    if missing:
        raise EngineError(f"{otherwise} (no {' and no '.join(missing)})")
    return place


class LoadedWhisper:
    """A model in memory. May be used from several threads at once; never on the event loop.

    Args:
        choice: Which, and on what.
        workers: How many pieces of audio are heard at once.

    Raises:
        EngineError: It cannot be loaded.
    """

    def __init__(self, choice: WhisperChoice, *, workers: int) -> None:
        path = choice.path()
        self.device, self.compute_type = choice.hardware()
        # A core stays free for the event loops and voice detectors of the calls.
        spare = max(1, min(MOST_THREADS, ((os.cpu_count() or 2) - 1) // workers))
        try:
            self._model: Any = WhisperModel(
                str(path),
                device=self.device,
                compute_type=self.compute_type,
                cpu_threads=spare,
                num_workers=workers,
                local_files_only=True,
            )
        except (RuntimeError, ValueError, OSError) as error:
            raise EngineError(f"the Whisper model in {path} cannot be loaded: {error}") from error
        except Exception as error:  # tokenizers raises bare exceptions
            raise EngineError(f"the tokenizer in {path} cannot be loaded: {error}") from error
        self.is_multilingual = bool(self._model.model.is_multilingual)
        self._tokenizers: dict[str, tuple[Tokenizer, list[int]]] = {}

    def decode(
        self, samples: NDArray[np.float32], *, final: bool, choose_language: Languages
    ) -> Hypothesis:
        """Return what Whisper makes of up to 30 s of audio.

        Args:
            samples: 16 kHz, mono, from -1 to 1.
            final: Take care, and give the words their times.
            choose_language: Asked what to write in; an English-only model is not.

        Raises:
            EngineError: The model failed.
        """
        if len(samples) < SHORTEST_S * WHISPER_RATE:
            return NOTHING
        try:
            return self._decode(samples, final, choose_language)
        except (RuntimeError, ValueError) as error:
            raise EngineError(f"Whisper failed: {error}", retryable=True) from error

    def _decode(
        self, samples: NDArray[np.float32], final: bool, choose_language: Languages
    ) -> Hypothesis:
        model = self._model
        features = model.feature_extractor(samples)
        longest = model.feature_extractor.nb_max_frames
        frames = min(features.shape[-1] - 1, longest)
        padded = longest
        if not final:
            padded = min(longest, max(FRAMES_AT_LEAST[self.device], frames + SPARE_FRAMES))
            padded -= padded % 2  # the encoder halves them
        heard = model.encode(pad_or_trim(features[..., :frames], padded))
        detected, surely = "en", 1.0
        if self.is_multilingual:
            token, surely = model.model.detect_language(heard)[0][0]
            detected = token.strip("<|>")
        language = choose_language(detected, surely) if self.is_multilingual else "en"
        tokenizer, barred = self._tokenizer(language)
        prompt = [*tokenizer.sot_sequence, tokenizer.no_timestamps]
        most = min(MOST_TOKENS, SPARE_TOKENS + len(samples) * TOKENS_A_SECOND // WHISPER_RATE)
        result = model.model.generate(
            heard,
            [prompt],
            beam_size=BEAMS[self.device] if final else 1,
            max_length=2 * most,  # CTranslate2 gives half of it to the text
            return_scores=True,
            return_no_speech_prob=True,
            suppress_tokens=barred,
        )[0]
        tokens = [token for token in result.sequences_ids[0] if token < tokenizer.eot]
        text = tokenizer.decode(tokens).strip()
        return Hypothesis(
            text=text,
            words=self._words(tokenizer, tokens, heard, frames) if final and text else (),
            avg_logprob=result.scores[0] * len(tokens) / (len(tokens) + 1),
            no_speech_prob=result.no_speech_prob,
            compression_ratio=get_compression_ratio(text) if text else 0.0,
            language=detected,
            language_probability=surely,
        )

    def _tokenizer(self, language: str) -> tuple[Tokenizer, list[int]]:
        if language not in self._tokenizers:
            made = Tokenizer(self._model.hf_tokenizer, self.is_multilingual, "transcribe", language)
            self._tokenizers[language] = made, list(get_suppressed_tokens(made, [-1]))
        return self._tokenizers[language]

    def _words(
        self, tokenizer: Tokenizer, tokens: list[int], heard: Any, frames: int
    ) -> tuple[Word, ...]:
        """Return the words with their times, by the attention that found them."""
        aligned = self._model.find_alignment(tokenizer, [tokens], heard, frames)
        words: list[Word] = []
        for part in aligned[0] if aligned else []:
            start, end = round(part["start"] * 1000), round(part["end"] * 1000)
            words += [
                Word(plain, start, end, round(float(part["probability"]), 3))
                for plain in plain_words(part["word"])
            ]
        return tuple(words)
