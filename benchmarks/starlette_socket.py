"""Run Pipecat's own Twilio transport on aiohttp.

Pipecat's WebSocket transport for telephony is written for FastAPI, which this project does not
use. Of FastAPI it needs two names and six methods of a socket. They are given here, so that the
bot beside ours in the benchmark is Pipecat's code and not a copy of it.
"""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Callable
from enum import Enum
from types import ModuleType
from typing import Any

from aiohttp import WSMsgType, web


class WebSocketState(Enum):
    """Starlette's states of a socket."""

    CONNECTING = 0
    CONNECTED = 1
    DISCONNECTED = 2


class Socket:
    """An aiohttp WebSocket that looks like Starlette's.

    Args:
        socket: an accepted socket.
        on_sent: told of every text message after it has been handed to the operating system.
    """

    def __init__(self, socket: web.WebSocketResponse, on_sent: Callable[[str], None]) -> None:
        self.headers: dict[str, str] = {}
        self.client_state = self.application_state = WebSocketState.CONNECTED
        self._socket = socket
        self._on_sent = on_sent

    async def receive(self) -> dict[str, Any]:
        """Return the next ASGI message."""
        message = await self._socket.receive()
        if message.type is WSMsgType.TEXT:
            return {"type": "websocket.receive", "text": message.data}
        self.client_state = WebSocketState.DISCONNECTED
        return {"type": "websocket.disconnect"}

    async def iter_text(self) -> AsyncIterator[str]:
        """Yield text messages."""
        while (message := await self.receive())["type"] == "websocket.receive":
            yield message["text"]

    async def send_text(self, data: str) -> None:
        """Send a text message."""
        await self._socket.send_str(data)
        self._on_sent(data)

    async def send_bytes(self, data: bytes) -> None:
        """Send a binary message."""
        await self._socket.send_bytes(data)

    async def close(self) -> None:
        """Close the socket."""
        self.client_state = self.application_state = WebSocketState.DISCONNECTED
        await self._socket.close()


def install() -> None:
    """Give Pipecat the two names it imports, unless FastAPI is there after all."""
    try:
        import fastapi  # noqa: F401
    except ModuleNotFoundError:
        fastapi_module, starlette, sockets = (
            ModuleType("fastapi"),
            ModuleType("starlette"),
            ModuleType("starlette.websockets"),
        )
        fastapi_module.WebSocket = Socket  # type: ignore[attr-defined]
        sockets.WebSocketState = WebSocketState  # type: ignore[attr-defined]
        sys.modules |= {
            "fastapi": fastapi_module,
            "starlette": starlette,
            "starlette.websockets": sockets,
        }
