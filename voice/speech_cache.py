"""Speech that was made once, kept on disk for every process and every call after.

An entry is named by what it is: a hash of the voice, the text and the sample rate. Nothing is ever
changed in place: an entry is written beside its name and renamed, and read only if its checksum
fits, so processes share the folder without locks and a crash leaves nothing worse than a miss.

Texts are not stored, but sound says them: only lines without personal data belong in here, which
`voice.engines.cached` sees to.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import secrets
import struct
import threading
import time
import unicodedata
from collections import OrderedDict
from pathlib import Path
from typing import Final

import structlog

log = structlog.get_logger(__name__)

MEGABYTE: Final = 2**20
DEFAULT_MOST_BYTES: Final = 512 * MEGABYTE
"""On disk: about nine hours of telephone speech."""
DEFAULT_MOST_MEMORY_BYTES: Final = 32 * MEGABYTE
"""In memory: about half an hour, several playbooks' lines."""

_HEADER: Final = struct.Struct("<4sI32s")
_MAGIC: Final = b"RSC1"
_EVICT_TO: Final = 0.9
_RECOUNT_AFTER: Final = 64
"""Other processes write too: count the folder anew after so many writes of our own."""
_TOUCH_EVERY_S: Final = 600.0
_ABANDONED_S: Final = 3600.0


def cache_key(voice_key: str, text: str, sample_rate: int) -> str:
    """Return the name of a clip. Texts that differ in white space only have the same."""
    plain = normalised(text)
    return hashlib.sha256(f"{voice_key}\0{sample_rate}\0{plain}".encode()).hexdigest()


def normalised(text: str) -> str:
    """Return the text with single blanks and composed letters; case and signs shape the speech."""
    return " ".join(unicodedata.normalize("NFC", text).split())


class SpeechCache:
    """A bounded store of clips. Its methods read and write files: call them off the event loop.

    Args:
        folder: Where entries are; made if it is not there.
        most_bytes: On disk; the least recently used go first. Several processes may exceed it by
            what they write between two counts.
        most_memory_bytes: In this process' memory, likewise.
    """

    def __init__(
        self,
        folder: Path,
        *,
        most_bytes: int = DEFAULT_MOST_BYTES,
        most_memory_bytes: int = DEFAULT_MOST_MEMORY_BYTES,
    ) -> None:
        self._folder = folder
        self._most_bytes = most_bytes
        self._most_memory_bytes = most_memory_bytes
        self._memory: OrderedDict[str, bytes] = OrderedDict()
        self._memory_bytes = 0
        self._touched: dict[str, float] = {}
        self._disk_bytes: int | None = None
        self._writes = 0
        self._lock = threading.Lock()

    def peek(self, key: str) -> bytes | None:
        """Return a clip if it is in memory. Never waits for a disk."""
        with self._lock:
            pcm = self._memory.get(key)
            if pcm is not None:
                self._memory.move_to_end(key)
            return pcm

    def get(self, key: str) -> bytes | None:
        """Return a clip, None if there is none or it is damaged."""
        pcm = self.peek(key)
        if pcm is None:
            path = self._path(key)
            try:
                content = path.read_bytes()
            except FileNotFoundError:
                return None
            except OSError as error:
                log.warning("speech_cache_unreadable", error=type(error).__name__)
                return None
            pcm = _unpacked(key, content)
            if pcm is None:
                log.warning("speech_cache_damaged", key=key[:12])
                path.unlink(missing_ok=True)
                return None
            self._remember(key, pcm)
        self._touch(key)
        return pcm

    def put(self, key: str, pcm: bytes) -> None:
        """Keep a clip. A disk that is full or read-only is logged, and the clip is in memory."""
        self._remember(key, pcm)
        path = self._path(key)
        content = _packed(key, pcm)
        beside = path.with_name(f".{key}.{os.getpid()}.{secrets.token_hex(4)}")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            beside.write_bytes(content)
            beside.replace(path)
        except OSError as error:
            log.warning("speech_cache_unwritable", error=type(error).__name__)
            with contextlib.suppress(OSError):
                beside.unlink(missing_ok=True)
            return
        self._make_room(len(content))

    def holds(self, key: str) -> bool:
        """Return whether a whole clip is there."""
        return self.get(key) is not None

    def size(self) -> int:
        """Return the bytes on disk, counted now."""
        return sum(size for _, size, _ in self._entries())

    def _path(self, key: str) -> Path:
        return self._folder / key[:2] / f"{key}.pcm"

    def _remember(self, key: str, pcm: bytes) -> None:
        if len(pcm) > self._most_memory_bytes:
            return
        with self._lock:
            self._memory_bytes += len(pcm) - len(self._memory.pop(key, b""))
            self._memory[key] = pcm
            while self._memory_bytes > self._most_memory_bytes:
                oldest, dropped = self._memory.popitem(last=False)
                self._touched.pop(oldest, None)
                self._memory_bytes -= len(dropped)

    def _touch(self, key: str) -> None:
        """Note on disk that the clip is in use, once in a while."""
        now = time.monotonic()
        with self._lock:
            if now - self._touched.get(key, -_TOUCH_EVERY_S) < _TOUCH_EVERY_S:
                return
            if key in self._memory:
                self._touched[key] = now
        with contextlib.suppress(OSError):  # evicted meanwhile
            os.utime(self._path(key))

    def _make_room(self, added: int) -> None:
        with self._lock:
            self._writes += 1
            if self._disk_bytes is not None and self._writes % _RECOUNT_AFTER:
                self._disk_bytes += added
                if self._disk_bytes <= self._most_bytes:
                    return
            entries = sorted(self._entries(), key=lambda entry: entry[0])
            total = sum(size for _, size, _ in entries)
            if total > self._most_bytes:
                for _, size, path in entries:
                    with contextlib.suppress(OSError):
                        path.unlink(missing_ok=True)
                    total -= size
                    if total <= self._most_bytes * _EVICT_TO:
                        break
            self._disk_bytes = total

    def _entries(self) -> list[tuple[float, int, Path]]:
        """Return time of use, size and path of every entry; remove what a crash left half done."""
        entries: list[tuple[float, int, Path]] = []
        for path in self._folder.glob("??/*"):
            try:
                status = path.stat()
            except OSError:  # another process removed it
                continue
            if path.suffix == ".pcm":
                entries.append((status.st_mtime, status.st_size, path))
            elif time.time() - status.st_mtime > _ABANDONED_S:
                path.unlink(missing_ok=True)
        return entries


def _packed(key: str, pcm: bytes) -> bytes:
    digest = hashlib.sha256(key.encode() + pcm).digest()
    return _HEADER.pack(_MAGIC, len(pcm), digest) + pcm


def _unpacked(key: str, content: bytes) -> bytes | None:
    if len(content) < _HEADER.size:
        return None
    magic, length, digest = _HEADER.unpack_from(content)
    pcm = content[_HEADER.size :]
    whole = magic == _MAGIC and length == len(pcm)
    return pcm if whole and hashlib.sha256(key.encode() + pcm).digest() == digest else None
