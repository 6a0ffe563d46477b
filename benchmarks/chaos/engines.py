"""Speech engines for the fast carrier: words read from the sound, and speech of a moment.

Everything else of a call is the product's: socket, pipeline, voice detector, turn-taking,
conversation, playout, recording, records.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable

import numpy as np

from calls.simulator import g711, lettered
from voice.audio import mulaw_encode
from voice.engines.interface import Partial, Transcript
from voice.strain import Strain

RECOGNIZER, SYNTHESIZER = "lettered", "momentary"
MS_PER_CHARACTER, LEAST_MS = 8, 120
"""How long the agent takes to say a group of words: an eighth of what a voice takes. Not less, or
a lead who answers would seem to go on with what they had said before (`voice.speaking`)."""


class LetteredUtterance:
    """One stretch of speech."""

    def __init__(self, on_partial: Callable[[Partial], None] | None) -> None:
        self._pcm = bytearray()
        self._on_partial = on_partial
        self._text = ""

    @property
    def partial(self) -> Partial:
        return Partial(self._text, len(self._pcm) // (2 * g711.BYTES_PER_MS))

    def feed(self, pcm: bytes) -> None:
        self._pcm += pcm
        if self._text:
            return
        self._text = lettered.read(mulaw_encode(bytes(self._pcm)))
        if self._text and self._on_partial is not None:
            self._on_partial(self.partial)

    async def finish(self) -> Transcript:
        text = lettered.read(mulaw_encode(bytes(self._pcm)))
        return Transcript(text, 1.0 if text else 0.0, self.partial.audio_ms)

    def cancel(self) -> None:
        self._pcm.clear()


class LetteredSession:
    """One call's ear."""

    longest_utterance_ms = 60_000

    def begin(self, on_partial: Callable[[Partial], None] | None = None) -> LetteredUtterance:
        return LetteredUtterance(on_partial)


class LetteredRecognizer:
    """Reads what `calls.simulator.lettered` has written."""

    name = "pocketsphinx"  # on the bill it is the built-in one
    final_latency_s = 0.02

    def session(self, sample_rate: int, languages: tuple[str, ...] = ("en",)) -> LetteredSession:
        return LetteredSession()

    def preload(self) -> None:
        """There is nothing to load."""


class MomentarySynthesizer:
    """Says any text with a tone of a moment."""

    name = "espeak"  # on the bill it is the built-in voice
    voice_key = "momentary:1"

    async def stream(self, text: str, sample_rate: int) -> AsyncGenerator[bytes, None]:
        yield await self.synthesize(text, sample_rate)

    async def synthesize(self, text: str, sample_rate: int = 8000) -> bytes:
        ms = max(LEAST_MS, MS_PER_CHARACTER * len(text))
        at = np.arange(ms * sample_rate // 1000) / sample_rate
        return (6000 * np.sin(2 * np.pi * 440 * at)).astype("<i2").tobytes()

    def preload(self) -> None:
        """There is nothing to load."""


class Unstrained(Strain):
    """Takes any lateness for granted."""

    @property
    def is_strained(self) -> bool:
        return False


def install() -> None:
    """Have this process, and those forked from it, know the engines by their settings' names.

    Needs Django set up.
    """
    from voice import metrics
    from voice.engines import registry

    registry.RECOGNIZERS[RECOGNIZER] = LetteredRecognizer  # type: ignore[assignment]
    registry.SYNTHESIZERS[SYNTHESIZER] = MomentarySynthesizer
    # A server that is behind with its sound takes no more calls. Here nobody listens: let it be.
    metrics.strain = Unstrained()
