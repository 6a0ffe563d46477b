"""The built-in voice: espeak-ng, on the processor, with no network.

espeak-ng is GPL-3.0-or-later. It is loaded into this process, so a distribution that contains it
is under the GPL as a whole; this project is.

The library has one global state and one callback: all speech of a process is made on one thread
of its own, request by request. That is no bottleneck: a sentence takes 20 to 30 ms, its first
samples 2 ms, and the interpreter lock is free while it works.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import hashlib
import queue
import threading
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass
from typing import Any, Final

import espeakng_loader
import structlog

from voice.audio import StreamResampler
from voice.engines.interface import EngineBusyError, EngineError
from voice.engines.loudness import Leveller, speech_level_dbfs
from voice.engines.speakable import speakable

log = structlog.get_logger(__name__)

LONGEST_TEXT: Final = 2000
"""Characters in one request: about two minutes of speech."""
QUEUED_REQUESTS: Final = 256
TARGET_DBFS: Final = -20.0

_SYNCHRONOUS = 2
_NO_EXIT = 0x8000
_UTF8 = 1
_RATE, _VOLUME, _PITCH, _RANGE, _WORDGAP = 1, 2, 3, 4, 7
_CHUNK_MS = 40
_CALIBRATION = "Thank you for calling. What are you hoping to get for the house, and how soon?"

_Callback = ctypes.CFUNCTYPE(
    ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p
)


@dataclass(frozen=True, slots=True)
class EspeakVoice:
    """How the voice sounds. The defaults were chosen for a telephone line.

    Attributes:
        name: An espeak-ng voice, with an optional variant: "en-us", "en-us+f3".
        words_per_minute: 80 to 450. 155 is unhurried; espeak-ng's own 175 blurs at 8 kHz.
        pitch: 0 to 99.
        pitch_range: 0 (monotone) to 99.
    """

    name: str = "en-us"
    words_per_minute: int = 155
    pitch: int = 45
    pitch_range: int = 60

    def __post_init__(self) -> None:
        for attribute, low, high in (
            ("words_per_minute", 80, 450),
            ("pitch", 0, 99),
            ("pitch_range", 0, 99),
        ):
            value = getattr(self, attribute)
            if not low <= value <= high:
                raise ValueError(f"{attribute} must be {low} to {high}, got {value}")


class _Request:
    """One text on its way to becoming speech."""

    def __init__(self, text: str, voice: EspeakVoice, deliver: Callable[[bytes], None]) -> None:
        self.text = text
        self.voice = voice
        self.deliver = deliver
        self.cancelled = False
        self.failed: Callable[[Exception], None] = lambda error: None
        self.finished: Callable[[], None] = lambda: None


class _Library:
    """espeak-ng, its thread and the queue to it. One per process."""

    def __init__(self) -> None:
        self._requests: queue.Queue[_Request] = queue.Queue(QUEUED_REQUESTS)
        self._current: _Request | None = None
        self._voice: EspeakVoice | None = None
        self._callback = _Callback(self._on_audio)  # kept: the library holds only its address
        self.sample_rate = 0
        self._library = self._load()
        threading.Thread(target=self._work, name="espeak", daemon=True).start()

    def submit(self, request: _Request) -> None:
        """Queue a request.

        Raises:
            EngineBusyError: The queue is full.
        """
        try:
            self._requests.put_nowait(request)
        except queue.Full:
            raise EngineBusyError(f"espeak-ng has {QUEUED_REQUESTS} requests waiting") from None

    def _load(self) -> Any:
        library = ctypes.CDLL(espeakng_loader.get_library_path())
        library.espeak_Initialize.argtypes = [
            ctypes.c_int,
            ctypes.c_int,
            ctypes.c_char_p,
            ctypes.c_int,
        ]
        library.espeak_SetVoiceByName.argtypes = [ctypes.c_char_p]
        library.espeak_SetParameter.argtypes = [ctypes.c_int, ctypes.c_int, ctypes.c_int]
        library.espeak_SetSynthCallback.argtypes = [_Callback]
        library.espeak_Synth.argtypes = [
            ctypes.c_char_p,
            ctypes.c_size_t,
            ctypes.c_uint,
            ctypes.c_int,
            ctypes.c_uint,
            ctypes.c_uint,
            ctypes.c_void_p,
            ctypes.c_void_p,
        ]
        data = espeakng_loader.get_data_path().encode()
        self.sample_rate = library.espeak_Initialize(_SYNCHRONOUS, _CHUNK_MS, data, _NO_EXIT)
        if self.sample_rate <= 0:
            raise EngineError(f"espeak-ng did not start with its data in {data.decode()}")
        library.espeak_SetSynthCallback(self._callback)
        return library

    def _work(self) -> None:
        while True:
            request = self._requests.get()
            if request.cancelled:
                continue
            try:
                self._speak(request)
            except Exception as error:  # the thread must outlive any one request
                log.exception("tts_failed", engine="espeak")
                request.failed(error)
            else:
                request.finished()

    def _speak(self, request: _Request) -> None:
        if request.voice != self._voice:
            self._use(request.voice)
        self._current = request
        text = request.text.encode()
        try:
            error = self._library.espeak_Synth(text, len(text) + 1, 0, 0, 0, _UTF8, None, None)
        finally:
            self._current = None
        if error:
            raise EngineError(f"espeak-ng could not speak (error {error})", retryable=True)

    def _use(self, voice: EspeakVoice) -> None:
        self._voice = None
        if self._library.espeak_SetVoiceByName(voice.name.encode()):
            raise EngineError(
                f"espeak-ng has no voice {voice.name!r}; 'espeak-ng --voices' lists those it has"
            )
        for parameter, value in (
            (_RATE, voice.words_per_minute),
            (_VOLUME, 100),
            (_PITCH, voice.pitch),
            (_RANGE, voice.pitch_range),
            (_WORDGAP, 1),
        ):
            self._library.espeak_SetParameter(parameter, value, 0)
        self._voice = voice

    def _on_audio(self, samples: Any, count: int, _events: Any) -> int:
        """Take audio from the library; a 1 makes it stop."""
        request = self._current
        if request is None or request.cancelled:
            return 1
        if samples and count > 0:
            request.deliver(ctypes.string_at(samples, count * 2))
        return 0


_library: _Library | None = None
_library_lock = threading.Lock()


def _shared_library() -> _Library:
    global _library
    with _library_lock:
        if _library is None:
            _library = _Library()
        return _library


class EspeakSynthesizer:
    """Speech in one espeak-ng voice, levelled to -20 dBFS."""

    name = "espeak"

    def __init__(self, voice: EspeakVoice | None = None) -> None:
        self.voice = voice or EspeakVoice()
        settings = f"{self.voice}|{TARGET_DBFS}|1"
        self.voice_key = (
            f"espeak:{self.voice.name}:{hashlib.sha256(settings.encode()).hexdigest()[:12]}"
        )
        self._gain_db: float | None = None
        self._gain_lock = threading.Lock()

    def preload(self) -> float:
        """Load the library; return the gain in dB that levels the voice. Blocks for about 15 ms.

        Raises:
            EngineError: There is no such voice, or the library does not start.
        """
        with self._gain_lock:
            if self._gain_db is not None:
                return self._gain_db
            library = _shared_library()
            pieces: list[bytes] = []
            done = threading.Event()
            errors: list[Exception] = []
            request = _Request(_CALIBRATION, self.voice, pieces.append)
            request.finished = done.set

            def fail(error: Exception) -> None:
                errors.append(error)
                done.set()

            request.failed = fail
            library.submit(request)
            if not done.wait(10):
                raise EngineError("espeak-ng did not answer within 10 s", retryable=True)
            if errors:
                raise errors[0]
            level = speech_level_dbfs(b"".join(pieces), library.sample_rate)
            self._gain_db = TARGET_DBFS - level
            return self._gain_db

    async def stream(self, text: str, sample_rate: int) -> AsyncGenerator[bytes, None]:
        """Yield the speech in pieces of some 40 ms. See `SpeechSynthesizer.stream`."""
        gain_db = self._gain_db
        if gain_db is None:
            gain_db = await asyncio.to_thread(self.preload)
        words = speakable(text)
        if not words:
            return
        if len(words) > LONGEST_TEXT:
            raise EngineError(
                f"the text has {len(words)} characters, espeak-ng takes {LONGEST_TEXT}: split it"
            )
        library = _shared_library()
        resampler = StreamResampler(library.sample_rate, sample_rate)
        leveller = Leveller(gain_db, sample_rate, tail_ms=pause_after(words))
        async with contextlib.aclosing(_raw(library, words, self.voice)) as pieces:
            async for piece in pieces:
                if audio := leveller.feed(resampler.feed(piece)):
                    yield audio
        if audio := leveller.feed(resampler.feed(b"", last=True)) + leveller.finish():
            yield audio

    async def synthesize(self, text: str, sample_rate: int = 8000) -> bytes:
        """Return the whole clip."""
        return b"".join([piece async for piece in self.stream(text, sample_rate)])


async def _raw(library: _Library, text: str, voice: EspeakVoice) -> AsyncGenerator[bytes, None]:
    """Yield the library's own audio. The queue is bounded by the length of the text."""
    loop = asyncio.get_running_loop()
    pieces: asyncio.Queue[bytes | Exception | None] = asyncio.Queue()

    def post(item: bytes | Exception | None) -> None:
        with contextlib.suppress(RuntimeError):  # the loop closed while we spoke
            loop.call_soon_threadsafe(pieces.put_nowait, item)

    request = _Request(text, voice, post)
    request.finished = lambda: post(None)
    request.failed = post
    library.submit(request)
    try:
        while (item := await pieces.get()) is not None:
            if isinstance(item, Exception):
                raise item
            yield item
    finally:
        request.cancelled = True


def pause_after(text: str) -> int:
    """Return the milliseconds of silence that belong after a text, by its punctuation."""
    ending = text.rstrip("\"')] ")[-1:]
    if ending and ending in ".?!":
        return 160
    return 80 if ending and ending in ",;:–—" else 20


__all__ = ["LONGEST_TEXT", "EspeakSynthesizer", "EspeakVoice", "pause_after"]
