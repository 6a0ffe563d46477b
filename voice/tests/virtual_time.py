"""An event loop whose time passes at once whenever there is nothing to do but wait.

Tests of what happens when take no time with it, and come out alike on a machine that is busy.
"""

from __future__ import annotations

import asyncio
import selectors
from typing import Any

from voice.clock import StreamClock


class _Selector(selectors.DefaultSelector):
    """Passes the time instead of waiting."""

    def __init__(self) -> None:
        super().__init__()
        self.now_s = 0.0

    def select(self, timeout: float | None = None) -> list[Any]:
        """Return what is there; if nothing is, `timeout` seconds have passed."""
        ready = super().select(None if timeout is None else 0)
        if not ready and timeout is not None:
            self.now_s += timeout
        return ready


class VirtualLoop(asyncio.SelectorEventLoop):
    """Its clock stands still while something is done."""

    def __init__(self) -> None:
        self._passing = _Selector()
        super().__init__(self._passing)

    def time(self) -> float:
        """Return seconds since it was made."""
        return self._passing.now_s


class VirtualTime(asyncio.DefaultEventLoopPolicy):
    """Gives a test that loop: return it from a fixture named `event_loop_policy`."""

    def new_event_loop(self) -> VirtualLoop:
        """Return a loop at time zero."""
        return VirtualLoop()


class LoopClock(StreamClock):
    """A stream's clock that goes by the running loop's."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()

    def now_ms(self) -> float:
        """Return ms since the loop was made."""
        return self._loop.time() * 1000
