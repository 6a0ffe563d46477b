"""Fetching speech models: Whisper for faster-whisper, and Piper voices, from Hugging Face.

What arrives is checked against the hub's own checksums and put in place in one step: a model is
there as a whole or not at all. A broken download goes on where it stopped. Models stand in
`<folder>/whisper/<name>/` and `<folder>/piper/<voice>/`, each with `fetched.json`, by which a
later run knows, without a network, that it is complete.
"""

from __future__ import annotations

import fcntl
import json
import os
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from faster_whisper.utils import _MODELS

from voice.models_download import Digest, FetchError, RemoteFile, download, read_json

RECEIPT: Final = "fetched.json"
WHISPER_FILES: Final = re.compile(
    r"^(config\.json|preprocessor_config\.json|model\.bin|tokenizer\.json|vocabulary\.\w+)$"
)
WHISPER_NEEDS: Final = ("config.json", "model.bin", "tokenizer.json")
PIPER_REPOSITORY: Final = "rhasspy/piper-voices"
_PIPER_VOICE: Final = re.compile(
    r"^(?P<family>[a-z]{2,3})_(?P<region>[A-Z]{2,3})-(?P<name>[^-/]+)-(?P<quality>[^-/]+)$"
)
_REPOSITORY: Final = re.compile(r"^[\w.-]+/[\w.-]+$")
SPARE_BYTES: Final = 100_000_000
"""What a disk must keep free: the database and the recordings are on it too."""

Report = Callable[[str, int, int], None]
"""Told the file's name, how many of its bytes are there, and how many there will be."""


@dataclass(frozen=True, slots=True)
class Source:
    """A model at the hub.

    Attributes:
        kind: "whisper" or "piper".
        name: As people call it.
        repository: Owner and name at the hub.
        inside: Folder in the repository, "" for its root.
        wanted: What names of files belong to it.
        needed: Without which it is of no use.
    """

    kind: str
    name: str
    repository: str
    inside: str
    wanted: re.Pattern[str]
    needed: tuple[str, ...]

    def place(self, folder: Path) -> Path:
        """Return where it stands under the folder of all models."""
        return folder / self.kind / self.name.replace("/", "--")


def whisper_source(name: str) -> Source:
    """Return a Whisper by faster-whisper's name for it, or by its repository at the hub.

    Raises:
        FetchError: There is none of that name.
    """
    repository = _MODELS.get(name, name)
    if not _REPOSITORY.match(repository):
        raise FetchError(
            f"There is no Whisper model {name!r}. Known: {', '.join(_MODELS)}; "
            f"or a repository as owner/name."
        )
    return Source("whisper", name, repository, "", WHISPER_FILES, WHISPER_NEEDS)


def piper_source(voice: str) -> Source:
    """Return a Piper voice by its name, such as en_US-lessac-medium.

    Raises:
        FetchError: The name is not made like that.
    """
    parts = _PIPER_VOICE.match(voice)
    if parts is None:
        raise FetchError(
            f"{voice!r} is no name of a Piper voice: they are made of language, region, name and "
            f"quality, such as en_US-lessac-medium."
        )
    family, region = parts["family"], parts["region"]
    inside = f"{family}/{family}_{region}/{parts['name']}/{parts['quality']}"
    needed = (f"{voice}.onnx", f"{voice}.onnx.json")
    wanted = re.compile(rf"^({re.escape(voice)}\.onnx(\.json)?|MODEL_CARD)$")
    return Source("piper", voice, PIPER_REPOSITORY, inside, wanted, needed)


def model_is_complete(source: Source, folder: Path) -> bool:
    """Return whether the model is there, every byte of it."""
    place = source.place(folder)
    try:
        receipt: dict[str, Any] = json.loads((place / RECEIPT).read_text(encoding="utf-8"))
        return all(
            Digest.parse(digest).matches(place / name) for name, digest in receipt["files"].items()
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return False


def model_fetch(*, source: Source, folder: Path, base_url: str, report: Report) -> Path:
    """Fetch a model and return its folder; does nothing if it is there and whole.

    Args:
        source: Which.
        folder: Of all models.
        base_url: The hub's, or that of a mirror with the same addresses.
        report: Told of progress.

    Raises:
        FetchError: It cannot be had; the message says why and what to do by hand.
    """
    place = source.place(folder)
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        with _alone(place):
            if not model_is_complete(source, folder):
                _fetch(source, place, base_url, report)
    except FetchError as error:
        raise FetchError(f"{error}\n\n{_by_hand(source, place, base_url)}") from None
    except OSError as error:
        raise FetchError(
            f"{source.name} cannot be stored in {place}: {error.strerror or error}. "
            f"Free space there or choose another DATA_DIR, and run the command again: "
            f"it goes on where it stopped."
        ) from error
    return place


def _fetch(source: Source, place: Path, base_url: str, report: Report) -> None:
    files = _list_files(source, base_url)
    waiting = place.with_name(f".{place.name}.part")
    waiting.mkdir(exist_ok=True)
    for stray in waiting.iterdir():
        if stray.name not in {file.name for file in files}:
            stray.unlink()
    _check_space(files, waiting)
    for file in files:
        download(file, waiting / file.name, report)
    receipt = {
        "repository": source.repository,
        "files": {file.name: str(file.digest) for file in files},
    }
    (waiting / RECEIPT).write_text(json.dumps(receipt, indent=1), encoding="utf-8")
    _put_in_place(waiting, place)


def _list_files(source: Source, base_url: str) -> list[RemoteFile]:
    """Return the model's files, as the hub lists them with sizes and checksums."""
    inside = f"/{source.inside}" if source.inside else ""
    listing = read_json(f"{base_url}/api/models/{source.repository}/tree/main{inside}")
    files = []
    try:
        for entry in listing:
            name = str(entry["path"]).rpartition("/")[2]
            if entry.get("type") != "file" or not source.wanted.match(name):
                continue
            large = entry.get("lfs")
            digest = (
                Digest("sha256", str(large["oid"]).removeprefix("sha256:"))
                if large
                else Digest("git", str(entry["oid"]))
            )
            address = f"{base_url}/{source.repository}/resolve/main/{entry['path']}"
            files.append(RemoteFile(name, address, int(entry["size"]), digest))
    except (TypeError, KeyError, ValueError, AttributeError):
        raise FetchError(
            f"{base_url} lists {source.repository} in a way that is not understood: "
            f"is MODELS_BASE_URL the address of a Hugging Face hub?"
        ) from None
    missing = sorted(set(source.needed) - {file.name for file in files})
    if missing:
        raise FetchError(
            f"{source.repository} at {base_url} holds no {source.kind} model of the name "
            f"{source.name}: {' and '.join(missing)} missing."
        )
    return files


def _check_space(files: list[RemoteFile], waiting: Path) -> None:
    there = sum(file.stat().st_size for file in waiting.iterdir() if file.is_file())
    needed = sum(file.size for file in files) - there + SPARE_BYTES
    free = shutil.disk_usage(waiting).free
    if needed > free:
        raise FetchError(
            f"The disk is too full: {needed // 1_000_000} MB are needed in {waiting.parent}, "
            f"{free // 1_000_000} MB are free. Free space there or choose another DATA_DIR."
        )


def _put_in_place(waiting: Path, place: Path) -> None:
    """Swap the finished folder in; an older one is there until then."""
    for path in waiting.iterdir():
        with path.open("rb") as file:
            os.fsync(file.fileno())
    if place.exists():
        old = place.with_name(f".{place.name}.old")
        shutil.rmtree(old, ignore_errors=True)
        place.rename(old)
        waiting.rename(place)
        shutil.rmtree(old)
    else:
        waiting.rename(place)


@contextmanager
def _alone(place: Path) -> Iterator[None]:
    """Keep others from fetching the same model at the same time."""
    with place.with_name(f".{place.name}.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise FetchError(f"{place.name} is being fetched by another process.") from None
        yield


def _by_hand(source: Source, place: Path, base_url: str) -> str:
    inside = f"/{source.inside}" if source.inside else ""
    names = list(source.needed)
    if source.kind == "whisper":
        names.append("preprocessor_config.json and vocabulary.*, where there are such")
    return "\n".join(
        (
            "By hand: on a machine that can, open",
            f"  {base_url}/{source.repository}/tree/main{inside}",
            "download",
            *(f"  {name}" for name in names),
            "and put them into",
            f"  {place}",
        )
    )
