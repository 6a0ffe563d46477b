"""Speech at one level, without clipping, and without dead air at its ends."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from voice.audio import SILENCE_DBFS, level_dbfs, whole_samples

_FRAME_MS: Final = 20
_QUIET_DBFS: Final = -52.0
"""Below this, after levelling, nobody hears speech on a telephone."""
_HEAD_MS: Final = 5
_KNEE: Final = 0.7 * 32768
_CEILING: Final = 0.97 * 32768


def speech_level_dbfs(pcm: bytes, sample_rate: int) -> float:
    """Return the level of the speech in a clip, pauses left out, in dBFS."""
    size = sample_rate * _FRAME_MS // 1000 * 2
    levels = [level_dbfs(pcm[at : at + size]) for at in range(0, len(pcm) - size + 1, size)]
    audible = [level for level in levels if level > max(levels) - 30] if levels else []
    if not audible:
        return SILENCE_DBFS
    return 10 * float(np.log10(np.mean([10 ** (level / 10) for level in audible])))


def soft_limit(samples: NDArray[np.float64]) -> NDArray[np.float64]:
    """Bend what exceeds 70 % of full scale so that nothing reaches 97 %."""
    excess = np.abs(samples) - _KNEE
    room = _CEILING - _KNEE
    bent = _KNEE + room * np.tanh(np.maximum(excess, 0) / room)
    return np.where(excess > 0, np.sign(samples) * bent, samples)


class Leveller:
    """Apply a voice's gain to a stream; leave out silence before it, shorten it after.

    Silence inside a clip passes, but only once sound follows it: that is how the end is known.

    Args:
        gain_db: Decibels to add.
        sample_rate: Hz.
        tail_ms: Milliseconds of silence to leave at the end.
    """

    def __init__(self, gain_db: float, sample_rate: int, *, tail_ms: int) -> None:
        self._gain = 10 ** (gain_db / 20)
        self._frame = sample_rate * _FRAME_MS // 1000 * 2
        self._head = sample_rate * _HEAD_MS // 1000 * 2
        self._tail = sample_rate * tail_ms // 1000 * 2
        self._partial = b""
        self._quiet = bytearray()
        self._has_spoken = False

    def feed(self, pcm: bytes) -> bytes:
        """Return the levelled audio that can be played now."""
        samples = soft_limit(whole_samples(pcm).astype(np.float64) * self._gain)
        data = self._partial + np.round(samples).astype(np.int16).tobytes()
        whole = len(data) // self._frame * self._frame
        self._partial = data[whole:]
        return b"".join(
            self._pass(data[at : at + self._frame]) for at in range(0, whole, self._frame)
        )

    def finish(self) -> bytes:
        """Return the end of the clip with its silence."""
        last = self._pass(self._partial) if self._partial else b""
        self._partial = b""
        if not self._has_spoken:
            return b""
        return last + bytes(self._quiet[: self._tail]).ljust(self._tail, b"\0")

    def _pass(self, frame: bytes) -> bytes:
        if level_dbfs(frame) < _QUIET_DBFS:
            self._quiet += frame
            return b""
        before = bytes(self._quiet) if self._has_spoken else bytes(self._quiet[-self._head :])
        self._quiet.clear()
        self._has_spoken = True
        return before + frame
