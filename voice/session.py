"""One call's media stream: what its two ends say to each other, on one socket after another."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import structlog

from voice import metrics, wire
from voice.clock import StreamClock
from voice.live_calls import live_calls

__all__ = ["Closed", "MediaSession", "MediaSocket", "Notice", "SocketLost", "live_calls"]

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
        self._loop = asyncio.get_running_loop()
        self._patience_until = self._loop.time() + DEAD_AFTER_S
        self._watch = self._loop.call_at(self._patience_until, self._look)
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
        self._patience_until = self._loop.time() + DEAD_AFTER_S

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
        self._wait_for(DEAD_AFTER_S)
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
        self._wait_for(GRACE_S)
        self._back = asyncio.Event()
        self.put(SocketLost(self._back))
        closing = asyncio.ensure_future(_close(gone))
        self._closing.add(closing)
        closing.add_done_callback(self._closing.discard)

    def lose(self, reason: str) -> None:
        """Say that the stream is over. Only the first reason counts."""
        if not self.closed:
            self.closed = reason
            self._watch.cancel()
            self.put(Closed(reason))

    def _wait_for(self, seconds: float) -> None:
        self._watch.cancel()
        self._patience_until = self._loop.time() + seconds
        self._watch = self._loop.call_at(self._patience_until, self._look)

    def _look(self) -> None:
        """Give up a socket that has gone silent, then the call; look again when it may be so."""
        if self._loop.time() < self._patience_until:
            self._watch = self._loop.call_at(self._patience_until, self._look)
        elif self.socket is not None:
            self.detach()
        else:
            self.lose("socket_lost")

    # The pipeline's side

    async def get(self) -> Incoming:
        """Return what comes next."""
        while not self._waiting:
            self._arrived.clear()
            await self._arrived.wait()
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
