"""Downloading a large file: with progress, from where it stopped, checked at the end."""

from __future__ import annotations

import hashlib
import http.client
import json
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeVar

from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_exponential

_T = TypeVar("_T")

TIMEOUT_S: Final = 30.0
"""For a connection, and for the next bytes."""
ATTEMPTS: Final = 4
PIECE: Final = 1 << 18


class FetchError(Exception):
    """A model cannot be had; the message is for the person who asked for it."""


class _PassingError(FetchError):
    """It may work a moment later."""


@dataclass(frozen=True, slots=True)
class Digest:
    """A checksum: "sha256" of the content, or "git", Git's own of a blob (SHA-1)."""

    kind: str
    value: str

    @classmethod
    def parse(cls, text: str) -> Digest:
        """Return the checksum that `str` has written."""
        kind, _, value = text.partition(":")
        return cls(kind, value)

    def __str__(self) -> str:
        return f"{self.kind}:{self.value}"

    def matches(self, path: Path) -> bool:
        """Return whether the file has this checksum."""
        if self.kind == "git":
            state = hashlib.sha1(f"blob {path.stat().st_size}\0".encode(), usedforsecurity=False)
        else:
            state = hashlib.sha256()
        with path.open("rb") as file:
            while piece := file.read(PIECE):
                state.update(piece)
        return state.hexdigest() == self.value


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """A file at the hub, with what it must be."""

    name: str
    url: str
    size: int
    digest: Digest


def read_json(url: str) -> Any:
    """Return the JSON at an address.

    Raises:
        FetchError: It cannot be had.
    """

    def read() -> Any:
        with _open(url, {}) as response:
            return json.load(response)

    try:
        return _retried(read)
    except ValueError:
        raise FetchError(f"{url} does not answer with JSON: is it a Hugging Face hub?") from None


def download(file: RemoteFile, path: Path, report: Callable[[str, int, int], None]) -> None:
    """Bring a file to a path, going on with what is there of it.

    Raises:
        FetchError: It cannot be had, or is not what it must be.
        OSError: It cannot be stored.
    """
    _retried(lambda: _bring(file, path, report))
    if file.digest.matches(path):
        return
    # What was there of it may be left from another version: once more from the start.
    path.unlink()
    _retried(lambda: _bring(file, path, report))
    if not file.digest.matches(path):
        path.unlink()
        raise FetchError(
            f"{file.name} arrived damaged twice: its checksum is not {file.digest}. "
            f"Something between here and {urllib.parse.urlsplit(file.url).netloc} changes it."
        )


def _bring(file: RemoteFile, path: Path, report: Callable[[str, int, int], None]) -> None:
    there = path.stat().st_size if path.exists() else 0
    if there > file.size:
        path.unlink()
        there = 0
    if there == file.size and path.exists():
        report(file.name, there, file.size)
        return
    headers = {"Range": f"bytes={there}-"} if there else {}
    with _open(file.url, headers) as response:
        if response.status != 206:
            there = 0
        with path.open("ab" if there else "wb") as sink:
            while piece := _next_piece(response, file):
                sink.write(piece)
                there += len(piece)
                report(file.name, there, file.size)
    if there < file.size:
        raise _PassingError(f"the connection broke off in {file.name}")


def _next_piece(response: http.client.HTTPResponse, file: RemoteFile) -> bytes:
    try:
        return response.read(PIECE)
    except (TimeoutError, http.client.HTTPException, ConnectionError) as error:
        raise _PassingError(
            f"the connection broke off in {file.name} ({type(error).__name__})"
        ) from error


def _open(url: str, headers: dict[str, str]) -> http.client.HTTPResponse:
    """Return the answer to a request, whose status is a success.

    Raises:
        FetchError: There is none.
    """
    quoted = urllib.parse.quote(url, safe=":/")
    request = urllib.request.Request(  # noqa: S310 - settings take http(s) addresses only
        quoted, headers={"User-Agent": "reautomation", **headers}
    )
    try:
        response: http.client.HTTPResponse = urllib.request.urlopen(  # noqa: S310
            request, timeout=TIMEOUT_S
        )
    except urllib.error.HTTPError as error:
        with error:
            raise _refusal(url, error) from None
    except urllib.error.URLError as error:
        host = urllib.parse.urlsplit(url).netloc
        reason = getattr(error.reason, "strerror", None) or error.reason
        raise _PassingError(
            f"{host} cannot be reached ({reason}): check the network and the proxy settings"
        ) from None
    except (TimeoutError, http.client.HTTPException, ConnectionError) as error:
        host = urllib.parse.urlsplit(url).netloc
        raise _PassingError(f"{host} does not answer ({type(error).__name__})") from None
    return response


def _refusal(url: str, error: urllib.error.HTTPError) -> FetchError:
    if error.code in {401, 403, 404}:
        # The hub answers 401 for what does not exist, so as not to tell what is private.
        return FetchError(f"{url} is not there ({error.code}): check the name")
    if error.code == 429 or error.code >= 500:
        return _PassingError(f"{url} answers {error.code}: try again later")
    return FetchError(f"{url} answers {error.code}")


def _retried(work: Callable[[], _T]) -> _T:
    attempts = Retrying(
        stop=stop_after_attempt(ATTEMPTS),
        wait=wait_exponential(multiplier=0.5, max=8),
        retry=retry_if_exception_type(_PassingError),
        reraise=True,
    )
    return attempts(work)
