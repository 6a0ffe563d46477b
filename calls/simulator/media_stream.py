"""Media Streams: the carrier's side of the WebSocket that carries a call's sound.

Messages as in twilio.com/docs/voice/media-streams/websocket-messages: every value a string, sound
as base64 of µ-law, 20 ms a message towards the application, any length back.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import json
from collections.abc import Callable
from typing import Any

import aiohttp

from calls.simulator.line import Line
from calls.simulator.webhooks import Webhooks

# Ten seconds of sound: a receiver this far behind is not coming back.
MOST_WAITING = 500
CONNECT_TIMEOUT_S = 15


class StreamError(Exception):
    """The stream could not be opened: Twilio's error 31920 (handshake) or 31901 (no connection)."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


class MediaStream:
    """One bidirectional stream of one call (`<Connect><Stream>`)."""

    def __init__(
        self,
        *,
        line: Line,
        account_sid: str,
        call_sid: str,
        stream_sid: str,
        parameters: dict[str, str],
        note: Callable[..., None],
    ) -> None:
        self.stream_sid = stream_sid
        self._line = line
        self._account_sid = account_sid
        self._call_sid = call_sid
        self._parameters = parameters
        self._note = note
        self._sequence = 0
        self._chunk = 0
        self._opened_ms = 0
        self._outgoing: asyncio.Queue[dict[str, Any] | None] = asyncio.Queue(MOST_WAITING)
        self._overflowed = asyncio.Event()
        self._stalled = False

    async def run(
        self,
        url: str,
        session: aiohttp.ClientSession,
        webhooks: Webhooks,
        *,
        drop_after_ms: int = 0,
        stall_after_ms: int = 0,
    ) -> None:
        """Carry the call's sound until the application closes the socket.

        Args:
            drop_after_ms: when to cut the connection; 0 for never.
            stall_after_ms: when to let nothing more pass in either direction; 0 for never.

        Raises:
            StreamError: the socket could not be opened.
        """
        socket = await self._open(url, session, webhooks)
        self._note("stream_opened", stream_sid=self.stream_sid)
        self._send({"event": "connected", "protocol": "Call", "version": "1.0.0"})
        self._send_numbered("start", {"start": self._start()})
        self._opened_ms = self._line.now_ms
        self._line.listener = self
        tasks = [
            asyncio.create_task(self._write(socket)),
            asyncio.create_task(self._read(socket)),
            asyncio.create_task(self._overflowed.wait()),
        ]
        if drop_after_ms:
            tasks.append(asyncio.create_task(asyncio.sleep(drop_after_ms / 1000)))
        if stall_after_ms:
            asyncio.get_running_loop().call_later(stall_after_ms / 1000, self._stall)
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            if drop_after_ms and tasks[3] in done:
                self._note("fault_socket_dropped")
                if socket._response.connection is not None:
                    socket._response.connection.close()
        except asyncio.CancelledError:
            await self._say_stop(tasks[0])
            raise
        finally:
            self._line.listener = None
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            self._line.playout.clear()
            await _close(socket)
            self._note("stream_closed", stream_sid=self.stream_sid)

    def _stall(self) -> None:
        """Let nothing more pass, as when a network in between has forgotten the connection."""
        self._note("fault_socket_stalled")
        self._stalled = True

    async def _open(
        self, url: str, session: aiohttp.ClientSession, webhooks: Webhooks
    ) -> aiohttp.ClientWebSocketResponse:
        headers = {"X-Twilio-Signature": webhooks.signature(url, {})}
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT_S):
                return await session.ws_connect(
                    url, headers=headers, max_msg_size=0, autoping=True, compress=0
                )
        except aiohttp.WSServerHandshakeError as error:
            raise StreamError(31920, f"handshake answered with {error.status}") from error
        except (aiohttp.ClientError, OSError, TimeoutError, ValueError) as error:
            raise StreamError(31901, f"connection failed: {type(error).__name__}") from error

    def _start(self) -> dict[str, Any]:
        return {
            "accountSid": self._account_sid,
            "streamSid": self.stream_sid,
            "callSid": self._call_sid,
            "tracks": ["inbound"],
            "mediaFormat": {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1},
            "customParameters": self._parameters,
        }

    # From the line to the application

    def sound(self, frame: bytes, at_ms: int) -> None:
        """Send 20 ms of the person's voice."""
        self._chunk += 1
        media = {
            "track": "inbound",
            "chunk": str(self._chunk),
            "timestamp": str(at_ms - self._opened_ms),
            "payload": base64.b64encode(frame).decode(),
        }
        self._send_numbered("media", {"media": media})

    def digit(self, digit: str) -> None:
        """Send one key pressed."""
        self._note("digit", digit=digit)
        self._send_numbered("dtmf", {"dtmf": {"track": "inbound_track", "digit": digit}})

    def _send_numbered(self, event: str, content: dict[str, Any]) -> None:
        self._sequence += 1
        self._send(
            {
                "event": event,
                "sequenceNumber": str(self._sequence),
                **content,
                "streamSid": self.stream_sid,
            }
        )

    def _send(self, message: dict[str, Any]) -> None:
        if self._stalled:
            return
        try:
            self._outgoing.put_nowait(message)
        except asyncio.QueueFull:
            self._note("stream_error", code=31921, message="the application reads too slowly")
            self._overflowed.set()

    async def _write(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        while (message := await self._outgoing.get()) is not None:
            try:
                await socket.send_str(json.dumps(message, separators=(",", ":")))
            except (ConnectionError, aiohttp.ClientError):
                return

    async def _say_stop(self, writer: asyncio.Task[Any]) -> None:
        """Send `stop`, as happens when the call ends before the application closes the socket."""
        if writer.done() or self._outgoing.full():
            return
        stop = {"accountSid": self._account_sid, "callSid": self._call_sid}
        self._send_numbered("stop", {"stop": stop})
        if not self._outgoing.full():
            self._outgoing.put_nowait(None)
            await asyncio.wait([writer], timeout=1)

    # From the application to the line

    async def _read(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        async for message in socket:
            if self._stalled:
                continue
            if message.type is not aiohttp.WSMsgType.TEXT:
                self._reject(31951, "only text messages are understood")
                continue
            try:
                self._take(json.loads(message.data))
            except (ValueError, KeyError, TypeError, binascii.Error) as error:
                self._reject(31951, f"{type(error).__name__} in a message")
        self._note("stream_peer_closed", code=socket.close_code)

    def _take(self, message: dict[str, Any]) -> None:
        event = message["event"]
        if message.get("streamSid") != self.stream_sid:
            self._reject(31951, "a message with another streamSid")
        elif event == "media":
            sound = base64.b64decode(message["media"]["payload"], validate=True)
            if not self._line.playout.feed(sound):
                self._reject(31930, "more than ten minutes of sound are waiting")
        elif event == "mark":
            name = str(message["mark"]["name"])
            self._line.playout.mark(name, lambda played: self._return_mark(name, played))
        elif event == "clear":
            self._note("clear", waiting_ms=self._line.playout.waiting_ms)
            self._line.playout.clear()
        else:
            self._reject(31951, f"an event called {str(event)[:40]!r}")

    def _return_mark(self, name: str, played: bool) -> None:
        self._note("mark", name=name, played=played)
        if played and self._line.lead is not None:
            self._line.lead.mark_passed(name)
        self._send_numbered("mark", {"mark": {"name": name}})

    def _reject(self, code: int, message: str) -> None:
        self._note("stream_error", code=code, message=message)


async def _close(socket: aiohttp.ClientWebSocketResponse) -> None:
    try:
        async with asyncio.timeout(2):
            await socket.close()
    except (TimeoutError, ConnectionError, aiohttp.ClientError):
        pass
