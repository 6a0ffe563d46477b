"""The messages of Media Streams."""

from __future__ import annotations

import base64
import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voice import wire


def media(**changes: Any) -> str:
    fields = {"track": "inbound", "timestamp": "40", "payload": base64.b64encode(b"\xff" * 160)}
    fields["payload"] = fields["payload"].decode()
    return json.dumps({"event": "media", "media": fields | changes})


def test_it_reads_sound() -> None:
    assert wire.parse(media()) == wire.Media(40, b"\xff" * 160)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{", "not_json"),
        ("[1]", "not_an_object"),
        ("[" * 50_000, "not_json"),
        (" " * 70_000, "message_too_large"),
        ('{"event": "party"}', "unknown_event"),
        ("{}", "unknown_event"),
        ('{"event": "media"}', "missing_media"),
        (media(payload="not base64!"), "wrong_payload"),
        (media(payload=""), "wrong_payload"),
        (media(payload=5), "wrong_payload"),
        (media(timestamp="soon"), "wrong_timestamp"),
        (media(timestamp="-1"), "wrong_timestamp"),
        (media(track="outbound"), "wrong_track"),
        ('{"event": "dtmf", "dtmf": {"digit": "x"}}', "wrong_digit"),
        ('{"event": "mark", "mark": {}}', "missing_name"),
    ],
)
def test_it_names_what_is_wrong(text: str, reason: str) -> None:
    with pytest.raises(wire.WireError) as error:
        wire.parse(text)
    assert error.value.reason == reason


def test_it_refuses_binary_frames() -> None:
    with pytest.raises(wire.WireError, match="binary_frame"):
        wire.parse(None, b"\x00")


def test_a_sid_cannot_smuggle_anything_into_our_messages() -> None:
    start = {
        "accountSid": "AC1",
        "callSid": "CA1",
        "streamSid": 'MZ","x":"',
        "mediaFormat": {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1},
    }
    with pytest.raises(wire.WireError, match="wrong_sid"):
        wire.parse(json.dumps({"event": "start", "start": start}))


_JSON = st.recursive(st.none() | st.text() | st.integers(), st.lists, max_leaves=4)


@given(st.text() | _JSON.map(json.dumps))
def test_whatever_comes_it_is_a_message_or_a_wire_error(text: str) -> None:
    with contextlib.suppress(wire.WireError):
        assert wire.parse(text) is not None


@given(st.binary(min_size=1, max_size=1600))
def test_what_it_writes_can_be_read(sound: bytes) -> None:
    message = json.loads(wire.compose_media("MZ1", sound))
    assert message["streamSid"] == "MZ1"
    assert base64.b64decode(message["media"]["payload"]) == sound
