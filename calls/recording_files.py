"""Recordings where they are kept: on disk, or in S3-compatible storage (`STORAGES["recordings"]`).

The voice process always records to its own disk; what is finished moves to the storage, and its
checksum is compared on the way. Served in parts, so that a player can jump.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from django.core.files import File
from django.core.files.storage import FileSystemStorage, Storage, storages

BLOCK = 1 << 20


class SoundDamaged(OSError):  # noqa: N818 - says what is wrong
    """What the storage holds is not what was recorded: the checksum differs."""


def recordings_storage() -> Storage:
    """Return where recordings are kept."""
    return storages["recordings"]


def is_remote() -> bool:
    """Whether recordings leave this machine's disk."""
    return not isinstance(recordings_storage(), FileSystemStorage)


def recording_put(path: Path, *, name: str, sha256: str) -> None:
    """Bring a finished file into the storage, and read it back. Safe to run twice.

    On disk it lies where it belongs already. Elsewhere the local file is removed once the copy
    was verified.

    Raises:
        SoundDamaged: the copy differs; the local file stays.
        OSError, botocore's errors: the storage could not be reached.
    """
    storage = recordings_storage()
    if not is_remote():
        return
    if path.is_file():
        with path.open("rb") as file:
            if storage.exists(name):
                storage.delete(name)
            storage.save(name, File(file))
    recording_verify(name, sha256=sha256)
    path.unlink(missing_ok=True)


def recording_verify(name: str, *, sha256: str) -> None:
    """Compare what is kept with its checksum.

    Raises:
        SoundDamaged: it differs, or is not there.
    """
    digest = hashlib.sha256()
    storage = recordings_storage()
    if not storage.exists(name):
        raise SoundDamaged(f"{name} is missing")
    with storage.open(name) as file:
        while block := file.read(BLOCK):
            digest.update(block)
    if digest.hexdigest() != sha256:
        raise SoundDamaged(f"{name} differs from its checksum")


def recording_size(name: str) -> int:
    """Return the length of a kept file in bytes. Raises FileNotFoundError."""
    storage = recordings_storage()
    if not storage.exists(name):
        raise FileNotFoundError(name)
    return int(storage.size(name))


def recording_part(name: str, first: int, last: int) -> bytes:
    """Return the bytes from one position to another, both included."""
    storage = recordings_storage()
    bucket = getattr(storage, "bucket", None)
    if bucket is not None:
        # The storage's own file would fetch all of it for each part.
        key = f"{storage.location}/{name}".lstrip("/")  # type: ignore[attr-defined]
        answer = bucket.Object(key).get(Range=f"bytes={first}-{last}")
        return bytes(answer["Body"].read())
    with storage.open(name) as file:
        file.seek(first)
        return bytes(file.read(last - first + 1))


@contextmanager
def recording_here(name: str) -> Iterator[Path]:
    """Give a kept file as a path on this machine, for as long as the block lasts."""
    if not is_remote():
        yield Path(recordings_storage().path(name))
        return
    with TemporaryDirectory() as folder:
        path = Path(folder) / "recording.wav"
        with recordings_storage().open(name) as kept, path.open("wb") as file:
            while block := kept.read(BLOCK):
                file.write(block)
        yield path
