"""Fetch recordings that the carrier made into our own storage."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from urllib.parse import urlsplit
from uuid import UUID

import structlog
from django.conf import settings
from django.db.models import F

from calls import carrier
from calls.models import Call, Recording
from calls.recording_files import SoundDamaged, recording_put, recording_verify
from calls.services.outbox import outbox_add
from calls.services.record import keep_until
from calls.services.sound import sha256_of, wav_repair

logger = structlog.get_logger(__name__)


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
    name = f"recordings/{call_id}.wav"
    path = Path(settings.MEDIA_ROOT) / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(sound)
    duration_ms = wav_repair(path)
    header = path.read_bytes()[:44]
    digest = sha256_of(path)
    recording_put(path, name=name, sha256=digest)
    Recording.objects.filter(pk=recording.pk).update(
        file=name,
        state=Recording.State.STORED,
        duration_ms=duration_ms,
        offset_ms=_offset_ms(recording.call),
        sample_rate=int.from_bytes(header[24:28], "little"),
        channels=int.from_bytes(header[22:24], "little"),
        sha256=digest,
        keep_until=keep_until(now),
    )
    if settings.ENV.twilio_delete_recordings:
        outbox_add(
            kind="carrier_recording_delete",
            key=f"carrier_recording_delete:{call_id}",
            payload={"call": str(call_id)},
            due_at=now,
        )


def carrier_recording_delete(*, call_id: UUID | str, now: datetime) -> None:
    """Delete the carrier's copy once ours is stored and has been read back. Safe to run twice.

    Raises:
        calls.recording_files.SoundDamaged: ours is not sound: theirs is the only one, and stays.
        carrier.CarrierError: it could not be deleted.
    """
    recording = Recording.objects.get(call_id=call_id)
    if recording.state != Recording.State.STORED or not recording.provider_sid:
        return
    recording_verify(recording.name, sha256=recording.sha256)
    Recording.objects.filter(pk=recording.pk).update(verified_at=now)
    carrier.recording_delete(recording.provider_sid)


def recordings_verify(*, now: datetime, limit: int = 200) -> int:
    """Compare the recordings that were not compared for longest with their checksums, and note
    those that are damaged. Returns how many are."""
    rows = Recording.objects.filter(state=Recording.State.STORED).order_by(
        F("verified_at").asc(nulls_first=True)
    )
    damaged = 0
    for recording in rows[:limit]:
        try:
            recording_verify(recording.name, sha256=recording.sha256)
        except SoundDamaged as error:
            damaged += 1
            logger.error("recording_damaged", call_id=str(recording.call_id), problem=str(error))
            Recording.objects.filter(pk=recording.pk, damaged_at__isnull=True).update(
                damaged_at=now
            )
            Recording.objects.filter(pk=recording.pk).update(verified_at=now)
        else:
            Recording.objects.filter(pk=recording.pk).update(verified_at=now, damaged_at=None)
    return damaged


def _offset_ms(call: Call) -> int:
    """Return when the recording began in the stream's time: at the answer, before the stream."""
    if call.answered_at is None or call.stream_started_at is None:
        return 0
    return -round((call.stream_started_at - call.answered_at).total_seconds() * 1000)
