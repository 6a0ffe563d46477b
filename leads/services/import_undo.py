"""The undo of a whole import: what it did, and nothing that anybody did since."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import F

from leads.models import Consent, ImportBatch, ImportRow, Lead, TimelineEntry
from leads.policy.import_changes import FIELDS, Changes, restored
from leads.services.import_commit import (
    assigned_key,
    consent_id,
    entry_key,
    leads_change,
)
from leads.services.import_known import UNDONE_VIA
from leads.services.import_phases import CHUNK, batch_move
from leads.services.merge_rows import pointers

_EMPTY: dict[str, Any] = {"kind": Lead.Kind.SELLER, "tags": [], "custom_fields": {}}


def chunk_undo(batch: ImportBatch, *, now: datetime) -> bool:
    """Take back the next rows, the last first. False when all are taken back.

    A lead that the import made goes, unless somebody has worked with it since: then it stays, and
    says so in its timeline. A field that the import changed gets its value back, unless it was
    changed since. Consents that the import brought are revoked. Numbers that it put on the
    do-not-call list stay there: a wish not to be called outlives the file that told of it.

    Raises:
        Superseded: somebody else took them back.
    """
    with transaction.atomic():
        done = (ImportRow.Verdict.NEW, ImportRow.Verdict.UPDATE)
        staged = ImportRow.objects.filter(batch=batch, number__lt=batch.cursor, verdict__in=done)
        rows = list(staged.order_by("-number")[:CHUNK])
        if not rows:
            batch_move(
                batch,
                cursor=batch.cursor,
                rows=0,
                counted={},
                state=ImportBatch.State.UNDONE,
                undone_at=now,
                done_rows=batch.total_rows,
            )
            return False
        counted = _take_back(batch, rows, now)
        batch_move(batch, cursor=rows[-1].number, rows=len(rows), counted=counted)
    return True


def _take_back(batch: ImportBatch, rows: list[ImportRow], now: datetime) -> Counter[str]:
    ids = [row.lead_id for row in rows if row.lead_id]
    leads = {
        row["pk"]: row
        for row in Lead.objects.filter(pk__in=ids)
        .select_for_update()
        .order_by()
        .values("pk", "stage", "score", "owner_id", "owner_rule_id", *FIELDS)
    }
    made = {row.lead_id: row for row in rows if row.verdict == ImportRow.Verdict.NEW}
    used = _used(batch, {id_: row for id_, row in made.items() if id_ is not None})
    counted: Counter[str] = Counter()
    gone: list[UUID] = []
    stay: list[UUID] = []
    changes: dict[UUID, Changes] = {}
    for row in rows:
        lead = leads.get(row.lead_id) if row.lead_id else None
        if lead is None:
            counted["undone_missing"] += 1
        elif row.verdict == ImportRow.Verdict.UPDATE:
            changes[lead["pk"]] = row.changes
            counted["undone_kept_fields"] += restored(lead, row.changes)[1]
            counted["undone_restored"] += 1
        elif lead["pk"] in used or _edited(lead, row):
            stay.append(lead["pk"])
            counted["undone_kept"] += 1
        else:
            gone.append(lead["pk"])
            counted["undone_removed"] += 1
    leads_change(changes, lambda fields, change: restored(fields, change)[0])
    _consents_revoke(
        [consent_id(batch, row.number) for row in rows if row.lead_id not in gone], now
    )
    TimelineEntry.objects.bulk_create(
        TimelineEntry(
            lead_id=lead_id,
            kind=TimelineEntry.Kind.IMPORT,
            text=f"Import of {batch.file_name} undone: {what}.",
            key=f"import:{batch.pk}:undone:{lead_id}",
            at=now,
        )
        for what, lead_ids in (
            ("this lead stays, as it was worked with since", stay),
            ("what it changed here and nobody changed since is as before", list(changes)),
        )
        for lead_id in lead_ids
    )
    Lead.objects.filter(pk__in=gone).delete()
    return counted


def _edited(lead: dict[str, Any], row: ImportRow) -> bool:
    said = row.values["fields"]
    # An owner whom the rules chose at the import is the import's own doing.
    owner_id = None if lead["owner_rule_id"] else lead["owner_id"]
    untouched = (Lead.Stage.NEW, None, None)
    return (lead["stage"], lead["score"], owner_id) != untouched or any(
        lead[name] != said.get(name, _EMPTY.get(name, "")) for name in FIELDS
    )


def _used(batch: ImportBatch, made: dict[UUID, ImportRow]) -> set[UUID]:
    """Return the leads that anything points to that the import did not make."""
    ours = {entry_key(batch, row.number) for row in made.values()}
    consents = {consent_id(batch, row.number) for row in made.values()}
    ours |= {f"consent:{consent}" for consent in consents}
    ours |= {f"do_not_call:{batch.pk}:{lead_id}" for lead_id in made}
    ours |= {f"{assigned_key(batch)}:{lead_id}" for lead_id in made}
    used: set[UUID] = set()
    for model, name in pointers(Lead):
        rows = model._base_manager.filter(**{f"{name}__in": list(made)})
        if model is TimelineEntry:
            found: Iterable[tuple[UUID, Any]] = rows.values_list("lead_id", "key")
            used |= {lead_id for lead_id, key in found if key not in ours}
        elif model is Consent:
            found = rows.values_list("lead_id", "pk")
            used |= {lead_id for lead_id, pk in found if pk not in consents}
        else:
            used.update(rows.values_list(f"{name}_id", flat=True))
    return used


def _consents_revoke(ids: list[UUID], now: datetime) -> None:
    consents = Consent.objects.filter(pk__in=ids, revoked_at__isnull=True)
    consents.filter(given_at__lte=now).update(revoked_at=now, revoked_via=UNDONE_VIA)
    consents.filter(given_at__gt=now).update(revoked_at=F("given_at"), revoked_via=UNDONE_VIA)
