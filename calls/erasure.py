"""What an erasure does with calls: what was said and who it was goes, that it was paid stays."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import datetime
from functools import partial
from pathlib import Path
from uuid import UUID

from django.conf import settings
from django.contrib.admin.models import LogEntry

from calls import carrier
from calls.models import Call, CallEvent, CarrierEvent, Recording, Transfer, Turn
from calls.recording_files import recordings_storage
from calls.services.outbox import outbox_add
from leads.erasure.erase import ErasureRefused
from leads.erasure.leads import pseudonym
from leads.erasure.subject import Subject


def calls_erase(subject: Subject, now: datetime) -> Counter[str]:
    """Erase what calls know of a person. Runs in the erasure's transaction, before leads do theirs.

    Raises:
        ErasureRefused: a call with the lead is going on.
    """
    counts: Counter[str] = Counter()
    if subject.lead is None:
        return counts
    calls = Call.objects.filter(lead=subject.lead)
    if calls.filter(state__in=Call.ACTIVE_STATES).exists():
        raise ErasureRefused("The lead is on a call right now: end it, or wait until it is over.")
    if calls.filter(settled_at__isnull=True, dialed_at__isnull=False).exists():
        raise ErasureRefused("The work after the last call is not done yet: try again in a minute.")
    for call in calls:
        lead_number_erase(call)
    counts["calls"] += calls.update(summary="", next_step="", notes={}, updated_at=now)
    log = LogEntry.objects.filter(object_id__in=[str(call.pk) for call in calls])
    log.update(object_repr="Call with an erased lead", change_message="")
    counts["turns"] += Turn.objects.filter(call__in=calls).delete()[0]
    counts["webhooks"] += CarrierEvent.objects.filter(call__in=calls).delete()[0]
    CallEvent.objects.filter(call__in=calls).update(data={})
    Transfer.objects.filter(call__in=calls).update(reason="")
    counts["recordings"] += _recordings(calls.values_list("pk", flat=True), subject, now)
    return counts


def lead_number_erase(call: Call) -> None:
    """Put a pseudonym for the number of a call's lead; our own, on the other side, stays."""
    side = "from_number" if call.direction == Call.Direction.INBOUND else "to_number"
    Call.objects.filter(pk=call.pk).update(**{side: pseudonym(call.lead_id)})


def _recordings(call_ids: Iterable[UUID], subject: Subject, now: datetime) -> int:
    """Delete recordings here and, where the carrier has a copy, there."""
    recordings = list(Recording.objects.filter(call_id__in=call_ids))
    for recording in recordings:
        if recording.provider_sid:
            outbox_add(
                kind="carrier_recording_erase",
                key=f"carrier_recording_erase:{recording.provider_sid}",
                payload={"sid": recording.provider_sid},
                due_at=now,
            )
        if recording.file:
            subject.at_last.append(partial(recordings_storage().delete, str(recording.file.name)))
        # What a process recorded and did not live to store.
        stray = Path(settings.MEDIA_ROOT) / f"recordings/{recording.call_id}.wav"
        subject.at_last.append(partial(stray.unlink, missing_ok=True))
        recording.delete()
    return len(recordings)


def carrier_recording_erase(*, sid: str) -> None:
    """Delete a recording at the carrier; one that is not there is a success.

    Raises:
        carrier.CarrierError: it could not be deleted.
    """
    carrier.recording_delete(sid)
