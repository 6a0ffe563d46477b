"""A local neural voice behind Piper's own HTTP server, which keeps its licence outside.

The server (`python -m piper.http_server`) answers `POST /synthesize` with the whole clip as a WAV
file; it speaks one request at a time and says what it speaks with at `GET /info`.
"""

from __future__ import annotations

import asyncio
import hashlib
import io
import json
import wave
from collections.abc import AsyncGenerator
from typing import Any, Final

import aiohttp

from voice.engines.espeak import pause_after
from voice.engines.interface import EngineError
from voice.engines.loudness import speech_level_dbfs
from voice.engines.piper import CALIBRATION, LONGEST_TEXT, PIECE_MS, TARGET_DBFS, levelled
from voice.engines.speakable import speakable

CONNECT_S: Final = 0.5
"""The server is near: one that does not take a connection by then is not there."""
ANSWER_S: Final = 5.0


class PiperHttpSynthesizer:
    """Speech of a Piper HTTP server, levelled to -20 dBFS.

    Args:
        url: The server's address, e.g. "http://piper:5000".
        answer_s: Seconds to wait for a clip.

    Raises:
        EngineError: No address is given.
    """

    name = "piper_http"

    def __init__(self, url: str, *, answer_s: float = ANSWER_S) -> None:
        if not url:
            raise EngineError("no Piper server is named: set PIPER_URL, e.g. http://piper:5000")
        self._url = url.rstrip("/")
        self._timeout = aiohttp.ClientTimeout(total=answer_s, sock_connect=CONNECT_S)
        self._gain_db: float | None = None
        self.voice_key = f"piper_http:{self._url}"

    def preload(self) -> float:
        """Ask the server for its voice; return the gain in dB that levels it. Blocks.

        Raises:
            EngineError: The server does not answer.
        """
        if self._gain_db is None:
            return asyncio.run(self._learn())
        return self._gain_db

    async def stream(self, text: str, sample_rate: int) -> AsyncGenerator[bytes, None]:
        """Yield the speech once the server has made it. See `SpeechSynthesizer.stream`."""
        words = speakable(text)
        if not words:
            return
        if len(words) > LONGEST_TEXT:
            raise EngineError(
                f"the text has {len(words)} characters, Piper takes {LONGEST_TEXT}: split it"
            )
        gain_db = self._gain_db
        if gain_db is None:
            gain_db = await self._learn()
        pcm, source_rate = await self._clip(words)
        tail_ms = pause_after(words)
        audio = await asyncio.to_thread(levelled, pcm, source_rate, sample_rate, gain_db, tail_ms)
        size = sample_rate * PIECE_MS // 1000 * 2
        for at in range(0, len(audio), size):
            yield audio[at : at + size]

    async def synthesize(self, text: str, sample_rate: int = 8000) -> bytes:
        """Return the whole clip."""
        return b"".join([piece async for piece in self.stream(text, sample_rate)])

    async def _learn(self) -> float:
        """Find out which voice the server has and how loud it is."""
        info = await self._info()
        pcm, source_rate = await self._clip(CALIBRATION)
        # The server's settings do not tell all that shapes the sound; the clip's rate is one more.
        shape = f"{info}|{source_rate}|{TARGET_DBFS}|1"
        voice = hashlib.sha256(shape.encode()).hexdigest()[:12]
        self._gain_db = TARGET_DBFS - speech_level_dbfs(pcm, source_rate)
        self.voice_key = f"piper_http:{self._url}:{voice}"
        return self._gain_db

    async def _info(self) -> str:
        """Return what the server tells of its voice; older servers tell nothing."""
        try:
            told = json.loads(await self._request("GET", "/info"))
        except (EngineError, ValueError) as error:
            if isinstance(error, EngineError) and error.retryable:
                raise
            return ""
        return str(told.get("voice")) if isinstance(told, dict) else ""

    async def _clip(self, text: str) -> tuple[bytes, int]:
        answer = await self._request("POST", "/synthesize", json={"text": text})
        try:
            with wave.open(io.BytesIO(answer), "rb") as clip:
                if (clip.getsampwidth(), clip.getnchannels()) != (2, 1):
                    raise EngineError(f"the Piper server at {self._url} gave no mono 16-bit WAV")
                return clip.readframes(clip.getnframes()), clip.getframerate()
        except (wave.Error, EOFError) as error:
            raise EngineError(
                f"what the server at {self._url} gave is no WAV: {error}", retryable=True
            ) from error

    async def _request(self, method: str, path: str, **content: Any) -> bytes:
        # The server closes the connection after each answer, so there is none to keep.
        try:
            async with (
                aiohttp.ClientSession(timeout=self._timeout) as session,
                session.request(method, self._url + path, **content) as response,
            ):
                if response.status != 200:
                    raise EngineError(
                        f"the Piper server at {self._url} answered {response.status}",
                        retryable=response.status >= 500,
                    )
                return await response.read()
        except TimeoutError as error:
            raise EngineError(
                f"the Piper server at {self._url} did not answer in time", retryable=True
            ) from error
        except aiohttp.ClientError as error:
            raise EngineError(
                f"the Piper server at {self._url} cannot be reached: {error}", retryable=True
            ) from error
