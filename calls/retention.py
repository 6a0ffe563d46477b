"""How long calls keep what was said, how it sounded, and whom it was said to."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from django.db.models import Q, QuerySet
from django.utils import timezone

from calls.erasure import lead_number_erase
from calls.models import Call, CarrierEvent, Recording, Turn
from calls.recording_files import recordings_storage
from leads.retention import FIVE_YEARS, Kind, rows_delete

_LAW: Final = "16 CFR 310.5(a)"


def _recordings(before: datetime) -> QuerySet[Recording]:
    # A recording that was promised to be kept longer than that is kept longer.
    free = Q(keep_until__isnull=True) | Q(keep_until__lt=timezone.now().date())
    return Recording.objects.filter(free, created_at__lt=before).exclude(
        state=Recording.State.RECORDING
    )


def _recordings_delete(before: datetime, limit: int) -> int:
    recordings = list(_recordings(before).order_by("pk")[:limit])
    for recording in recordings:
        if recording.file:
            recordings_storage().delete(str(recording.file.name))
        recording.delete()
    return len(recordings)


def _ended(before: datetime) -> QuerySet[Call]:
    return Call.objects.filter(ended_at__lt=before, settled_at__isnull=False)


def _turns(before: datetime) -> QuerySet[Turn]:
    return Turn.objects.filter(call__in=_ended(before))


def _turns_delete(before: datetime, limit: int) -> int:
    """Delete the words of calls, and with the last of them what was made of them."""
    deleted = rows_delete(_turns(before), limit)
    silent = _ended(before).filter(turns__isnull=True).exclude(summary="", notes={}, next_step="")
    ids = list(silent.order_by("pk").values_list("pk", flat=True)[:limit])
    Call.objects.filter(pk__in=ids).update(summary="", notes={}, next_step="")
    return max(deleted, len(ids))


def _webhooks(before: datetime) -> QuerySet[CarrierEvent]:
    return CarrierEvent.objects.filter(received_at__lt=before)


def _numbered(before: datetime) -> QuerySet[Call]:
    return (
        _ended(before)
        .exclude(to_number__startswith="erased-")
        .exclude(from_number__startswith="erased-")
    )


def _numbers_delete(before: datetime, limit: int) -> int:
    calls = list(_numbered(before).order_by("pk")[:limit])
    for call in calls:
        lead_number_erase(call)
    return len(calls)


KINDS: Final = (
    Kind(
        "recordings", "Recordings", "The sound of calls.",
        count=lambda before: _recordings(before).count(), delete=_recordings_delete, default=None,
    ),
    Kind(
        "transcripts", "Lines of transcripts", "What was said, with summary and notes.",
        count=lambda before: _turns(before).count(), delete=_turns_delete, default=None,
    ),
    Kind(
        "webhooks", "Webhooks of the carrier", "What the carrier told, as it came.",
        count=lambda before: _webhooks(before).count(),
        delete=lambda before, limit: rows_delete(_webhooks(before), limit), default=90,
    ),
    Kind(
        "call_numbers", "Numbers of calls", "Whom a call reached; that it was made stays.",
        count=lambda before: _numbered(before).count(), delete=_numbers_delete,
        default=None, minimum=FIVE_YEARS, law=_LAW,
    ),
)  # fmt: skip
"""What calls keep."""
