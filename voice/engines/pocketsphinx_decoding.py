"""How an utterance is decoded, slice by slice, while it is spoken.

Cepstral means. The models know studio microphones, and on a telephone line their default
normalisation makes three words in four wrong: the mean of the caller's own speech has to be
subtracted. It is only known once some speech has been heard. Decoding is several times faster
than speech, so it starts when there is enough of it, and starts again from the beginning, with a
better mean, when there is much more, or as soon as the caller falls silent.

Two searches. The library's general English knows all words and expects none; beside it a small
model of what is said on the telephone in this trade (see `phrase_model`) goes over the same
audio at a fraction of the cost. The final words are those of the likelier of the two.

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
import soxr

from voice.engines import phrase_model
from voice.engines.voicing import speech_bounds, voiced_ms

MODEL_RATE = 16000
BYTES_PER_MS = MODEL_RATE * 2 // 1000
FRAME_MS = 10
SLICE_MS = 80
DITHER = 3.0  # in 16-bit steps: keeps the empty band above 4 kHz at a steady level

MARGIN_MS = 100
"""Silence left before and after the speech: the models want some, and too much moves the mean."""
QUIET_MS = 100
"""After so much silence the utterance may be over."""
STARTS_MS = (400, 900, 1600)
"""Amounts of speech at which decoding starts, and starts again with the mean of so much."""
SETTLED = 0.7
"""Share of the speech that the mean must be drawn from when the caller falls silent."""
PRIOR_FRAMES = 60
CARRIED_FRAMES = 60
TELEPHONE_MEAN = np.array(
    [47.7, 23.2, -22.1, 40.5, -12.3, -0.3, 13.3, -23.2, 11.6, -9.5, 0.8, 11.6, -11.4]
)
_LIBRARY_PRIOR_FRAMES = 500  # CMN_WIN in pocketsphinx: the weight it gives to a mean it is set

TRADE_MARGIN = 0.04 / 150
"""How much likelier a frame must be by the trade's model, in the library's logarithmic units, for
its words to be taken: what is not of the trade must not be forced into its phrases."""

WordTimes = tuple[str, int, int, float]


@dataclass(frozen=True)
class Hypothesis:
    """What one search made of the audio, and how likely that is."""

    words: list[WordTimes]
    score: float
    frames: int


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

    def __init__(self, decoder: Any, mean: Any, begin_ms: int) -> None:
        self._decoder = decoder
        self._begin_ms = begin_ms
        set_mean(decoder, mean)
        decoder.start_utt()

    def feed(self, pcm: bytes) -> None:
        self._decoder.process_raw(pcm)

    def finish(self) -> Hypothesis:
        self._decoder.end_utt()
        return self.result()

    def result(self) -> Hypothesis:
        """Return the likeliest words so far."""
        hypothesis = self._decoder.hyp()
        if hypothesis is None:
            return Hypothesis([], -math.inf, 0)
        segments = [_word(segment, self._begin_ms) for segment in self._decoder.seg()]
        words = [segment for segment in segments if segment[0][0] not in "<["]
        score = math.log(max(hypothesis.best_score, sys.float_info.min))
        return Hypothesis(words, score, self._decoder.n_frames())

    def abandon(self) -> None:
        self._decoder.end_utt()


def _word(segment: Any, begin_ms: int) -> WordTimes:
    probability = min(1.0, max(0.0, float(segment.prob)))
    text = segment.word.split("(")[0]  # "read(2)" is a second pronunciation of "read"
    start, end = segment.start_frame * FRAME_MS, (segment.end_frame + 1) * FRAME_MS
    return text, begin_ms + start, begin_ms + end, round(probability, 4)


class Decoding:
    """One utterance.

    Args:
        engine: The process's decoders; no other utterance uses them meanwhile.
        number: The utterance's.
        rate: Hz of the audio.
        mean: What earlier utterances of the call taught about the cepstral mean.
    """

    def __init__(self, engine: Engine, number: int, rate: int, mean: list[float] | None) -> None:
        self.number = number
        self.ending = False
        self._engine = engine
        self._rate = rate
        self._resampler = soxr.ResampleStream(rate, MODEL_RATE, 1, dtype="int16", quality="HQ")
        self._noise = np.random.default_rng(0)
        self._carried = mean
        self._mean: Any = None
        self._waiting = bytearray()
        self._heard = bytearray()
        self._audio = bytearray()
        self._bounds: tuple[int, int] | None = None
        self._searches: list[Search] = []
        self._evidence_ms = 0
        self._next = 0
        self._told = 0
        self._text = ""

    def add(self, pcm: bytes) -> None:
        """Take audio in; nothing is computed yet."""
        self._waiting += pcm

    @property
    def heard_ms(self) -> int:
        return len(self._heard) * 500 // self._rate

    @property
    def has_work(self) -> bool:
        if len(self._waiting) * 500 // self._rate >= SLICE_MS or (self.ending and self._waiting):
            return True
        return bool(self._searches) and self._has_slice

    @property
    def _has_slice(self) -> bool:
        left = self._end - self._next
        return left >= SLICE_MS * BYTES_PER_MS or (self.ending and left > 0)

    @property
    def _end(self) -> int:
        """Where decoding stops: audio beyond the margin after the speech is silence."""
        if self._bounds is None:
            return 0
        return min(len(self._audio), (self._bounds[1] + MARGIN_MS) * BYTES_PER_MS)

    def step(self) -> str | None:
        """Do the next piece of work; return the partial text if it has changed."""
        if self._waiting:
            self._listen()
        if self._searches and self._has_slice:
            piece = bytes(self._audio[self._next : self._next + SLICE_MS * BYTES_PER_MS])
            piece = piece[: self._end - self._next]
            self._next += len(piece)
            for search in self._searches:
                search.feed(piece)
        if not self._searches or self.ending or self._next <= self._told:
            return None  # after a new start, nothing is told until there is more than before
        self._told = self._next
        text = " ".join(word[0] for word in _likelier([s.result() for s in self._searches]))
        if text == self._text:
            return None
        self._text = text
        return text

    def _listen(self) -> None:
        """Take the waiting audio, find the speech in it, and start decoding if it is time."""
        taken = bytes(self._waiting)
        self._waiting.clear()
        self._heard += taken
        samples = self._resampler.resample_chunk(np.frombuffer(taken, np.int16), last=self.ending)
        noisy = samples + self._noise.normal(0.0, DITHER, len(samples))
        self._audio += np.clip(noisy, -32768, 32767).astype(np.int16).tobytes()
        self._bounds = speech_bounds(bytes(self._heard), self._rate)
        if self._bounds is None:
            return
        speech_ms = self._bounds[1] - self._bounds[0]
        reached = max((start for start in STARTS_MS if speech_ms >= start), default=0)
        is_quiet = self.ending or self.heard_ms - self._bounds[1] >= QUIET_MS
        is_unsettled = speech_ms < STARTS_MS[-1] and self._evidence_ms < SETTLED * speech_ms
        if self._evidence_ms < reached or (is_quiet and is_unsettled):
            self._start(self._bounds[0], speech_ms)

    def _start(self, onset_ms: int, speech_ms: int) -> None:
        """Start, or start again, at the beginning of the speech with all that is known of it."""
        self.abandon()
        begin_ms = max(0, onset_ms - MARGIN_MS)
        self._next = begin_ms * BYTES_PER_MS
        self._mean = self._estimate(bytes(self._audio[self._next : self._end]))
        self._evidence_ms = speech_ms
        decoders = (self._engine.general, self._engine.trade)
        self._searches = [Search(decoder, self._mean, begin_ms) for decoder in decoders]

    def _estimate(self, pcm: bytes) -> Any:
        mean, frames = self._engine.mean(pcm)
        prior = TELEPHONE_MEAN if self._carried is None else np.array(self._carried)
        weight = np.full(13, PRIOR_FRAMES if self._carried is None else CARRIED_FRAMES)
        weight[0] = 0  # the first coefficient is the level, which only this utterance tells
        return (prior * weight + mean * frames) / (weight + frames)

    def close(self) -> dict[str, Any]:
        """Finish the utterance and return the FINAL message's content."""
        found = [search.finish() for search in self._searches]
        self._searches = []
        mean = self._carried
        if self._bounds is not None and self._mean is not None:
            begin = max(0, self._bounds[0] - MARGIN_MS) * BYTES_PER_MS
            mean = self._estimate(bytes(self._audio[begin : self._end])).round(3).tolist()
        return {
            "words": _likelier(found),
            "voiced_ms": voiced_ms(bytes(self._heard), self._rate),
            "mean": mean,
        }

    def abandon(self) -> None:
        """Stop decoding."""
        for search in self._searches:
            search.abandon()
        self._searches = []


def _likelier(found: list[Hypothesis]) -> list[WordTimes]:
    """Return the words of the trade's model if they are clearly likelier, else the general ones."""
    if not found:
        return []
    general, trade = found
    gained = trade.score - general.score > TRADE_MARGIN * general.frames
    return trade.words if trade.words and gained else general.words
