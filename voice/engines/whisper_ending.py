"""Noticing at once that the sound of an utterance has died down, by loudness alone."""

from __future__ import annotations

import math
from typing import Final

import numpy as np

from voice.engines.voicing import ABOVE_NOISE_DB, BELOW_PEAK_DB, BLOCK_MS, LEAST_PEAK_DB

QUIET_MS: Final = 40
"""Quiet after which the utterance may be over; inside a word it is as quiet for up to 100 ms, so
this is only a reason to listen, not to answer."""
PEAK_FALL_DB: Final = 0.05
FLOOR_RISE_DB: Final = 0.02
"""By block of 10 ms."""


class Fading:
    """Follows the loudness of one utterance.

    Attributes:
        sound_end: Where, in bytes of PCM16, the last loud block ended; 0 before the first.
    """

    def __init__(self, rate: int) -> None:
        self._block = rate * BLOCK_MS // 1000
        self._rest = b""
        self._heard = 0
        self._peak = 0.0
        self._floor = 96.0
        self.sound_end = 0

    @property
    def is_quiet(self) -> bool:
        """Whether there was sound, and there is none any more."""
        quiet_bytes = QUIET_MS // BLOCK_MS * self._block * 2
        return self.sound_end > 0 and self._heard - self.sound_end >= quiet_bytes

    def feed(self, pcm: bytes) -> None:
        """Add audio."""
        pcm = self._rest + pcm if self._rest else pcm
        block = self._block
        count = len(pcm) // (block * 2)
        self._rest = pcm[count * block * 2 :]
        samples = np.frombuffer(pcm, np.int16, count * block).astype(np.float32)
        for at in range(0, count * block, block):
            piece = samples[at : at + block]
            self._hear(10 * math.log10(float(piece @ piece) / block + 1))

    def _hear(self, level: float) -> None:
        self._heard += self._block * 2
        self._peak = max(self._peak - PEAK_FALL_DB, level)
        self._floor = min(self._floor + FLOOR_RISE_DB, level)
        limit = max(
            LEAST_PEAK_DB,
            self._peak - BELOW_PEAK_DB,
            min(self._floor + ABOVE_NOISE_DB, self._peak - ABOVE_NOISE_DB),
        )
        if level > limit:
            self.sound_end = self._heard
