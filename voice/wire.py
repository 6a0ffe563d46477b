"""The messages of Twilio Media Streams: read with suspicion, written exactly.

Source: twilio.com/docs/voice/media-streams/websocket-messages. All values are strings; sound is
base64 of 8 kHz mono µ-law.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from dataclasses import dataclass
from typing import Any

SAMPLE_RATE = 8000  # Hz
FRAME_MS = 20
FRAME_BYTES = SAMPLE_RATE * FRAME_MS // 1000
"""One frame of µ-law sound, as Twilio sends and plays it."""

MOST_MESSAGE_BYTES = 64 * 1024
"""A real message is under 1 kB. Longer ones are refused unread."""

MOST_SOUND_BYTES = SAMPLE_RATE
"""One second in one message: Twilio sends 20 ms."""

_DIGITS = frozenset("0123456789*#ABCD")
_SID = re.compile(r"^[A-Za-z0-9_-]{1,64}$")


class WireError(Exception):
    """A message that no carrier sends. `reason` is a stable code for logs."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Connected:
    """The first message of a stream."""


@dataclass(frozen=True, slots=True)
class Start:
    """What the stream carries and for which call."""

    stream_sid: str
    account_sid: str
    call_sid: str
    parameters: dict[str, str]


@dataclass(frozen=True, slots=True)
class Media:
    """Sound of the caller. `timestamp_ms` counts from the start of the stream."""

    timestamp_ms: int
    ulaw: bytes


@dataclass(frozen=True, slots=True)
class Dtmf:
    """A key of the telephone."""

    digit: str


@dataclass(frozen=True, slots=True)
class Mark:
    """A mark of ours came back: played to its end, or cleared."""

    name: str


@dataclass(frozen=True, slots=True)
class Stop:
    """The stream or the call ended."""


Message = Connected | Start | Media | Dtmf | Mark | Stop


def parse(text: str | None, binary: bytes | None = None) -> Message:
    """Return the message in a WebSocket frame.

    Raises:
        WireError: the frame is binary, too large, not JSON, of an unknown kind or malformed.
    """
    if text is None:
        raise WireError("binary_frame" if binary else "empty_frame")
    if len(text) > MOST_MESSAGE_BYTES:
        raise WireError("message_too_large")
    try:
        content = json.loads(text)
    except (ValueError, RecursionError):
        raise WireError("not_json") from None
    if not isinstance(content, dict):
        raise WireError("not_an_object")
    event = content.get("event")
    if event == "media":  # the most frequent by far
        return _media(_part(content, "media"))
    if event == "mark":
        return Mark(_text(_part(content, "mark"), "name"))
    if event == "dtmf":
        digit = _text(_part(content, "dtmf"), "digit")
        if digit not in _DIGITS:
            raise WireError("wrong_digit")
        return Dtmf(digit)
    if event == "start":
        return _start(content)
    if event == "connected":
        return Connected()
    if event == "stop":
        return Stop()
    raise WireError("unknown_event")


def compose_media(stream_sid: str, ulaw: bytes) -> str:
    """Return the message that plays µ-law sound to the caller."""
    payload = base64.b64encode(ulaw).decode("ascii")
    return f'{{"event":"media","streamSid":"{stream_sid}","media":{{"payload":"{payload}"}}}}'


def compose_mark(stream_sid: str, name: str) -> str:
    """Return the message that asks to be told when everything before it was played."""
    return _dump({"event": "mark", "streamSid": stream_sid, "mark": {"name": name}})


def compose_clear(stream_sid: str) -> str:
    """Return the message that throws away what waits to be played."""
    return _dump({"event": "clear", "streamSid": stream_sid})


def _media(media: dict[str, Any]) -> Media:
    if media.get("track", "inbound") != "inbound":
        raise WireError("wrong_track")
    payload = media.get("payload")
    if not isinstance(payload, str):
        raise WireError("wrong_payload")
    try:
        ulaw = base64.b64decode(payload, validate=True)
    except (binascii.Error, ValueError):
        raise WireError("wrong_payload") from None
    if not 0 < len(ulaw) <= MOST_SOUND_BYTES:
        raise WireError("wrong_payload")
    try:
        timestamp_ms = int(media.get("timestamp", 0))
    except (TypeError, ValueError):
        raise WireError("wrong_timestamp") from None
    if timestamp_ms < 0:
        raise WireError("wrong_timestamp")
    return Media(timestamp_ms, ulaw)


def _start(content: dict[str, Any]) -> Start:
    start = _part(content, "start")
    form = start.get("mediaFormat")
    if not isinstance(form, dict) or (
        str(form.get("encoding")),
        str(form.get("sampleRate")),
        str(form.get("channels")),
    ) != ("audio/x-mulaw", str(SAMPLE_RATE), "1"):
        raise WireError("wrong_media_format")
    parameters = start.get("customParameters") or {}
    if not isinstance(parameters, dict):
        raise WireError("wrong_parameters")
    return Start(
        stream_sid=_sid(start, "streamSid"),
        account_sid=_sid(start, "accountSid"),
        call_sid=_sid(start, "callSid"),
        parameters={str(key): str(value) for key, value in parameters.items()},
    )


def _sid(part: dict[str, Any], name: str) -> str:
    sid = _text(part, name)
    # It is put into messages and log lines as it is.
    if not _SID.match(sid):
        raise WireError("wrong_sid")
    return sid


def _part(content: dict[str, Any], name: str) -> dict[str, Any]:
    part = content.get(name)
    if not isinstance(part, dict):
        raise WireError(f"missing_{name}")
    return part


def _text(part: dict[str, Any], name: str) -> str:
    value = part.get(name)
    if not isinstance(value, str) or not value or len(value) > 256:
        raise WireError(f"missing_{name.lower()}")
    return value


def _dump(message: dict[str, Any]) -> str:
    return json.dumps(message, separators=(",", ":"))
