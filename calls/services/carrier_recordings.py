"""Fetch recordings that the carrier made into our own storage."""

from __future__ import annotations

import hashlib
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import urlsplit
from uuid import UUID

from django.conf import settings
from django.core.files.base import ContentFile

from calls import carrier
from calls.models import Call, Recording
from calls.services.sound import wav_repair


class StrangeAddress(ValueError):  # noqa: N818 - says what happened
    """A recording's address is not the carrier's: our credentials would go to a stranger."""


def carrier_recording_fetch(*, call_id: UUID | str, url: str, now: datetime) -> None:
    """Fetch a recording, check it and store it. A stored one is not fetched again.

    Raises:
        StrangeAddress: the address is not on the carrier's host.
        carrier.CarrierError: it could not be fetched.
    """
    recording = Recording.objects.select_related("call").get(call_id=call_id)
    if recording.state == Recording.State.STORED:
        return
    allowed = urlsplit(settings.ENV.twilio_api_base_url)
    asked = urlsplit(url)
    if (asked.scheme, asked.netloc) != (allowed.scheme, allowed.netloc):
        raise StrangeAddress(f"recording address on {asked.netloc!r}, expected {allowed.netloc!r}")
    sound = carrier.recording_fetch(url)
    with TemporaryDirectory() as folder:
        path = Path(folder) / "recording.wav"
        path.write_bytes(sound)
        duration_ms = wav_repair(path)
        sound = path.read_bytes()
    recording.file.save(f"{call_id}.wav", ContentFile(sound), save=False)
    Recording.objects.filter(pk=recording.pk).update(
        file=recording.file.name,
        state=Recording.State.STORED,
        duration_ms=duration_ms,
        offset_ms=_offset_ms(recording.call),
        sample_rate=int.from_bytes(sound[24:28], "little"),
        channels=int.from_bytes(sound[22:24], "little"),
        sha256=hashlib.sha256(sound).hexdigest(),
    )


def _offset_ms(call: Call) -> int:
    """Return when the recording began in the stream's time: at the answer, before the stream."""
    if call.answered_at is None or call.stream_started_at is None:
        return 0
    return -round((call.stream_started_at - call.answered_at).total_seconds() * 1000)
