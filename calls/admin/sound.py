"""Recordings over HTTP: parts of the file for the player, and its outline for the eye."""

from __future__ import annotations

import re
import wave
from pathlib import Path
from typing import Any

import numpy as np
from django.http import HttpRequest, HttpResponse

from calls.recording_files import recording_part, recording_size

_RANGE = re.compile(r"bytes=(\d*)-(\d*)")


def ranged_response(
    request: HttpRequest, name: str, *, etag: str, content_type: str
) -> HttpResponse:
    """Return a kept recording, or the part that the request asks for (RFC 9110, section 14).

    Several parts at once are not served: the whole file answers such a request, which the RFC
    allows. A call has a greatest length, so that a whole file fits into memory (19 MB for ten
    minutes).
    """
    size = recording_size(name)
    wanted = _RANGE.fullmatch(request.headers.get("Range", "").strip())
    quoted = f'"{etag}"'
    if request.headers.get("If-Range", quoted) != quoted:
        wanted = None
    if wanted is None or not any(wanted.groups()):
        whole = recording_part(name, 0, size - 1) if size else b""
        response = HttpResponse(whole, content_type=content_type)
    else:
        first, last = _bounds(wanted, size)
        if first > last or first >= size:
            return HttpResponse(status=416, headers={"Content-Range": f"bytes */{size}"})
        part = recording_part(name, first, last)
        response = HttpResponse(part, status=206, content_type=content_type)
        response["Content-Range"] = f"bytes {first}-{last}/{size}"
    response["Accept-Ranges"] = "bytes"
    response["ETag"] = quoted
    response["Cache-Control"] = "private, no-cache"
    return response


def _bounds(wanted: re.Match[str], size: int) -> tuple[int, int]:
    start, end = wanted.groups()
    if not start:
        return max(size - int(end), 0), size - 1 if int(end) else -1
    return int(start), min(int(end), size - 1) if end else size - 1


def outline(path: Path, *, points: int = 1000) -> dict[str, Any]:
    """Return the loudest sample (0-100) of each of `points` equal spans, per channel.

    Raises:
        ValueError: the file is no 16-bit PCM WAV.
    """
    try:
        with wave.open(str(path), "rb") as file:
            channels, rate, frames = file.getnchannels(), file.getframerate(), file.getnframes()
            if file.getsampwidth() != 2:
                raise ValueError("only 16-bit PCM can be outlined")
            samples = np.frombuffer(file.readframes(frames), dtype="<i2")
    except (wave.Error, EOFError) as error:
        raise ValueError(f"not a readable WAV file: {error}") from None
    samples = samples[: len(samples) // channels * channels].reshape(-1, channels)
    if not len(samples):
        return {"duration_ms": 0, "channels": [[] for _ in range(channels)]}
    loud = np.abs(samples.astype(np.int32))
    starts = np.unique(np.linspace(0, len(loud), points, endpoint=False, dtype=np.int64))
    peaks = np.maximum.reduceat(loud, starts, axis=0) * 100 // 32768
    return {
        "duration_ms": len(samples) * 1000 // rate,
        "channels": [peaks[:, channel].tolist() for channel in range(channels)],
    }
