"""A local neural voice: Piper, in this process, on the processor.

One model per process and voice, whatever the number of calls, with a thread of its own: requests
take turns, and a word group takes some tens of milliseconds. piper-tts is GPL-3.0-or-later, like
this project; `voice.engines.piper_http` keeps it outside the process.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
import os
import queue
import threading
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import onnxruntime
import structlog
from piper import PiperVoice
from piper.config import PiperConfig, SynthesisConfig

from voice.audio import StreamResampler
from voice.engines.espeak import pause_after
from voice.engines.interface import EngineBusyError, EngineError
from voice.engines.loudness import Leveller, speech_level_dbfs
from voice.engines.speakable import speakable

log = structlog.get_logger(__name__)

CALIBRATION: Final = (
    "Thank you for calling. What are you hoping to get for the house, and how soon?"
)
LONGEST_TEXT: Final = 1000
"""Characters in one request: about a minute of speech."""
QUEUED_REQUESTS: Final = 64
TARGET_DBFS: Final = -20.0
PIECE_MS: Final = 100

_Post = Callable[[bytes | Exception | None], None]


@dataclass(slots=True)
class _Request:
    """One text on its way to becoming speech. `post` takes audio, an error, or None at the end."""

    text: str
    sample_rate: int
    gain_db: float
    post: _Post
    cancelled: bool = False


class _Model:
    """A loaded voice, its thread and the queue to it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._voice = _load(path)
        self.sample_rate = self._voice.config.sample_rate
        self._requests: queue.Queue[_Request] = queue.Queue(QUEUED_REQUESTS)
        threading.Thread(target=self._work, name="piper", daemon=True).start()

    def submit(self, request: _Request) -> None:
        """Queue a request.

        Raises:
            EngineBusyError: The queue is full.
        """
        try:
            self._requests.put_nowait(request)
        except queue.Full:
            raise EngineBusyError(f"Piper has {QUEUED_REQUESTS} requests waiting") from None

    def level_dbfs(self, text: str) -> float:
        """Return how loud the voice speaks a text. Blocks."""
        pcm = b"".join(chunk.audio_int16_bytes for chunk in self._voice.synthesize(text))
        return speech_level_dbfs(pcm, self.sample_rate)

    def _work(self) -> None:
        while True:
            request = self._requests.get()
            if request.cancelled:
                continue
            try:
                self._speak(request)
            except Exception as error:  # the thread must outlive any one request
                log.exception("tts_failed", engine="piper")
                request.post(EngineError(f"Piper could not speak: {error}", retryable=True))
            else:
                request.post(None)

    def _speak(self, request: _Request) -> None:
        """Synthesise sentence by sentence; everything done to the sound is done here, once."""
        rate = request.sample_rate
        resampler = StreamResampler(self.sample_rate, rate)
        leveller = Leveller(request.gain_db, rate, tail_ms=pause_after(request.text))
        for chunk in self._voice.synthesize(request.text, SynthesisConfig()):
            if request.cancelled:
                return
            _post_pieces(request, leveller.feed(resampler.feed(chunk.audio_int16_bytes)))
        end = leveller.feed(resampler.feed(b"", last=True)) + leveller.finish()
        _post_pieces(request, end)


def _post_pieces(request: _Request, audio: bytes) -> None:
    size = request.sample_rate * PIECE_MS // 1000 * 2
    for at in range(0, len(audio), size):
        request.post(audio[at : at + size])


def _load(path: Path) -> PiperVoice:
    """Return the voice in a file, with processor threads left over for the calls.

    Raises:
        EngineError: A file is missing or is no Piper voice.
    """
    settings = path.with_name(path.name + ".json")
    for file in (path, settings):
        if not file.is_file():
            raise EngineError(
                f"there is no Piper voice at {file}: PIPER_VOICE names the .onnx file, "
                f"and its .onnx.json stands beside it"
            )
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = max(1, min(4, (os.cpu_count() or 2) // 2))
    options.inter_op_num_threads = 1
    try:
        config = PiperConfig.from_dict(json.loads(settings.read_text(encoding="utf-8")))
        session = onnxruntime.InferenceSession(
            str(path), sess_options=options, providers=["CPUExecutionProvider"]
        )
    except Exception as error:  # onnxruntime's own kinds are not public
        raise EngineError(f"{path} is no usable Piper voice: {error}") from error
    return PiperVoice(config=config, session=session)


_models: dict[Path, _Model] = {}
_models_lock = threading.Lock()


def _shared_model(path: Path) -> _Model:
    with _models_lock:
        if path not in _models:
            _models[path] = _Model(path)
        return _models[path]


class PiperSynthesizer:
    """Speech in one Piper voice, levelled to -20 dBFS.

    Args:
        voice: Path of the voice's .onnx file; its .onnx.json is beside it.

    Raises:
        EngineError: No voice is named, or there is none at that path.
    """

    name = "piper"

    def __init__(self, voice: str | Path) -> None:
        if not str(voice):
            raise EngineError("no Piper voice is named: set PIPER_VOICE to the path of an .onnx")
        self._path = Path(voice).resolve()
        try:
            size = self._path.stat().st_size
            settings = self._path.with_name(self._path.name + ".json").read_bytes()
        except OSError as error:
            raise EngineError(f"cannot read the Piper voice {self._path}: {error}") from error
        shape = hashlib.sha256(settings + f"|{size}|{TARGET_DBFS}|1".encode()).hexdigest()[:12]
        self.voice_key = f"piper:{self._path.stem}:{shape}"
        self._gain_db: float | None = None
        self._lock = threading.Lock()

    def preload(self) -> float:
        """Load the model; return the gain in dB that levels it. Blocks for a second or so.

        Raises:
            EngineError: The files are not those of a Piper voice.
        """
        with self._lock:
            if self._gain_db is None:
                level = _shared_model(self._path).level_dbfs(CALIBRATION)
                self._gain_db = TARGET_DBFS - level
            return self._gain_db

    async def stream(self, text: str, sample_rate: int) -> AsyncGenerator[bytes, None]:
        """Yield the speech, a sentence's pieces at a time. See `SpeechSynthesizer.stream`."""
        gain_db = self._gain_db
        if gain_db is None:
            gain_db = await asyncio.to_thread(self.preload)
        words = speakable(text)
        if not words:
            return
        if len(words) > LONGEST_TEXT:
            raise EngineError(
                f"the text has {len(words)} characters, Piper takes {LONGEST_TEXT}: split it"
            )
        loop = asyncio.get_running_loop()
        pieces: asyncio.Queue[bytes | Exception | None] = asyncio.Queue()  # the text bounds it

        def post(item: bytes | Exception | None) -> None:
            with contextlib.suppress(RuntimeError):  # the loop closed while we spoke
                loop.call_soon_threadsafe(pieces.put_nowait, item)

        request = _Request(words, sample_rate, gain_db, post)
        _shared_model(self._path).submit(request)
        try:
            while (item := await pieces.get()) is not None:
                if isinstance(item, Exception):
                    raise item
                yield item
        finally:
            request.cancelled = True

    async def synthesize(self, text: str, sample_rate: int = 8000) -> bytes:
        """Return the whole clip."""
        return b"".join([piece async for piece in self.stream(text, sample_rate)])


def levelled(pcm: bytes, source_rate: int, target_rate: int, gain_db: float, tail_ms: int) -> bytes:
    """Return a whole clip at another rate and at one loudness, without dead air at its ends."""
    resampler = StreamResampler(source_rate, target_rate)
    leveller = Leveller(gain_db, target_rate, tail_ms=tail_ms)
    return leveller.feed(resampler.feed(pcm, last=True)) + leveller.finish()
