"""Both sides of a call laid out on its clock, until a recorder or a listener takes them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from voice.audio import mulaw_decode

RATE = 8000
MOST_SECONDS = 4 * 3600
"""Four hours, the longest call a carrier allows: nothing is laid out beyond it."""
SETTLE_MS = 400
"""Sound younger than this may still be cut."""
LATEST_MS = 6000
"""The lead's sound is waited for no longer: by then it has been dropped, or the line is lost."""


_SILENCE = b"\xff"


class Tracks:
    """The sound of two people, the lead where the carrier's timestamps say, the agent where the
    caller hears it. Methods never wait.

    Kept as µ-law until it is taken: a byte a sample, and decoded in one go.
    """

    def __init__(self) -> None:
        self.taken = 0
        """Samples of each side that were taken already."""
        self._lead_until_ms = 0.0
        self._lead = bytearray()
        self._agent = bytearray()

    def lead(self, at_ms: float, ulaw: bytes) -> None:
        """Lay the lead's sound out at its time."""
        self._lead_until_ms = max(self._lead_until_ms, at_ms + len(ulaw) * 1000 / RATE)
        self._lay(self._lead, at_ms, ulaw)

    def agent(self, at_ms: float, ulaw: bytes) -> None:
        """Lay the agent's sound out where the caller hears it."""
        self._lay(self._agent, at_ms, ulaw)

    def cut(self, at_ms: float) -> None:
        """Take back the agent's sound from a moment on."""
        del self._agent[max(0, _sample(at_ms) - self.taken) :]

    def settled_ms(self, now_ms: float) -> float:
        """Return until when nothing will change any more: on a busy machine sound is late."""
        return max(now_ms - LATEST_MS, min(now_ms - SETTLE_MS, self._lead_until_ms))

    def take(self, until_ms: float) -> NDArray[np.int16]:
        """Return the 16-bit samples before a moment, a row for each: the lead, the agent."""
        samples = max(0, _sample(until_ms) - self.taken)
        stereo: NDArray[np.int16] = np.zeros((samples, 2), dtype="<i2")
        for channel, track in enumerate((self._lead, self._agent)):
            part = np.frombuffer(mulaw_decode(bytes(track[:samples])), dtype="<i2")
            stereo[: len(part), channel] = part
            del track[:samples]
        self.taken += samples
        return stereo

    def _lay(self, track: bytearray, at_ms: float, ulaw: bytes) -> None:
        start = _sample(at_ms) - self.taken
        if start < 0 or at_ms > MOST_SECONDS * 1000:
            return  # too late to be taken in its place
        if len(track) < start:
            track += _SILENCE * (start - len(track))
        track[start : start + len(ulaw)] = ulaw


def _sample(at_ms: float) -> int:
    return round(at_ms * RATE / 1000)
