"""How an utterance is decoded, slice by slice, while it is spoken.

Cepstral means. The models know studio microphones, and on a telephone line their default
normalisation makes three words in four wrong: the mean of the caller's own speech has to be
subtracted. It is only known once some speech has been heard. Decoding is several times faster
than speech, so it starts when there is enough of it, and starts again from the beginning, with a
better mean, when there is much more, or as soon as the caller falls silent.

Two searches. The library's general English knows all words and expects none; beside it a small
model of what is said on the telephone in this trade (see `phrase_model`) goes over the same
audio at a fifth of the cost. The final words are those of the likelier of the two.

This module runs in the decoder process: it imports nothing that loads Django or an event loop.
"""

from __future__ import annotations

import math
import sys
import tempfile
import time
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
TRADE_STARTS_MS = (300, 800, 1600)
"""Amounts of speech at which the trade's search starts, and starts again with a better mean."""
GENERAL_STARTS_MS = (800,)
"""The same for the general search. It costs five times as much: once has to do."""
SETTLED = 0.9
"""Share of the speech that the mean must be drawn from when the caller falls silent, unless the
search has started for the last time."""
PRIOR_FRAMES = 60
CARRIED_FRAMES = 60
TELEPHONE_MEAN = np.array(
    [47.7, 23.2, -22.1, 40.5, -12.3, -0.3, 13.3, -23.2, 11.6, -9.5, 0.8, 11.6, -11.4]
)
_LIBRARY_PRIOR_FRAMES = 500  # CMN_WIN in pocketsphinx: the weight it gives to a mean it is set

LONGEST_END_S = 2.0
"""A general search that goes on for longer after the end of the utterance is given up: on a machine
with too many callers, the trade's words in time are worth more than either's words too late."""
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
        is_settled = self._evidence_ms >= min(self._starts_ms[-1], SETTLED * speech_ms)
        return is_quiet and not is_settled

    def start(self, mean: Any, begin_ms: int, evidence_ms: int) -> None:
        """Begin at that point of the audio, whatever was found before."""
        self.abandon()
        self._begin_ms, self._evidence_ms = begin_ms, evidence_ms
        self.at = begin_ms * BYTES_PER_MS
        set_mean(self._decoder, mean)
        self._decoder.start_utt()
        self.is_running = True

    def feed(self, pcm: bytes) -> None:
        self._decoder.process_raw(pcm)
        self.at += len(pcm)

    def finish(self) -> Hypothesis:
        self.abandon()
        return self.result() if self._evidence_ms else Hypothesis([], -math.inf, 0)

    def result(self) -> Hypothesis:
        """Return the likeliest words so far."""
        hypothesis = self._decoder.hyp()
        if hypothesis is None:
            return Hypothesis([], -math.inf, 0)
        segments = [_word(segment, self._begin_ms) for segment in self._decoder.seg()]
        words = [segment for segment in segments if segment[0][0] not in "<["]
        score = math.log(max(hypothesis.best_score, sys.float_info.min))
        return Hypothesis(words, score, self._decoder.n_frames())

    def give_up(self) -> None:
        """Stop, and find nothing."""
        self.abandon()
        self._evidence_ms = 0

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
        self._waiting = bytearray()
        self._heard = bytearray()
        self._audio = bytearray()
        self._bounds: tuple[int, int] | None = None
        self._general = Search(engine.general, GENERAL_STARTS_MS)
        self._trade = Search(engine.trade, TRADE_STARTS_MS)
        self._told = 0
        self._ended_s = 0.0
        self._text = ""
        self._covered_ms = 0

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
        return self._has_slice(self._trade) or self._has_slice(self._general)

    def _has_slice(self, search: Search) -> bool:
        left = self._end - search.at
        return search.is_running and (left >= SLICE_MS * BYTES_PER_MS or (self.ending and left > 0))

    @property
    def _end(self) -> int:
        """Where decoding stops: audio beyond the margin after the speech is silence."""
        if self._bounds is None:
            return 0
        return min(len(self._audio), (self._bounds[1] + MARGIN_MS) * BYTES_PER_MS)

    def step(self) -> str | None:
        """Do the next piece of work; return the partial text if it, or what it covers, is new."""
        if self._waiting:
            self._listen()
        if self.ending:
            self._ended_s = self._ended_s or time.monotonic()
            if time.monotonic() - self._ended_s > LONGEST_END_S:
                self._general.give_up()
        for search in (self._trade, self._general):
            if self._has_slice(search):
                slice_end = min(self._end, search.at + SLICE_MS * BYTES_PER_MS)
                search.feed(bytes(self._audio[search.at : slice_end]))
                if self.ending:
                    break  # the cheap one first
        if self.ending or not self._trade.is_running or self._trade.at <= self._told:
            return None  # after a new start, nothing is told until there is more than before
        self._told = self._trade.at
        text = " ".join(word[0] for word in self._likeliest_so_far())
        if text == self._text and not self._has_caught_up:
            return None
        self._text, self._covered_ms = text, self.decoded_ms
        return text

    @property
    def decoded_ms(self) -> int:
        """How much of the audio the partial text covers: all of it once the speech is decoded."""
        at_ms = self._trade.at // BYTES_PER_MS
        return self.heard_ms if self._bounds is None or at_ms >= self._bounds[1] else at_ms

    @property
    def _has_caught_up(self) -> bool:
        """Whether all speech has been decoded since the last partial text was told."""
        speech_end_ms = 0 if self._bounds is None else self._bounds[1]
        return self._covered_ms < speech_end_ms <= self.decoded_ms

    def _likeliest_so_far(self) -> list[WordTimes]:
        trade = self._trade.result()
        if self._general.at < self._trade.at:  # not begun, or behind
            return trade.words
        return _likelier(self._general.result(), trade)

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
        is_quiet = self.ending or self.heard_ms - self._bounds[1] >= QUIET_MS
        searches = (self._trade, self._general)
        due = [search for search in searches if search.is_due(speech_ms, is_quiet=is_quiet)]
        if due:
            begin_ms = max(0, self._bounds[0] - MARGIN_MS)
            mean = self._estimate(bytes(self._audio[begin_ms * BYTES_PER_MS : self._end]))
            for search in due:
                search.start(mean, begin_ms, speech_ms)

    def _estimate(self, pcm: bytes) -> Any:
        mean, frames = self._engine.mean(pcm)
        prior = TELEPHONE_MEAN if self._carried is None else np.array(self._carried)
        weight = np.full(13, PRIOR_FRAMES if self._carried is None else CARRIED_FRAMES)
        weight[0] = 0  # the first coefficient is the level, which only this utterance tells
        return (prior * weight + mean * frames) / (weight + frames)

    def close(self) -> dict[str, Any]:
        """Finish the utterance and return the FINAL message's content."""
        words = _likelier(self._general.finish(), self._trade.finish())
        mean = self._carried
        if self._bounds is not None:
            begin = max(0, self._bounds[0] - MARGIN_MS) * BYTES_PER_MS
            mean = self._estimate(bytes(self._audio[begin : self._end])).round(3).tolist()
        return {
            "words": words,
            "voiced_ms": voiced_ms(bytes(self._heard), self._rate),
            "mean": mean,
        }

    def abandon(self) -> None:
        """Stop decoding."""
        self._general.abandon()
        self._trade.abandon()


def _likelier(general: Hypothesis, trade: Hypothesis) -> list[WordTimes]:
    """Return the words of the trade's model if they are clearly likelier, else the general ones."""
    gained = trade.score - general.score > TRADE_MARGIN * general.frames
    return trade.words if trade.words and gained else general.words
