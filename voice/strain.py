"""Whether a process keeps up with its calls: how late its loop wakes, and its callers are answered.

One late moment means nothing: a call that is taken in stays for minutes, so what counts is how it
has been going for some seconds.
"""

from __future__ import annotations

import statistics
import time
from collections import deque
from collections.abc import Callable
from typing import Final

LATE_S: Final = 0.06
"""A loop that wakes later than this makes gaps in the sound that callers hear."""
LATE_SHARE: Final = 0.2
WAKES: Final = 20
"""Five seconds, at four a second."""
SLOW_S: Final = 1.0
"""An answer that takes longer is a pause that people notice."""
ANSWERS: Final = 20
FEWEST_ANSWERS: Final = 5
RECENT_S: Final = 30.0


class Strain:
    """What has been seen of late. Read from any thread.

    Args:
        clock: monotonic, in seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._wakes: deque[float] = deque(maxlen=WAKES)
        self._answers: deque[tuple[float, float]] = deque(maxlen=ANSWERS)

    def woke(self, late_s: float) -> None:
        """Note how late the loop woke; to be told four times a second."""
        self._wakes.append(late_s)

    def answered(self, latency_s: float) -> None:
        """Note how long a caller waited for an answer."""
        self._answers.append((self._clock(), latency_s))

    @property
    def is_strained(self) -> bool:
        """Whether the calls there are cannot be served well already."""
        wakes = list(self._wakes)
        late = sum(one > LATE_S for one in wakes)
        if len(wakes) == WAKES and late > LATE_SHARE * WAKES:
            return True
        since = self._clock() - RECENT_S
        recent = [latency for at, latency in list(self._answers) if at > since]
        return len(recent) >= FEWEST_ANSWERS and statistics.median(recent) > SLOW_S
