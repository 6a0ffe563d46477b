"""ElevenLabs' side of the wire, on a real socket: speech as tones, and all its ways to fail."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from aiohttp import WSMsgType, web

MS_PER_LETTER = 50
LETTERS_PER_CHUNK = 7


@dataclass
class Account:
    """What the server makes of one key."""

    status: int = 0
    """Refuse the handshake with it."""
    error: dict[str, Any] | None = None
    """Answer a text with it, and close with 1008."""
    stall_after: int | None = None
    """Say nothing more after so many letters."""
    drop_after: int | None = None
    """Break the connection after so many letters."""
    error_after: int | None = None
    """Send `error` only after so many letters."""
    has_times: bool = True
    chunk_pause_s: float = 0.0
    plan: str = "creator"
    limit: int = 100_000
    used: int = 0
    texts: list[str] = field(default_factory=list)
    at_once: int = 0
    most_at_once: int = 0


class ElevenLabsServer:
    """The API, for the keys in `accounts`."""

    def __init__(self) -> None:
        self.accounts: dict[str, Account] = {}
        self.queries: list[dict[str, str]] = []
        self.handshakes = 0
        self.idle: dict[web.WebSocketResponse, web.Request] = {}
        """Sockets on which nothing has been said yet."""
        self.url = ""

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[ElevenLabsServer]:
        app = web.Application()
        app.router.add_get("/v1/text-to-speech/{voice}/stream-input", self._speak)
        app.router.add_get("/v1/user/subscription", self._subscription)
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        try:
            yield self
        finally:
            await runner.cleanup()

    async def _subscription(self, request: web.Request) -> web.Response:
        account = self.accounts.get(request.headers.get("xi-api-key", ""))
        if account is None or account.status == 401:
            detail = {"status": "invalid_api_key", "message": "Invalid API key"}
            return web.json_response({"detail": detail}, status=401)
        return web.json_response(
            {
                "tier": account.plan,
                "character_count": account.used,
                "character_limit": account.limit,
                "max_credit_limit_extension": 0,
                "can_extend_character_limit": False,
                "status": "active",
            }
        )

    async def _speak(self, request: web.Request) -> web.StreamResponse:
        self.handshakes += 1
        account = self.accounts.get(request.headers.get("xi-api-key", ""))
        if account is None or account.status:
            return web.Response(status=account.status if account else 401)
        self.queries.append(dict(request.query))
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        self.idle[socket] = request
        text = await self._read(socket)
        if text is None:
            return socket
        account.texts.append(text)
        account.at_once += 1
        account.most_at_once = max(account.most_at_once, account.at_once)
        answering = asyncio.create_task(self._answer(socket, request, account, text))
        try:
            while not answering.done():  # a client that goes away stops the generation
                reading = asyncio.ensure_future(socket.receive())
                await asyncio.wait({reading, answering}, return_when=asyncio.FIRST_COMPLETED)
                if reading.done() and reading.result().type is not WSMsgType.TEXT:
                    break
                reading.cancel()
        finally:
            account.at_once -= 1
            answering.cancel()
            await asyncio.gather(answering, return_exceptions=True)
        return socket

    async def _read(self, socket: web.WebSocketResponse) -> str | None:
        """Collect the text until its end, "" (the first message has to be a blank)."""
        parts: list[str] = []
        async for message in socket:
            data = json.loads(message.data)
            self.idle.pop(socket, None)
            if not parts:
                assert data["text"] == " "
                assert "voice_settings" in data
            if data["text"] == "":
                return "".join(parts).strip()
            parts.append(data["text"])
        return None

    async def _answer(
        self, socket: web.WebSocketResponse, request: web.Request, account: Account, text: str
    ) -> None:
        if account.error is not None and account.error_after is None:
            return await self._fail(socket, account.error)
        rate = int(request.query["output_format"].removeprefix("pcm_"))
        limits = (account.stall_after, account.drop_after, account.error_after)
        limit = min((each for each in limits if each is not None), default=len(text))
        account.used += len(text)
        for at in range(0, min(limit, len(text)), LETTERS_PER_CHUNK):
            letters = text[at : min(at + LETTERS_PER_CHUNK, limit)]
            await socket.send_json(_chunk(letters, rate, has_times=account.has_times))
            await asyncio.sleep(account.chunk_pause_s)
        if account.stall_after is not None:
            await asyncio.sleep(60)
        if account.drop_after is not None:
            assert request.transport is not None
            request.transport.abort()
            return None
        if account.error is not None:
            return await self._fail(socket, account.error)
        await socket.send_json({"audio": None, "isFinal": True, "alignment": None})
        await socket.close()
        return None

    async def _fail(self, socket: web.WebSocketResponse, error: dict[str, Any]) -> None:
        await socket.send_json(error)
        await socket.close(code=1008, message=str(error["message"]).encode()[:120])


def _chunk(letters: str, rate: int, *, has_times: bool) -> dict[str, Any]:
    samples = np.arange(len(letters) * MS_PER_LETTER * rate // 1000)
    sound = (8000 * np.sin(2 * np.pi * 440 * samples / rate)).astype("<i2")
    times = {
        "chars": list(letters),
        "charStartTimesMs": [MS_PER_LETTER * at for at in range(len(letters))],
        "charDurationsMs": [MS_PER_LETTER] * len(letters),
    }
    return {
        "audio": base64.b64encode(sound.tobytes()).decode(),
        "isFinal": None,
        "alignment": times if has_times else None,
        "normalizedAlignment": times if has_times else None,
    }


QUOTA = {"message": "This request exceeds your quota.", "error": "quota_exceeded", "code": 1008}
BUSY = {
    "message": "Too many concurrent requests.",
    "error": "too_many_concurrent_requests",
    "code": 1008,
}
