"""One task that takes everything that happens on a call, in order, and wakes when time is up."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from typing import Any

MOST_EVENTS = 2000
"""Events that wait for a mind that is stuck: then the call is ended."""

Handler = Callable[..., Any]


class Mind:
    """Runs handlers, plain functions or coroutines, one after another.

    Args:
        times: the moments at which `on_time` is to be called, in ms of the stream.
        now_ms: the stream's clock.
        on_time: called when one of them has come.
        on_failure: called once with the error of a handler, or None if too much waits.
    """

    def __init__(
        self,
        *,
        times: Callable[[], Iterable[float | None]],
        now_ms: Callable[[], float],
        on_time: Handler,
        on_failure: Callable[[Exception | None], None],
    ) -> None:
        self._times = times
        self._now_ms = now_ms
        self._on_time = on_time
        self._on_failure = on_failure
        self._events: asyncio.Queue[Callable[[], Any]] = asyncio.Queue(MOST_EVENTS)
        self._failed = False

    @property
    def waiting(self) -> int:
        """How many events it has still to deal with."""
        return self._events.qsize()

    def post(self, handler: Handler, *args: Any) -> None:
        """Have a handler called after all that has been posted before."""
        try:
            self._events.put_nowait(lambda: handler(*args))
        except asyncio.QueueFull:
            self._fail(None)

    async def run(self) -> None:
        """Take what happens until cancelled, or until a handler fails."""
        while not self._failed:
            try:
                async with asyncio.timeout(self._until_next_s()):
                    handler = await self._events.get()
            except TimeoutError:
                handler = self._on_time
            try:
                result = handler()
                if asyncio.iscoroutine(result):
                    await result
            except Exception as error:
                self._fail(error)

    def _until_next_s(self) -> float | None:
        due = min((at for at in self._times() if at is not None), default=None)
        return None if due is None else max(0.0, (due - self._now_ms()) / 1000)

    def _fail(self, error: Exception | None) -> None:
        if not self._failed:
            self._failed = True
            self._on_failure(error)
