"""The live media streams of this process, and what each one's two ends say to each other."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from typing import Any

import structlog
from django.conf import settings

from voice import metrics, wire
from voice.clock import StreamClock

logger = structlog.get_logger(__name__)

MOST_WAITING = 250
"""Messages that wait for the pipeline: five seconds of sound. Then the oldest sound is dropped."""

DEAD_AFTER_S = 5.0
"""A carrier sends sound without a break; a stream silent for so long is dead."""


@dataclass(frozen=True, slots=True)
class Notice:
    """News of the call from elsewhere in the product; see `calls.services.notices`."""

    id: str
    kind: str
    data: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Closed:
    """The stream is over. `reason` says who ended it."""

    reason: str


Incoming = wire.Media | wire.Dtmf | wire.Mark | Notice | Closed


class MediaSession:
    """One media stream after its `start`. The socket's side never waits in it.

    Args:
        start: what the carrier said of the stream.
        send: writes a text frame to the socket.
        close: closes the socket with a code.
    """

    def __init__(
        self,
        start: wire.Start,
        *,
        send: Callable[[str], Awaitable[None]],
        close: Callable[[int], Awaitable[None]],
    ) -> None:
        self.clock = StreamClock()
        self.stream_sid = start.stream_sid
        self._send = send
        self._close = close
        self._waiting: deque[Incoming] = deque()
        self._arrived = asyncio.Event()
        self.closed = ""
        """Why the stream is over; empty while it is not."""

    # The socket's side

    def put(self, item: Incoming) -> None:
        """Hand something over to the pipeline at once; when it is behind, drop the oldest sound."""
        if self.closed and not isinstance(item, Closed):
            return
        if len(self._waiting) >= MOST_WAITING:
            oldest = next((old for old in self._waiting if isinstance(old, wire.Media)), None)
            if oldest is None:
                return
            self._waiting.remove(oldest)
            metrics.DROPPED_FRAMES.inc()
        self._waiting.append(item)
        self._arrived.set()

    def lose(self, reason: str) -> None:
        """Say that the stream is over. Only the first reason counts."""
        if not self.closed:
            self.closed = reason
            self.put(Closed(reason))

    # The pipeline's side

    async def get(self) -> Incoming:
        """Return what comes next. A stream that has gone silent is closed."""
        while not self._waiting:
            self._arrived.clear()
            try:
                async with asyncio.timeout(DEAD_AFTER_S):
                    await self._arrived.wait()
            except TimeoutError:
                self.lose("socket_lost")
        return self._waiting.popleft()

    async def send_sound(self, ulaw: bytes) -> None:
        """Send sound for the caller."""
        await self._write(wire.compose_media(self.stream_sid, ulaw))

    async def send_mark(self, name: str) -> None:
        """Ask to be told when the sound so far has been played."""
        await self._write(wire.compose_mark(self.stream_sid, name))

    async def send_clear(self) -> None:
        """Take back the sound not yet played."""
        await self._write(wire.compose_clear(self.stream_sid))

    async def close(self) -> None:
        """Close the socket. Safe to call twice."""
        with contextlib.suppress(Exception):  # the socket may be gone in many ways
            await self._close(1000)

    async def _write(self, text: str) -> None:
        if self.closed:
            return
        try:
            await self._send(text)
        except Exception as error:
            logger.info("stream_write_failed", error=type(error).__name__)
            self.lose("socket_lost")


class LiveCalls:
    """The calls that this process carries. One per process: `live_calls`.

    A call's task belongs here, not to the consumer that started it: the server cancels consumers
    when their peer is gone, and a call has a record to finish.
    """

    def __init__(self) -> None:
        self.draining = False
        self._tasks: dict[asyncio.Task[None], None] = {}
        self._lag_watch: asyncio.Task[None] | None = None

    def __len__(self) -> int:
        return len(self._tasks)

    @property
    def most(self) -> int:
        """How many calls the process may carry at once."""
        most: int = settings.ENV.voice_max_sessions
        return most

    def refusal(self) -> str:
        """Return why no further call can be served well now; empty if one can."""
        if self.draining:
            return "draining"
        return "full" if len(self._tasks) >= self.most else ""

    def start(self, call: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Run a call to its end, whatever happens to its socket."""
        if self._lag_watch is None or self._lag_watch.done():
            self._lag_watch = asyncio.create_task(metrics.watch_loop(), name="loop-lag")
        task = asyncio.create_task(call, name="call")
        self._tasks[task] = None
        metrics.LIVE_CALLS.set(len(self._tasks))
        task.add_done_callback(self._ended)
        return task

    async def drain(self, timeout_s: float) -> int:
        """Take no new calls and wait for the live ones; return how many were still there."""
        self.draining = True
        if self._tasks:
            await asyncio.wait(list(self._tasks), timeout=timeout_s)
        return len(self._tasks)

    def _ended(self, task: asyncio.Task[None]) -> None:
        del self._tasks[task]
        metrics.LIVE_CALLS.set(len(self._tasks))
        if not self._tasks and self._lag_watch is not None:
            self._lag_watch.cancel()
            self._lag_watch = None
        if not task.cancelled() and task.exception() is not None:
            logger.error("call_failed", exc_info=task.exception())


live_calls = LiveCalls()
