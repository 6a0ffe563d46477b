"""The live media streams of this process, and what each one's two ends say to each other."""

from __future__ import annotations

import asyncio
import contextlib
import time
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

DEAD_AFTER_S = 4.0
"""A carrier sends sound without a break; a socket silent for so long is dead."""

GRACE_S = 8.0
"""How long a call that has lost its socket waits for the carrier to open another one."""


@dataclass(frozen=True, slots=True)
class Notice:
    """News of the call from elsewhere in the product; see `calls.services.notices`."""

    id: str
    kind: str
    data: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SocketLost:
    """Nobody is on the line for now. `back` is set once a socket is there again."""

    back: asyncio.Event


@dataclass(frozen=True, slots=True)
class Closed:
    """The stream is over. `reason` says who ended it."""

    reason: str


Incoming = wire.Media | wire.Dtmf | wire.Mark | Notice | SocketLost | Closed


@dataclass(frozen=True, slots=True, eq=False)
class MediaSocket:
    """One WebSocket of a session, as its consumer holds it.

    What is left of a socket that another one has replaced is ignored.
    """

    session: MediaSession
    stream_sid: str
    send: Callable[[str], Awaitable[None]]
    close: Callable[[int], Awaitable[None]]
    opened_ms: float
    """When, in the session's time: the carrier counts each stream's time from its own start."""

    @property
    def is_current(self) -> bool:
        """Whether the call listens to it."""
        return self.session.socket is self

    def put(self, item: wire.Media | wire.Dtmf | wire.Mark) -> None:
        """Hand over what came. Waits for nothing."""
        if self.is_current:
            self.session.heard_from()
            if self.opened_ms and isinstance(item, wire.Media):
                item = wire.Media(item.timestamp_ms + round(self.opened_ms), item.ulaw)
            self.session.put(item)

    def end(self, reason: str) -> None:
        """Say that the stream is over, and with it the call."""
        if self.is_current:
            self.session.lose(reason)

    def lost(self) -> None:
        """Say that the socket is gone without a word: the carrier may open another one."""
        if self.is_current:
            self.session.detach()


class MediaSession:
    """The media stream of one call, on one socket or several after each other.

    The sockets' side never waits in it.

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
        self.socket: MediaSocket | None = MediaSocket(self, start.stream_sid, send, close, 0.0)
        self._waiting: deque[Incoming] = deque()
        self._arrived = asyncio.Event()
        self._patience_until = time.monotonic() + DEAD_AFTER_S
        self._back: asyncio.Event | None = None
        self._closing: set[asyncio.Task[None]] = set()
        self.closed = ""
        """Why the stream is over; empty while it is not."""

    @property
    def waiting(self) -> int:
        """How many messages the pipeline has still to take."""
        return len(self._waiting)

    # The sockets' side

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

    def heard_from(self) -> None:
        """Note that the socket lives."""
        self._patience_until = time.monotonic() + DEAD_AFTER_S

    def attach(
        self,
        start: wire.Start,
        *,
        send: Callable[[str], Awaitable[None]],
        close: Callable[[int], Awaitable[None]],
    ) -> MediaSocket | None:
        """Go on with another socket, and close the one before. `None` if the call is over."""
        if self.closed:
            return None
        self.detach()
        self.socket = MediaSocket(self, start.stream_sid, send, close, self.clock.now_ms())
        self.heard_from()
        if self._back is not None:
            self._back.set()
            self._back = None
        metrics.SOCKETS_BACK.inc()
        logger.info("socket_back", stream_sid=start.stream_sid)
        return self.socket

    def detach(self) -> None:
        """Wait for another socket; the one there was is closed. Safe to call twice."""
        gone, self.socket = self.socket, None
        if gone is None or self.closed:
            return
        metrics.SOCKETS_LOST.inc()
        logger.warning("socket_lost", stream_sid=gone.stream_sid)
        self._patience_until = time.monotonic() + GRACE_S
        self._back = asyncio.Event()
        self.put(SocketLost(self._back))
        closing = asyncio.ensure_future(_close(gone))
        self._closing.add(closing)
        closing.add_done_callback(self._closing.discard)

    def lose(self, reason: str) -> None:
        """Say that the stream is over. Only the first reason counts."""
        if not self.closed:
            self.closed = reason
            self.put(Closed(reason))

    # The pipeline's side

    async def get(self) -> Incoming:
        """Return what comes next. A socket that has gone silent is given up, then the call is."""
        while not self._waiting:
            self._arrived.clear()
            try:
                async with asyncio.timeout(max(0.0, self._patience_until - time.monotonic())):
                    await self._arrived.wait()
            except TimeoutError:
                if time.monotonic() < self._patience_until:
                    continue  # something came meanwhile
                if self.socket is not None:
                    self.detach()
                else:
                    self.lose("socket_lost")
        return self._waiting.popleft()

    async def send_sound(self, ulaw: bytes) -> None:
        """Send sound for the caller."""
        if self.socket is not None:
            await self._write(wire.compose_media(self.socket.stream_sid, ulaw))

    async def send_mark(self, name: str) -> None:
        """Ask to be told when the sound so far has been played."""
        if self.socket is not None:
            await self._write(wire.compose_mark(self.socket.stream_sid, name))

    async def send_clear(self) -> None:
        """Take back the sound not yet played."""
        if self.socket is not None:
            await self._write(wire.compose_clear(self.socket.stream_sid))

    async def close(self) -> None:
        """Close the socket. Safe to call twice."""
        if self.socket is not None:
            await _close(self.socket)

    async def _write(self, text: str) -> None:
        socket = self.socket
        if self.closed or socket is None:
            return
        try:
            await socket.send(text)
        except Exception as error:
            logger.info("stream_write_failed", error=type(error).__name__)
            socket.lost()


async def _close(socket: MediaSocket) -> None:
    with contextlib.suppress(Exception):  # the socket may be gone in many ways
        await socket.close(1000)


class LiveCalls:
    """The calls that this process carries. One per process: `live_calls`.

    A call's task belongs here, not to the consumer that started it: the server cancels consumers
    when their peer is gone, and a call has a record to finish.
    """

    def __init__(self) -> None:
        self.draining = False
        self._tasks: dict[asyncio.Task[None], None] = {}
        self._sessions: dict[str, MediaSession] = {}
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

    def hold(self, call_id: str, session: MediaSession) -> None:
        """Note which session a call has, so that its carrier may come back to it."""
        self._sessions[call_id] = session

    def release(self, call_id: str) -> None:
        """Forget the session of a call that is over."""
        self._sessions.pop(call_id, None)

    def session_of(self, call_id: str) -> MediaSession | None:
        """Return the session of a call that this process carries."""
        return self._sessions.get(call_id)

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
