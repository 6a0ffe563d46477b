"""Keep under the carrier's calls per second: it would queue the excess for up to 24 hours."""

from __future__ import annotations

from collections.abc import Callable


class Pace:
    """Allows one call per interval. Time not used is not saved up."""

    def __init__(self, per_second: float, *, clock: Callable[[], float]) -> None:
        """Make a pace.

        Args:
            per_second: calls per second, more than 0.
            clock: a monotonic clock, in seconds.
        """
        self._gap_s = 1 / per_second
        self._clock = clock
        self._next = clock()

    def ready(self) -> bool:
        """Whether a call may be sent now."""
        return self._clock() >= self._next

    def spend(self) -> None:
        """Note that a call was sent now."""
        self._next = self._clock() + self._gap_s
