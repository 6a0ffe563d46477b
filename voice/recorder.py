"""The sound of a call on disk while it runs: WAV, 16 bit, 8 kHz, left the lead, right the agent.

Both sides are laid out on the stream's clock: the lead where the carrier's timestamps say, the
agent where the caller heard it, with nothing that an interruption took back. The file is valid
after every write, so that a killed process costs less than a second.
"""

from __future__ import annotations

import asyncio
import hashlib
import struct
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import structlog

from voice.clock import StreamClock
from voice.tracks import RATE, Tracks

logger = structlog.get_logger(__name__)

FLUSH_EVERY_S = 0.4

_HEADER = struct.Struct("<4sI4s4sIHHIIHH4sI")
_writers = ThreadPoolExecutor(max_workers=1, thread_name_prefix="recorder")


@dataclass(frozen=True, slots=True)
class Recorded:
    """A finished file."""

    path: Path
    duration_ms: int
    sha256: str


class Recorder:
    """One call's recording. Methods other than the coroutines never wait."""

    def __init__(self, path: Path, clock: StreamClock) -> None:
        self.path = path
        self._clock = clock
        self._tracks = Tracks()
        self._stopped = False
        self._failed = False

    def lead(self, at_ms: float, ulaw: bytes) -> None:
        """Lay the lead's sound out at its time."""
        if not self._stopped:
            self._tracks.lead(at_ms, ulaw)

    def agent(self, at_ms: float, ulaw: bytes) -> None:
        """Lay the agent's sound out where the caller hears it."""
        if not self._stopped:
            self._tracks.agent(at_ms, ulaw)

    def cut(self, at_ms: float) -> None:
        """Take back the agent's sound from a moment on."""
        self._tracks.cut(at_ms)

    def stop(self) -> None:
        """Take no more sound: the lead does not want to be recorded. What there is stays."""
        self._stopped = True

    async def run(self) -> None:
        """Write what has settled, again and again, until cancelled."""
        while True:
            await asyncio.sleep(FLUSH_EVERY_S)
            await self._flush(self._tracks.settled_ms(self._clock.now_ms()))

    async def finish(self) -> Recorded | None:
        """Write the rest and return the file; nothing if there is none."""
        if not self._stopped:
            await self._flush(self._clock.now_ms())
        if self._failed or not self._tracks.taken:
            return None
        loop = asyncio.get_running_loop()
        digest = await loop.run_in_executor(_writers, _sha256, self.path)
        return Recorded(self.path, self._tracks.taken * 1000 // RATE, digest)

    async def _flush(self, until_ms: float) -> None:
        if self._failed or self._stopped:
            return
        before = self._tracks.taken
        stereo = self._tracks.take(until_ms)
        if not len(stereo):
            return
        loop = asyncio.get_running_loop()
        try:
            await loop.run_in_executor(_writers, _append, self.path, before, stereo.tobytes())
        except OSError as error:
            self._failed = True
            logger.error("recording_failed", error=error.strerror)


def _append(path: Path, samples_before: int, pcm: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    mode = "r+b" if samples_before else "wb"
    with path.open(mode) as file:
        file.seek(_HEADER.size + samples_before * 4 if samples_before else _HEADER.size)
        file.write(pcm)
        size = samples_before * 4 + len(pcm)
        file.seek(0)
        file.write(
            _HEADER.pack(
                b"RIFF", 36 + size, b"WAVE", b"fmt ", 16, 1, 2, RATE, RATE * 4, 4, 16, b"data", size
            )
        )


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
