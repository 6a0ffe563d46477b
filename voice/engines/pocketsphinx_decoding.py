"""How an utterance is decoded, slice by slice, while it is spoken.

Cepstral means. The models know studio microphones, and on a telephone line their default
normalisation makes three words in four wrong: the mean of the caller's own speech has to be
subtracted. It is only known once some speech has been heard, so decoding starts when there is
enough of it; in a caller's first utterance it starts again from the beginning, with a better mean,
when there is more. To start again at the end, with the best mean, does not pay: the words are no
better, and they come when all of the utterance has been decoded once more.

Two searches (see `pocketsphinx_search`). The trade's is short work and keeps up with the speech.
The one over all of English is long work, for moments when nobody else is waited for (see
`core_share`), and it is spared where the trade's words leave no doubt.

This module runs in the decoder process: it imports nothing that loads Django or an event loop.
"""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import soxr

from voice.engines.pocketsphinx_search import (
    BYTES_PER_MS,
    MODEL_RATE,
    NOTHING,
    Engine,
    Search,
    likelier,
)
from voice.engines.voicing import speech_bounds, voiced_ms

SLICE_MS = 80
LONG_SLICE_MS = 30
"""What the general search does in one go: who is waited for may have to wait for its end."""
DITHER = 3.0  # in 16-bit steps: keeps the empty band above 4 kHz at a steady level

MARGIN_MS = 100
"""Silence left before and after the speech: the models want some, and too much moves the mean."""
QUIET_MS = 100
"""After so much silence the utterance may be over."""
TRADE_STARTS_MS = (300, 800)
"""Amounts of speech at which the trade's search starts, and starts again with a better mean."""
TRADE_STARTS_KNOWN_MS = (300,)
"""The same once earlier utterances have taught the caller's mean."""
GENERAL_STARTS_MS = (800,)
"""The same for the general search. It costs several times as much: once has to do."""
PRIOR_FRAMES = 60
CARRIED_FRAMES = 60
TELEPHONE_MEAN = np.array(
    [47.7, 23.2, -22.1, 40.5, -12.3, -0.3, 13.3, -23.2, 11.6, -9.5, 0.8, 11.6, -11.4]
)

LONGEST_END_S = 1.2
"""A general search that goes on for longer after the end of the utterance is given up: on a machine
with too many callers, the trade's words in time are worth more than either's words too late."""
PACE_KNOWN_S = 0.2
"""After so long it is clear whether it will be done by then: one that will not is given up at once,
and leaves the core to those that will."""


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
        self._trade = Search(
            engine.trade, TRADE_STARTS_MS if mean is None else TRADE_STARTS_KNOWN_MS
        )
        self._by_trade = NOTHING
        self._ended_s: float | None = None
        self._searched = 0
        """How much the general search has got through since the end; bytes of the audio."""
        self._told = 0
        self._text = ""
        self._covered_ms = 0

    def add(self, pcm: bytes) -> None:
        """Take audio in; nothing is computed yet."""
        self._waiting += pcm

    def end(self) -> None:
        """Take no more audio."""
        self._ended_s = time.monotonic()

    @property
    def is_ending(self) -> bool:
        """Whether all audio is there."""
        return self._ended_s is not None

    @property
    def is_waited_for(self) -> bool:
        """Whether the caller has fallen silent after something that may be speech."""
        if self._bounds is None:
            return False
        return self.is_ending or self.heard_ms - self._bounds[1] >= QUIET_MS

    @property
    def heard_ms(self) -> int:
        return len(self._heard) * 500 // self._rate

    @property
    def has_work(self) -> bool:
        """Whether there is something to do at once."""
        waiting_ms = len(self._waiting) * 500 // self._rate
        if waiting_ms >= SLICE_MS or (self.is_ending and self._waiting):
            return True
        return self._has_slice(self._trade)

    @property
    def has_long_work(self) -> bool:
        """Whether there is something to do when nobody else is waited for."""
        if self._by_trade.is_sure or not self._has_slice(self._general):
            return False
        return self._ended_s is None or not self._is_hopeless(time.monotonic() - self._ended_s)

    def _is_hopeless(self, waited_s: float) -> bool:
        """Whether the general search, at the pace that it has had since the end, is too slow."""
        if waited_s < PACE_KNOWN_S:
            return False
        left = self._end - self._general.at
        return left * waited_s > self._searched * (LONGEST_END_S - waited_s)

    def _has_slice(self, search: Search) -> bool:
        left = self._end - search.at
        return search.is_running and (
            left >= SLICE_MS * BYTES_PER_MS or (self.is_ending and left > 0)
        )

    @property
    def _end(self) -> int:
        """Where decoding stops: audio beyond the margin after the speech is silence."""
        if self._bounds is None:
            return 0
        return min(len(self._audio), (self._bounds[1] + MARGIN_MS) * BYTES_PER_MS)

    def step(self) -> None:
        """Do the next piece of work."""
        if self._waiting:
            self._listen()
        if self._has_slice(self._trade):
            self._feed(self._trade, SLICE_MS)
            self._by_trade = self._trade.result()

    def step_long(self) -> None:
        """Do the next piece of long work."""
        before = self._general.at
        self._feed(self._general, LONG_SLICE_MS)
        if self.is_ending:
            self._searched += self._general.at - before

    def _feed(self, search: Search, ms: int) -> None:
        slice_end = min(self._end, search.at + ms * BYTES_PER_MS)
        search.feed(bytes(self._audio[search.at : slice_end]))

    def news(self) -> str | None:
        """Return the text so far if it is new, or if it now covers all that was said.

        At the end only the latter, and if there were words before: without any it is as likely a
        noise, and only the final words tell. An answer need not wait for the long search once words
        cover the voice.
        """
        trade, general = self._trade, self._general
        if not trade.is_running or trade.at < self._told:
            return None  # after a new start, nothing is told until there is as much as before
        if self.is_ending and (self._has_slice(trade) or not (self._text and self._has_caught_up)):
            return None
        has_general = general.is_running and general.at >= trade.at
        if trade.at == self._told and not (has_general or self._has_caught_up):
            return None
        self._told = trade.at
        by_general = general.result() if has_general else NOTHING
        text = _text(likelier(by_general, self._by_trade))
        if text == self._text and not self._has_caught_up:
            return None
        self._text, self._covered_ms = text, self.decoded_ms
        return text

    @property
    def decoded_ms(self) -> int:
        """How much of the audio the text covers: all of it once the speech is decoded."""
        at_ms = self._trade.at // BYTES_PER_MS
        return self.heard_ms if self._bounds is None or at_ms >= self._bounds[1] else at_ms

    @property
    def _has_caught_up(self) -> bool:
        """Whether all speech has been decoded since the last partial text was told."""
        speech_end_ms = 0 if self._bounds is None else self._bounds[1]
        return self._covered_ms < speech_end_ms <= self.decoded_ms

    def _listen(self) -> None:
        """Take the waiting audio, find the speech in it, and start decoding if it is time."""
        taken = bytes(self._waiting)
        self._waiting.clear()
        self._heard += taken
        samples = self._resampler.resample_chunk(
            np.frombuffer(taken, np.int16), last=self.is_ending
        )
        noisy = samples + self._noise.normal(0.0, DITHER, len(samples))
        self._audio += np.clip(noisy, -32768, 32767).astype(np.int16).tobytes()
        self._bounds = speech_bounds(bytes(self._heard), self._rate)
        if self._bounds is None:
            return
        speech_ms = self._bounds[1] - self._bounds[0]
        is_quiet = self.is_waited_for
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
        general = self._general.finish() if self._general.at >= self._end else NOTHING
        words = likelier(general, self._trade.finish())
        mean = self._carried
        if self._bounds is not None:
            begin = max(0, self._bounds[0] - MARGIN_MS) * BYTES_PER_MS
            mean = self._estimate(bytes(self._audio[begin : self._end])).round(3).tolist()
        self.abandon()
        return {
            "words": words,
            "voiced_ms": voiced_ms(bytes(self._heard), self._rate),
            "mean": mean,
        }

    def abandon(self) -> None:
        """Stop decoding."""
        self._general.abandon()
        self._trade.abandon()


def _text(words: list[tuple[str, int, int, float]]) -> str:
    return " ".join(word[0] for word in words)
