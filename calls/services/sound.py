"""The recording as a file: its checksum, its length, and its repair after a crash."""

from __future__ import annotations

import hashlib
import struct
from pathlib import Path

_HEADER_BYTES = 44


class NotRepairable(ValueError):  # noqa: N818 - says what happened
    """The file is not a PCM WAV file of ours."""


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file, in hex."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def wav_repair(path: Path) -> int:
    """Make the sizes in a WAV header agree with the file, and return its length in ms.

    A process that dies while it records leaves the sizes of its last update in the header, and
    perhaps half a sample frame at the end. Safe to run on a sound file.

    Raises:
        NotRepairable: the file has no canonical 44-byte PCM header.
    """
    with path.open("r+b") as file:
        header = file.read(_HEADER_BYTES)
        if (
            len(header) < _HEADER_BYTES
            or header[:4] != b"RIFF"
            or header[8:16] != b"WAVEfmt "
            or header[36:40] != b"data"
        ):
            raise NotRepairable(f"{path.name} is not a WAV file with a 44-byte header")
        (bytes_per_second,) = struct.unpack_from("<I", header, 28)
        (frame_bytes,) = struct.unpack_from("<H", header, 32)
        if not bytes_per_second or not frame_bytes:
            raise NotRepairable(f"{path.name} names no sample rate")
        size = file.seek(0, 2) - _HEADER_BYTES
        size -= size % frame_bytes
        if struct.unpack_from("<I", header, 40)[0] != size:
            file.truncate(_HEADER_BYTES + size)
            file.seek(4)
            file.write(struct.pack("<I", 36 + size))
            file.seek(40)
            file.write(struct.pack("<I", size))
    return int(size * 1000 // bytes_per_second)
