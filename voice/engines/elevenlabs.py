"""The premium voice: ElevenLabs over its WebSocket, with several keys.

Every request ends in one of three ways: the whole text is spoken; the key is refused before
anything was spoken, and the next key is asked; or an `EngineError` comes within the time-outs
below, and the pieces so far say which words are left for another voice.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import time
import uuid
from collections.abc import AsyncGenerator, Coroutine, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, Final

import structlog

from agents.circuit import Circuit
from voice.engines.delivery import EngineRefusedError, OnUsage, SpeechPiece, SpeechUsage
from voice.engines.elevenlabs_keys import ApiKey, KeyRing
from voice.engines.elevenlabs_wire import (
    IDLE_S,
    Chunk,
    ProviderFaultError,
    SpeechSocket,
    StaleSocketError,
    WordCutter,
)
from voice.engines.espeak import pause_after
from voice.engines.interface import EngineError
from voice.engines.loudness import Leveller, speech_level_dbfs
from voice.engines.speakable import speakable

log = structlog.get_logger(__name__)

PROVIDER: Final = "elevenlabs"
LONGEST_TEXT: Final = 2000
TARGET_DBFS: Final = -20.0
FAILURES_TO_REST: Final = 3
REST_S: Final = 30.0
_RATES: Final = (8000, 16000, 22050, 24000, 44100)
_CALIBRATING_S: Final = 1.0
_SPARE_CONNECT_S: Final = 5.0


@dataclass(frozen=True, slots=True)
class ElevenLabsVoice:
    """How it sounds, and how long it may take.

    Attributes:
        voice: Its id at ElevenLabs.
        model: As the price list has it.
        first_audio_s: Seconds to the first audio; keys refused and connecting are in it.
        stall_s: Seconds without anything in mid-stream.
    """

    voice: str
    model: str = "eleven_flash_v2_5"
    stability: float = 0.5
    similarity_boost: float = 0.8
    speed: float = 1.0
    first_audio_s: float = 0.7
    stall_s: float = 2.0

    @property
    def settings(self) -> dict[str, float]:
        """What ElevenLabs calls the voice settings."""
        return {
            "stability": self.stability,
            "similarity_boost": self.similarity_boost,
            "speed": self.speed,
        }


@dataclass(slots=True)
class _Shared:
    """What all calls of the process have in common."""

    keys: KeyRing
    circuit: Circuit
    base_url: str
    spare: dict[tuple[str, int], SpeechSocket] = field(default_factory=dict)
    """One open socket a key and sample rate, so that the next text does not wait for it."""
    tasks: set[asyncio.Task[Any]] = field(default_factory=set)
    gain_db: float | None = None

    def later(self, work: Coroutine[Any, Any, Any]) -> None:
        """Do something apart from the speech, and mind nothing of how it ends."""

        async def quietly() -> None:
            with contextlib.suppress(Exception):
                await work

        task = asyncio.create_task(quietly())
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)


class ElevenLabsSynthesizer:
    """Speech of one ElevenLabs voice.

    Args:
        voice: Which, and its time-outs.
        secrets: API keys in order of preference.
        base_url: Of the API.
        most_at_once: Concurrent requests of this process and key; 0 for the plan's own limit.
        on_usage: Told of every text that was sent and is charged.
    """

    name = PROVIDER

    def __init__(
        self,
        voice: ElevenLabsVoice,
        *,
        secrets: Sequence[str],
        base_url: str,
        most_at_once: int = 0,
        on_usage: OnUsage | None = None,
    ) -> None:
        self.voice = voice
        shape = f"{voice.settings}|{TARGET_DBFS}|1"
        digest = hashlib.sha256(shape.encode()).hexdigest()[:12]
        self.voice_key = f"{PROVIDER}:{voice.voice}:{voice.model}:{digest}"
        self._on_usage = on_usage
        self._shared = _Shared(
            keys=KeyRing(secrets, base_url=base_url, model=voice.model, most_at_once=most_at_once),
            circuit=Circuit(failures=FAILURES_TO_REST, rest_s=REST_S, clock=time.monotonic),
            base_url=base_url,
        )

    @property
    def keys(self) -> KeyRing:
        """The keys, and what is known of them."""
        return self._shared.keys

    def billed_to(self, on_usage: OnUsage) -> ElevenLabsSynthesizer:
        """Return this voice for one call: same keys, sockets and circuit, its own bill."""
        mine = object.__new__(type(self))
        mine.voice, mine.voice_key = self.voice, self.voice_key
        mine._shared, mine._on_usage = self._shared, on_usage
        return mine

    def preload(self) -> None:
        """Look at the plans. Blocks for at most 5 s; a provider that is down is no error."""
        # In a thread, for the thread that loads engines may have an event loop set that it needs.
        with ThreadPoolExecutor(max_workers=1) as thread:
            thread.submit(asyncio.run, self._shared.keys.watch()).result()

    async def stream(self, text: str, sample_rate: int) -> AsyncGenerator[bytes, None]:
        """Yield the speech as it comes. See `SpeechSynthesizer.stream`."""
        async with contextlib.aclosing(self.pieces(text, sample_rate)) as pieces:
            async for piece in pieces:
                if piece.audio:
                    yield piece.audio

    async def synthesize(self, text: str, sample_rate: int = 8000) -> bytes:
        """Return the whole clip."""
        return b"".join([piece async for piece in self.stream(text, sample_rate)])

    async def pieces(self, text: str, sample_rate: int) -> AsyncGenerator[SpeechPiece, None]:
        """Yield the speech in whole words, with the words still to come.

        Raises:
            EngineRefusedError: No key is served.
            EngineError: Anything else; `retryable` says whether it may pass.
        """
        words = speakable(text)
        if not words:
            return
        if len(words) > LONGEST_TEXT or sample_rate not in _RATES:
            raise EngineError(
                f"ElevenLabs takes {LONGEST_TEXT} characters at {_RATES} Hz, "
                f"got {len(words)} at {sample_rate}"
            )
        if not self._shared.circuit.allows():
            raise EngineError("ElevenLabs failed lately and is left alone", retryable=True)
        keys = self._shared.keys
        if keys.is_watch_due:
            self._shared.later(keys.watch())
        refused: list[ApiKey] = []
        deadline = time.monotonic() + self.voice.first_audio_s
        while True:
            key = await keys.take(len(words), besides=refused)
            has_begun = False
            try:
                speech = self._speak(key, words, sample_rate, deadline)
                async with contextlib.aclosing(speech) as pieces:
                    async for piece in pieces:
                        has_begun = True
                        yield piece
            except StaleSocketError:
                continue  # the next is opened now
            except ProviderFaultError as fault:
                keys.refused(key, fault)
                if fault.kind == "request":
                    raise EngineRefusedError(str(fault)) from fault
                if fault.kind == "failed":
                    self._shared.circuit.failed()
                    raise
                if has_begun:
                    raise
                refused.append(key)
            else:
                self._shared.circuit.succeeded()
                return
            finally:
                keys.give_back(key)

    async def aclose(self) -> None:
        """Close the spare sockets and end what is under way apart from speech."""
        await asyncio.gather(*self._shared.tasks)  # they may open sockets yet
        for socket in self._shared.spare.values():
            self._shared.later(socket.close())
        self._shared.spare.clear()
        await asyncio.gather(*self._shared.tasks)

    async def _speak(
        self, key: ApiKey, words: str, sample_rate: int, deadline: float
    ) -> AsyncGenerator[SpeechPiece, None]:
        """Speak with one key; the first audio comes before a moment of the monotonic clock."""
        spare = self._take_spare(key, sample_rate)
        socket = spare or await self._open(key, sample_rate, max(0.0, deadline - time.monotonic()))
        bill = _Bill(self, key, len(words))
        cutter = WordCutter(words, sample_rate)
        gain_db = self._shared.gain_db
        leveller = Leveller(gain_db or 0.0, sample_rate, tail_ms=pause_after(words))
        raw = bytearray()
        has_begun = False
        patience_s = max(0.0, deadline - time.monotonic())
        try:
            await socket.say(words, self.voice.settings)
            bill.is_due = True
            while True:
                chunk = await self._next(socket, patience_s)
                if chunk.audio:
                    has_begun = True
                    bill.charge()
                    patience_s = self.voice.stall_s
                    if gain_db is None:
                        raw += chunk.audio
                    audio = leveller.feed(cutter.feed(chunk))
                    yield SpeechPiece(audio, cutter.rest)
                if chunk.final:
                    break
            yield SpeechPiece(leveller.feed(cutter.finish()) + leveller.finish(), "")
            self._calibrate(bytes(raw), sample_rate)
            self._shared.later(self._prepare(key, sample_rate))
        except ProviderFaultError as fault:
            is_stale = spare is not None and not has_begun and socket.is_closed
            bill.is_due = bill.is_due and not fault.free and not is_stale
            if is_stale and fault.kind == "failed":
                raise StaleSocketError from fault
            raise
        finally:
            bill.charge()
            self._shared.later(socket.close())

    async def _next(self, socket: SpeechSocket, patience_s: float) -> Chunk:
        try:
            async with asyncio.timeout(patience_s):
                return await socket.next_chunk()
        except TimeoutError as error:
            raise ProviderFaultError("failed", f"silent for {patience_s:g} s") from error

    def _take_spare(self, key: ApiKey, sample_rate: int) -> SpeechSocket | None:
        spare = self._shared.spare.pop((key.label, sample_rate), None)
        if spare is None or spare.is_fresh:
            return spare
        if spare.loop is asyncio.get_running_loop():
            self._shared.later(spare.close())
        return None

    async def _open(self, key: ApiKey, sample_rate: int, connect_s: float) -> SpeechSocket:
        query = {
            "model_id": self.voice.model,
            "output_format": f"pcm_{sample_rate}",
            "inactivity_timeout": str(IDLE_S),
            "auto_mode": "true",
            "sync_alignment": "true",
        }
        return await SpeechSocket.open(
            self._shared.base_url, key.secret, self.voice.voice, query, connect_s
        )

    async def _prepare(self, key: ApiKey, sample_rate: int) -> None:
        """Open a socket for the next text: idle ones do not count against the plan."""
        place = (key.label, sample_rate)
        if place in self._shared.spare:
            return
        socket = await self._open(key, sample_rate, _SPARE_CONNECT_S)
        if place in self._shared.spare:
            await socket.close()
        else:
            self._shared.spare[place] = socket

    def _calibrate(self, pcm: bytes, sample_rate: int) -> None:
        """Learn the voice's level from the first clip that is long enough: asking costs money."""
        if self._shared.gain_db is None and len(pcm) > _CALIBRATING_S * sample_rate * 2:
            level = speech_level_dbfs(pcm[: len(pcm) // 2 * 2], sample_rate)
            self._shared.gain_db = max(-12.0, min(12.0, TARGET_DBFS - level))


class _Bill:
    """The characters of one request, charged once if at all."""

    def __init__(self, voice: ElevenLabsSynthesizer, key: ApiKey, characters: int) -> None:
        self._voice = voice
        self._key = key
        self._characters = characters
        self._is_charged = False
        self.is_due = False
        """Whether the text has been sent and not been refused."""

    def charge(self) -> None:
        """Tell whoever pays, once."""
        if self._is_charged or not self.is_due:
            return
        self._is_charged = True
        self._voice.keys.spent(self._key, self._characters)
        if self._voice._on_usage is not None:
            self._voice._on_usage(
                SpeechUsage(
                    provider=PROVIDER,
                    model=self._voice.voice.model,
                    characters=self._characters,
                    key=f"tts:{uuid.uuid4().hex}",
                    account=self._key.label,
                )
            )
