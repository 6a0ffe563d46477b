"""ElevenLabs' speech stream as it is on the wire, and its errors by what can be done about them.

Protocol: elevenlabs.io/docs/api-reference/text-to-speech/v-1-text-to-speech-voice-id-stream-input.
A socket carries one text; the text "" ends it; audio comes as base64 with the times of its
characters, and `isFinal` ends the answer. Errors come as the handshake's status, as a message with
"error", "message" and "code", or as the reason of a close frame (1008).
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal
from urllib.parse import quote, urlencode

import aiohttp

from voice.audio import duration_ms
from voice.engines.delivery import unsaid
from voice.engines.interface import EngineError

IDLE_S: Final = 60
"""How long the server keeps a socket on which nothing is said; we ask for that much."""
_CLOSING = (aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.CLOSING, aiohttp.WSMsgType.CLOSED)

FaultKind = Literal["key", "quota", "busy", "request", "failed"]


class ProviderFaultError(EngineError):
    """ElevenLabs did not do what was asked.

    Attributes:
        kind: "key" (wrong or blocked key), "quota" (characters used up), "busy" (too many at
            once), "request" (the voice or model is not there), "failed" (anything else).
        free: Whether ElevenLabs said so instead of speaking, and charges nothing.
    """

    def __init__(self, kind: FaultKind, message: str, *, free: bool = False) -> None:
        super().__init__(f"ElevenLabs: {message}", retryable=kind in ("busy", "failed"))
        self.kind = kind
        self.free = free


class StaleSocketError(ProviderFaultError):
    """A socket that was opened ahead had been closed in the meantime; nothing was said on it."""

    def __init__(self) -> None:
        super().__init__("failed", "the socket had been closed", free=True)


def fault_of(status: int, text: str) -> ProviderFaultError:
    """Return the fault that a status (HTTP, or a close code) and an explanation stand for."""
    told = f"{status} {text}".strip()
    words = text.lower()
    if "quota" in words or "credits" in words or status == 402:
        return ProviderFaultError("quota", told, free=True)
    if any(sign in words for sign in ("concurrent", "too_many", "rate_limit", "system_busy")):
        return ProviderFaultError("busy", told, free=True)
    if "api_key" in words or "api key" in words or "permission" in words or "unusual" in words:
        return ProviderFaultError("key", told, free=True)
    if status in (401, 403):
        return ProviderFaultError("key", told, free=True)
    if status == 429:
        return ProviderFaultError("busy", told, free=True)
    if status in (400, 404, 422) or "not_found" in words or "does not exist" in words:
        return ProviderFaultError("request", told, free=True)
    return ProviderFaultError("failed", told)


@dataclass(frozen=True, slots=True)
class Chunk:
    """One answer: audio, when each of its characters ends (ms from its start), and the end."""

    audio: bytes
    letters: tuple[tuple[str, float], ...] = ()
    final: bool = False


class SpeechSocket:
    """One stream-input socket, for one text."""

    def __init__(self, session: aiohttp.ClientSession, socket: Any) -> None:
        self._session = session
        self._socket: aiohttp.ClientWebSocketResponse = socket
        self._is_gone = False
        self.opened_at = time.monotonic()
        self.loop = asyncio.get_running_loop()

    @classmethod
    async def open(
        cls, base_url: str, secret: str, voice: str, query: Mapping[str, str], connect_s: float
    ) -> SpeechSocket:
        """Open a socket.

        Raises:
            ProviderFaultError: It was refused, or not open within `connect_s` seconds.
        """
        url = f"{base_url}/v1/text-to-speech/{quote(voice, safe='')}/stream-input"
        url = f"{url.replace('http', 'ws', 1)}?{urlencode(query)}"
        session = aiohttp.ClientSession()
        try:
            async with asyncio.timeout(connect_s):
                socket = await session.ws_connect(
                    url,
                    headers={"xi-api-key": secret},
                    timeout=aiohttp.ClientWSTimeout(ws_close=1.0),
                    max_msg_size=8 * 2**20,
                )
        except BaseException as error:
            await session.close()
            if isinstance(error, TimeoutError):
                raise ProviderFaultError("failed", f"no connection in {connect_s:g} s") from error
            if isinstance(error, aiohttp.WSServerHandshakeError):
                raise fault_of(error.status, error.message) from error
            if isinstance(error, aiohttp.ClientError | OSError):
                raise ProviderFaultError("failed", f"no connection: {error}") from error
            raise
        return cls(session, socket)

    @property
    def is_fresh(self) -> bool:
        """Whether it can still be used, on this event loop."""
        age_s = time.monotonic() - self.opened_at
        here = self.loop is asyncio.get_running_loop()
        return here and not self._socket.closed and age_s < IDLE_S - 10

    @property
    def is_closed(self) -> bool:
        """Whether the other side has closed it, as far as we have noticed."""
        return self._socket.closed or self._is_gone

    async def say(self, text: str, voice_settings: Mapping[str, float]) -> None:
        """Send a whole text.

        Raises:
            ProviderFaultError: The socket is gone.
        """
        try:
            await self._socket.send_json({"text": " ", "voice_settings": dict(voice_settings)})
            await self._socket.send_json({"text": text + " "})
            await self._socket.send_json({"text": ""})
        except (aiohttp.ClientError, ConnectionError) as error:
            self._is_gone = True
            raise ProviderFaultError("failed", "the connection broke off") from error

    async def next_chunk(self) -> Chunk:
        """Return the next answer.

        Raises:
            ProviderFaultError: It is an error, or the socket was closed before the end.
        """
        message = await self._socket.receive()
        if message.type in _CLOSING:
            reason = message.extra or ""
            if message.type is aiohttp.WSMsgType.CLOSE and message.data not in (None, 1000, 1005):
                raise fault_of(int(message.data), str(reason))
            raise ProviderFaultError("failed", "the stream broke off")
        if message.type is not aiohttp.WSMsgType.TEXT:
            self._is_gone = True
            raise ProviderFaultError("failed", "the stream broke off")
        return _chunk(message.data)

    async def close(self) -> None:
        """Close it; what is being made is made no further."""
        try:
            await self._socket.close()
        finally:
            await self._session.close()


def _chunk(text: str) -> Chunk:
    try:
        data = json.loads(text)
        if data.get("error"):
            told = f"{data['error']}: {data.get('message', '')}"
            raise fault_of(int(data.get("code") or 0), told)
        audio = base64.b64decode(data.get("audio") or "", validate=True)
        times = data.get("alignment") or {}
        lasting = times.get("charDurationsMs", times.get("charsDurationsMs", ()))
        letters = tuple(
            (str(letter), float(start) + float(length))
            for letter, start, length in zip(
                times.get("chars", ()), times.get("charStartTimesMs", ()), lasting, strict=False
            )
        )
    except (ValueError, AttributeError, TypeError, binascii.Error) as error:
        raise ProviderFaultError("failed", "an answer that cannot be read") from error
    return Chunk(audio, letters, final=data.get("isFinal") is True)


class WordCutter:
    """Let audio go only up to the end of a word, so that whoever goes on starts with the next.

    The stream comes far faster than it is spoken: what is held back is not missed. Without
    times of characters the audio passes, and the words are judged by its length.
    """

    def __init__(self, text: str, sample_rate: int) -> None:
        self._text = text
        self._rate = sample_rate
        self._held = bytearray()
        self._released_ms = 0.0
        self._made_ms = 0.0
        self._letters = 0
        self._odd = b""
        self.rest = text
        """The words that the audio let go so far does not hold."""

    def feed(self, chunk: Chunk) -> bytes:
        """Return the audio that can be played."""
        data = self._odd + chunk.audio
        self._odd = data[len(data) - len(data) % 2 :]
        data = data[: len(data) - len(data) % 2]
        began_ms = self._made_ms
        self._made_ms += duration_ms(data, self._rate)
        self._held += data
        if not chunk.letters and not self._letters:
            self.rest = unsaid(self._text, self._made_ms)
            return self._release(self._made_ms)
        until_ms = self._released_ms
        for letter, ends_ms in chunk.letters:
            self._letters += len("".join(letter.split()))
            at = self._position()
            if self._letters and self._text[at : at + 1] in ("", " "):
                until_ms = began_ms + ends_ms
                self.rest = self._text[at:].strip()
        return self._release(until_ms)

    def finish(self) -> bytes:
        """Return all that is left, at the end of the stream."""
        self.rest = ""
        return self._release(self._made_ms)

    def _position(self) -> int:
        """Return where the text stands after the letters so far, blanks not counted."""
        seen = 0
        for at, letter in enumerate(self._text):
            if seen >= self._letters:
                return at
            seen += not letter.isspace()
        return len(self._text)

    def _release(self, until_ms: float) -> bytes:
        size = max(0, round((until_ms - self._released_ms) * self._rate / 1000)) * 2
        audio = bytes(self._held[:size])
        del self._held[:size]
        self._released_ms += duration_ms(audio, self._rate)
        return audio
