"""A circuit breaker: after enough failures in a row, stop asking for a while."""

from __future__ import annotations

import threading
from collections.abc import Callable


class Circuit:
    """Closed while things work; open for a rest after failures; then one attempt decides."""

    def __init__(self, *, failures: int, rest_s: float, clock: Callable[[], float]) -> None:
        """Make a closed circuit.

        Args:
            failures: how many in a row open it.
            rest_s: seconds for which it stays open.
            clock: a monotonic clock, in seconds.
        """
        self._limit = failures
        self._rest_s = rest_s
        self._clock = clock
        self._failures = 0
        self._opened_at: float | None = None
        self._lock = threading.Lock()

    @property
    def is_open(self) -> bool:
        """Whether nothing is asked now. Does not count as an attempt."""
        with self._lock:
            return self._resting()

    def allows(self) -> bool:
        """Whether to try now. After the rest, one caller may, and the others wait for it."""
        with self._lock:
            if self._resting():
                return False
            if self._opened_at is not None:
                self._opened_at = self._clock()
            return True

    def succeeded(self) -> None:
        """Close the circuit."""
        with self._lock:
            self._failures = 0
            self._opened_at = None

    def failed(self) -> None:
        """Count a failure; the last of the series opens the circuit."""
        with self._lock:
            self._failures += 1
            if self._failures >= self._limit:
                self._opened_at = self._clock()

    def _resting(self) -> bool:
        return self._opened_at is not None and self._clock() - self._opened_at < self._rest_s
