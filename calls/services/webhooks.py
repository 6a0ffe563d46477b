"""What the carrier tells us, each event applied once, in whatever order and however often it comes.

Every webhook is first a row in the inbox (`CarrierEvent`, unique per event); the row and its
effect are one transaction, so that a repeat finds both or neither.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

import structlog
from django.db import IntegrityError, transaction

from calls.models import Call, CallEvent, CarrierEvent, Recording
from calls.services.ending import STOPS, call_advance
from calls.services.notices import call_notify
from calls.services.outbox import outbox_add

logger = structlog.get_logger(__name__)

# No numbers and names: the payload of a webhook is full of them, and we know them already.
_KEPT = (
    "CallSid",
    "CallStatus",
    "SequenceNumber",
    "CallDuration",
    "Duration",
    "Timestamp",
    "AnsweredBy",
    "MachineDetectionDuration",
    "SipResponseCode",
    "ErrorCode",
    "RecordingSid",
    "RecordingStatus",
    "RecordingDuration",
    "RecordingChannels",
)


class ForeignCall(Exception):  # noqa: N818 - says what happened
    """A webhook for one of our calls names a call of the carrier that is not it."""


@transaction.atomic
def status_apply(*, call: Call, parameters: Mapping[str, str], now: datetime) -> bool:
    """Apply a status callback. False when it was seen before."""
    sequence = carrier_number(parameters.get("SequenceNumber"))
    status = parameters.get("CallStatus", "")
    if not first_time(call, "status", f"{sequence}:{status}", parameters):
        return False
    call_advance(
        call=call,
        status=status,
        sid=parameters.get("CallSid", ""),
        sequence=sequence,
        duration_s=carrier_number(parameters.get("CallDuration")),
        answered_by=parameters.get("AnsweredBy", ""),
        now=now,
    )
    return True


@transaction.atomic
def amd_apply(*, call: Call, parameters: Mapping[str, str], now: datetime) -> bool:
    """Apply the result of answering-machine detection. False when it was seen before.

    A machine is told to the process that holds the call, with whether its beep has been heard.
    """
    answered_by = parameters.get("AnsweredBy", "unknown")
    if not first_time(call, "amd", answered_by, parameters):
        return False
    Call.objects.filter(pk=call.pk).update(answered_by=answered_by[:32], updated_at=now)
    if answered_by.startswith(("machine", "fax")) and call.is_active:
        # Fax and "machine_start" have no beep; the three machine_end_* values are the greeting's
        # end. https://www.twilio.com/docs/voice/answering-machine-detection
        call_notify(
            call_id=call.pk,
            kind="machine",
            data={"beep": answered_by.startswith("machine_end")},
            now=now,
        )
    return True


@transaction.atomic
def recording_apply(*, call: Call, parameters: Mapping[str, str], now: datetime) -> bool:
    """Note a recording made by the carrier, and promise to fetch it. False when seen before."""
    status = parameters.get("RecordingStatus", "")
    sid = parameters.get("RecordingSid", "")
    if not first_time(call, "recording", f"{sid}:{status}", parameters):
        return False
    recording, _created = Recording.objects.get_or_create(
        call=call, defaults={"source": Recording.Source.CARRIER}
    )
    if recording.source != Recording.Source.CARRIER or recording.state == Recording.State.STORED:
        return True
    if status == "completed":
        Recording.objects.filter(pk=recording.pk).update(provider_sid=sid)
        outbox_add(
            kind="carrier_recording",
            key=f"carrier_recording:{call.pk}",
            payload={"call": str(call.pk), "url": parameters.get("RecordingUrl", "")},
            due_at=now,
        )
    elif status in {"absent", "failed"}:
        Recording.objects.filter(pk=recording.pk).update(state=Recording.State.FAILED)
    return True


def call_of_webhook(*, call_id: UUID, sid: str) -> Call:
    """Return the call that a webhook is about.

    Raises:
        Call.DoesNotExist: no such call.
        ForeignCall: the carrier's CallSid is not that of our call.
    """
    call = Call.objects.get(pk=call_id)
    if call.provider_sid and sid and sid != call.provider_sid:
        raise ForeignCall
    return call


def answered_note(*, call: Call, sid: str, now: datetime) -> None:
    """Note that the carrier asks what to do with an answered call."""
    call_advance(call=call, status="in-progress", sid=sid, now=now)
    # It was picked up before it could be cancelled: nobody is hung up on without a word.
    Call.objects.filter(pk=call.pk, end_reason__in=STOPS).update(end_reason="")
    if not CallEvent.objects.filter(call=call, kind="instructions_fetched").exists():
        CallEvent.objects.create(call=call, kind="instructions_fetched", at=now)


def first_time(call: Call, kind: str, key: str, parameters: Mapping[str, str]) -> bool:
    """Put a webhook in the inbox. False when the same one is there already."""
    try:
        with transaction.atomic():
            CarrierEvent.objects.create(
                call=call,
                kind=kind,
                key=key[:120],
                payload={name: parameters[name] for name in _KEPT if name in parameters},
            )
    except IntegrityError:
        logger.info("webhook_repeated", call_id=str(call.pk), kind=kind)
        return False
    return True


def carrier_number(text: str | None) -> int | None:
    """Return a count that the carrier sent; `None` for nothing or nonsense."""
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 10 else None
