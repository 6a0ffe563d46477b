"""The searches of a decoder process, and the models that they look in.

The library's general English knows all words and expects none; beside it a small model of what is
said on the telephone in this trade (see `phrase_model`) goes over the same audio at a fifth of the
cost. The final words are those of the likelier of the two.

This module runs in the decoder process: it imports nothing that loads Django or an event loop.
"""

from __future__ import annotations

import math
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pocketsphinx

from voice.engines import phrase_model

MODEL_RATE = 16000
BYTES_PER_MS = MODEL_RATE * 2 // 1000
FRAME_MS = 10
_LIBRARY_PRIOR_FRAMES = 500  # CMN_WIN in pocketsphinx: the weight it gives to a mean it is set

TRADE_MARGIN = 0.04 / 150
"""How much likelier a frame must be by the trade's model, in the library's logarithmic units, for
its words to be taken: what is not of the trade must not be forced into its phrases."""
SURE = -0.0040
"""Likelihood of a frame, in the same units and before the path through the lattice is rated, from
which the trade's words are taken as they are: half of what is of the trade is above it, and next to
nothing else."""

WordTimes = tuple[str, int, int, float]


@dataclass(frozen=True)
class Hypothesis:
    """What one search made of the audio, and how likely that is."""

    words: list[WordTimes]
    score: float
    frames: int

    @property
    def is_sure(self) -> bool:
        """Whether the words fit the sound so well that no others need be looked for."""
        return bool(self.words) and self.score > SURE * self.frames


NOTHING = Hypothesis([], -math.inf, 0)


class Engine:
    """The decoders of a process: general English, the trade's, and one that measures features."""

    def __init__(self) -> None:
        # Without the second full pass (fwdflat) the final result comes 130 ms sooner for two
        # points of word error; the best path through the lattice costs 20 ms and is worth five.
        # At most 12 000 active states a frame: a fifth less work, half a point of word error.
        options = {"loglevel": "FATAL", "fwdflat": False, "maxhmmpf": 12000}
        self.general = pocketsphinx.Decoder(**options)
        with tempfile.TemporaryDirectory() as folder:
            model, words = _write_trade_model(Path(folder))
            self.trade = pocketsphinx.Decoder(lm=str(model), dict=str(words), **options)
            self._features = pocketsphinx.Decoder(
                loglevel="FATAL", lm=None, dict=str(words), keyphrase="yes"
            )

    def mean(self, pcm: bytes) -> tuple[Any, int]:
        """Return the cepstral mean of a piece of audio, without decoding it, and its frames."""
        frames = max(1, len(pcm) // BYTES_PER_MS // FRAME_MS)
        set_mean(self._features, np.zeros(13))
        self._features.start_utt()
        self._features.process_raw(pcm, no_search=True)
        mixed = np.array([float(part) for part in self._features.get_cmn(True).split(",")])
        self._features.end_utt()
        return mixed * (_LIBRARY_PRIOR_FRAMES + frames) / frames, frames


def _write_trade_model(folder: Path) -> tuple[Path, Path]:
    """Write the trade's language model and its part of the dictionary; return their paths."""
    lines = phrase_model.read_phrases(phrase_model.PHRASES.read_text())
    wanted = set(phrase_model.vocabulary(lines))
    entries = []
    known = set()
    with open(pocketsphinx.get_model_path("en-us/cmudict-en-us.dict")) as dictionary:
        for entry in dictionary:
            word = entry.split(None, 1)[0].split("(")[0]
            if word in wanted:
                known.add(word)
                entries.append(entry)
    if missing := sorted(wanted - known):
        raise phrase_model.PhraseError(f"not in pocketsphinx's dictionary: {', '.join(missing)}")
    model, words = folder / "trade.lm", folder / "trade.dict"
    model.write_text(phrase_model.arpa(lines))
    words.write_text("".join(entries))
    return model, words


def set_mean(decoder: Any, mean: Any) -> None:
    """Set the cepstral mean that the decoder subtracts."""
    decoder.set_cmn(",".join(f"{part:.4f}" for part in mean))


class Search:
    """One decoder on its way through an utterance."""

    def __init__(self, decoder: Any, starts_ms: tuple[int, ...]) -> None:
        self._decoder = decoder
        self._starts_ms = starts_ms
        self._begin_ms = 0
        self._evidence_ms = 0
        self.at = 0
        self.is_running = False

    def is_due(self, speech_ms: int, *, is_quiet: bool) -> bool:
        """Whether to start, for the first time or again, now that so much speech is known."""
        if any(self._evidence_ms < start <= speech_ms for start in self._starts_ms):
            return True
        return is_quiet and not self._evidence_ms

    def start(self, mean: Any, begin_ms: int, evidence_ms: int) -> None:
        """Begin at that point of the audio, whatever was found before."""
        self.abandon()
        self._begin_ms, self._evidence_ms = begin_ms, evidence_ms
        self.at = begin_ms * BYTES_PER_MS
        set_mean(self._decoder, mean)
        self._decoder.start_utt()
        self.is_running = True

    def feed(self, pcm: bytes) -> None:
        """Search on."""
        self._decoder.process_raw(pcm)
        self.at += len(pcm)

    def finish(self) -> Hypothesis:
        """Stop, and return the likeliest words."""
        self.abandon()
        return self.result() if self._evidence_ms else NOTHING

    def result(self) -> Hypothesis:
        """Return the likeliest words so far."""
        hypothesis = self._decoder.hyp()
        if hypothesis is None:
            return NOTHING
        segments = [_word(segment, self._begin_ms) for segment in self._decoder.seg()]
        words = [segment for segment in segments if segment[0][0] not in "<["]
        score = math.log(max(hypothesis.best_score, sys.float_info.min))
        return Hypothesis(words, score, self._decoder.n_frames())

    def abandon(self) -> None:
        """Stop; what was found up to now stays."""
        if self.is_running:
            self._decoder.end_utt()
            self.is_running = False


def _word(segment: Any, begin_ms: int) -> WordTimes:
    probability = min(1.0, max(0.0, float(segment.prob)))
    text = segment.word.split("(")[0]  # "read(2)" is a second pronunciation of "read"
    start, end = segment.start_frame * FRAME_MS, (segment.end_frame + 1) * FRAME_MS
    return text, begin_ms + start, begin_ms + end, round(probability, 4)


def likelier(general: Hypothesis, trade: Hypothesis) -> list[WordTimes]:
    """Return the words of the trade's model if they are clearly likelier, else the general ones."""
    gained = trade.score - general.score > TRADE_MARGIN * general.frames
    return trade.words if trade.words and gained else general.words
