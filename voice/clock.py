"""The time of one media stream: milliseconds since its `start` message was handled."""

from __future__ import annotations

import time


class StreamClock:
    """Counts from its making. Turns, events and the recording of a call all use one of these."""

    def __init__(self) -> None:
        self._zero = time.monotonic()

    def now_ms(self) -> float:
        """Return ms since the stream started."""
        return (time.monotonic() - self._zero) * 1000
