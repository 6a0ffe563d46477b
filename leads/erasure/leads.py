"""What an erasure does with the tables of leads."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.contrib.admin.models import LogEntry
from django.db.models import Q

from leads.erasure.columns import ERASED
from leads.erasure.erase import ErasureRefused
from leads.erasure.subject import Subject
from leads.models import (
    BulkChangeLead,
    Consent,
    DoNotCall,
    ImportBatch,
    ImportRow,
    Lead,
    LeadMerge,
    ReassignedCheck,
    TimelineEntry,
)
from leads.services.checked_phone import CheckedPhone
from leads.services.merge_rows import pointers

# Rows that stay with the shell: evidence without a name, and what the ledger counts. Those of
# other apps are looked after by their own erasers.
_STAY: Final = frozenset({"leads.consent", "calls.call", "billing.qualifiedlead"})
_WORKING: Final = (ImportBatch.State.CHECKING, ImportBatch.State.COMMITTING,
                   ImportBatch.State.UNDOING)  # fmt: skip


_NAMED: Final = (
    "raw_phone", "first_name", "last_name", "email", "street", "city", "state", "postal_code",
    "source", "line_type",
)  # fmt: skip


def pseudonym(lead_id: UUID) -> str:
    """Return what stands where a number stood: unique, and no number."""
    return f"erased-{lead_id.hex[:20]}"


def leads_erase(subject: Subject, now: datetime) -> Counter[str]:
    """Erase what leads know of a person. Runs in the erasure's transaction.

    Raises:
        ErasureRefused: an import with the number is being worked on.
    """
    counts: Counter[str] = Counter()
    numbers = [CheckedPhone(number) for number in subject.numbers]
    _imports(subject, counts)
    DoNotCall.objects.filter(phone__in=numbers).update(reason="", call=None)
    counts["look-ups"] += ReassignedCheck.objects.filter(phone__in=numbers).delete()[0]
    if subject.lead is None:
        return counts
    lead = Lead.objects.select_for_update().get(pk=subject.lead.pk)
    for model, name in pointers(Lead):
        if model._meta.label_lower not in _STAY:
            gone = model._base_manager.filter(**{name: lead}).delete()[1]
            for label, count in gone.items():
                counts[_plain(label)] += count
    counts["merges"] += LeadMerge.objects.filter(loser_id=lead.pk).delete()[0]
    LogEntry.objects.filter(object_id=str(lead.pk)).update(
        object_repr="Erased lead", change_message=""
    )
    BulkChangeLead.objects.filter(lead_id=lead.pk).update(before=None)
    counts["consents"] += _consents(lead, now)
    _shell(lead, now)
    counts["lead"] += 1
    return counts


def _consents(lead: Lead, now: datetime) -> int:
    """Keep what was shown, by whom and when; number, source and evidence go."""
    consents = Consent.objects.filter(lead=lead)
    consents.filter(revoked_at__isnull=True, given_at__lte=now).update(
        revoked_at=now, revoked_via="erased"
    )
    return consents.update(phone=pseudonym(lead.pk), source=ERASED, evidence={})


def _shell(lead: Lead, now: datetime) -> None:
    empty: dict[str, Any] = dict.fromkeys(_NAMED, "")
    Lead.objects.filter(pk=lead.pk).update(
        **empty,
        phone=pseudonym(lead.pk),
        time_zones=[],
        tags=[],
        custom_fields={},
        score=None,
        erased_at=now,
    )
    TimelineEntry.objects.create(
        lead=lead, kind=TimelineEntry.Kind.EDIT, text="Erased on request.", at=now
    )


def _imports(subject: Subject, counts: Counter[str]) -> None:
    rows = ImportRow.objects.filter(phone__in=subject.numbers)
    if subject.lead_id:
        rows = ImportRow.objects.filter(Q(phone__in=subject.numbers) | Q(lead_id=subject.lead_id))
    busy = ImportBatch.objects.filter(rows__in=rows, state__in=_WORKING).first()
    if busy is not None:
        raise ErasureRefused(
            f"The import of {busy.file_name} is being worked on: wait until it is done."
        )
    batches = set(rows.values_list("batch_id", flat=True))
    counts["import rows"] += rows.update(
        phone="", values={}, changes={}, reason=ERASED, lead_id=None,
        verdict=ImportRow.Verdict.INVALID,
    )  # fmt: skip
    # The first rows of a file are kept to show what its columns hold; nobody needs them now.
    ImportBatch.objects.filter(pk__in=batches).exclude(samples=[]).update(samples=[])


def _plain(label: str) -> str:
    return label.partition(".")[2].lower()
