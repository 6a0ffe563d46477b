"""The commit: rows become leads, consents, do-not-call entries and lines of the timeline.

Rows come staged from a file, or read from a linked sheet (`leads.sheets`); they do the same.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID, uuid5

from django.db import transaction

from leads.models import Consent, DoNotCall, ImportBatch, ImportRow, Lead, TimelineEntry
from leads.policy.import_changes import FIELDS, Changes, changed
from leads.services.assignment import leads_assign
from leads.services.checked_phone import CheckedPhone
from leads.services.do_not_call import do_not_call_add_many
from leads.services.import_known import Decision, Origin, decide, known_load
from leads.services.import_phases import CHUNK, batch_move

VERDICT = ImportRow.Verdict


@dataclass(slots=True)
class Work:
    """What a chunk writes, gathered before anything is written."""

    leads: list[Lead] = field(default_factory=list)
    changes: dict[UUID, Changes] = field(default_factory=dict)
    consents: list[Consent] = field(default_factory=list)
    entries: list[TimelineEntry] = field(default_factory=list)
    barred: set[str] = field(default_factory=set)
    rows: list[ImportRow] = field(default_factory=list)
    """Those whose verdict, lead or changes are not what was staged."""
    counted: Counter[str] = field(default_factory=Counter)


def consent_id(batch: Origin, number: int) -> UUID:
    """Return the id of the consent that a row makes: the same at every run."""
    return uuid5(batch.pk, f"consent:{number}")


def entry_key(batch: Origin, number: int) -> str:
    """Return the key of the timeline entry that a row makes."""
    return f"import:{batch.pk}:{number}"


def assigned_key(batch: Origin) -> str:
    """Return what the keys of the entries begin with that tell who got the leads."""
    return f"assigned:{batch.pk}"


def chunk_commit(batch: ImportBatch, *, now: datetime) -> bool:
    """Write the next rows. False when all are written.

    The number of queries does not depend on what the rows do.

    Raises:
        Superseded: somebody else wrote them.
        IntegrityError: a lead with one of the numbers came into being meanwhile; the next try
            sees it.
    """
    with transaction.atomic():
        staged = ImportRow.objects.filter(batch=batch, number__gt=batch.cursor)
        rows = list(staged.exclude(verdict=VERDICT.INVALID).order_by("number")[:CHUNK])
        if not rows:
            batch_move(
                batch,
                cursor=batch.cursor,
                rows=0,
                counted={},
                state=ImportBatch.State.COMMITTED,
                committed_at=now,
                done_rows=batch.total_rows,
            )
            return False
        work = rows_write(batch, rows, now=now)
        # What a row did in the end, where that is not what the check foretold.
        ImportRow.objects.bulk_create(
            work.rows,
            update_conflicts=True,
            unique_fields=["id"],
            update_fields=["verdict", "reason", "lead_id", "changes"],
        )
        batch_move(batch, cursor=rows[-1].number, rows=len(rows), counted=work.counted)
    return True


def rows_write(origin: Origin, rows: list[ImportRow], *, now: datetime) -> Work:
    """Write what valid rows say, in the caller's transaction and a constant number of queries.

    Returns what was written; each row has its final verdict and its lead's id.

    Raises:
        IntegrityError: a lead with one of the numbers came into being meanwhile.
    """
    work = _gather(origin, rows, now)
    _write(origin, work, now)
    return work


def _gather(batch: Origin, rows: list[ImportRow], now: datetime) -> Work:
    known = known_load({row.phone for row in rows}, lock=True)
    work = Work()
    for row in rows:
        if row.verdict != VERDICT.DUPLICATE:
            decision = decide(batch, row.number, row.phone, row.values, known)
            _gather_row(batch, row, decision, work, now)
        if row.values.get("do_not_call") and row.phone not in known.do_not_call | work.barred:
            work.barred.add(row.phone)
            work.counted["done_do_not_call"] += 1
    return work


def _gather_row(
    batch: Origin, row: ImportRow, decision: Decision, work: Work, now: datetime
) -> None:
    where = f"{batch.file_name}, row {row.number}"
    if decision.verdict == VERDICT.NEW:
        work.leads.append(
            Lead(pk=decision.lead_id, phone=CheckedPhone(row.phone), **row.values["fields"])
        )
        kind, text = TimelineEntry.Kind.CREATED, f"Imported from {where}."
    else:
        names = [name.split(".")[-1].replace("_", " ") for name in decision.changes]
        kind = TimelineEntry.Kind(batch.entry_kind)
        text = f"Updated by {where}: {', '.join(names) or 'consent'}."
    if decision.verdict != VERDICT.DUPLICATE:
        work.entries.append(
            TimelineEntry(
                lead_id=decision.lead_id,
                kind=kind,
                text=text,
                actor_id=batch.created_by_id,
                key=entry_key(batch, row.number),
                at=now,
            )
        )
    if decision.changes:
        work.changes[decision.lead_id] = decision.changes
    if decision.consent:
        _gather_consent(batch, row, decision, work, now)
    work.counted[f"done_{decision.verdict}"] += 1
    planned = (row.verdict, row.lead_id, row.changes)
    if planned != (decision.verdict, decision.lead_id, decision.changes):
        if row.verdict != decision.verdict:
            row.reason = "; ".join(decision.notes)[:300] or "Changed since the check"
        row.verdict, row.lead_id = decision.verdict, decision.lead_id
        row.changes = decision.changes
        work.rows.append(row)


def _gather_consent(
    batch: Origin, row: ImportRow, decision: Decision, work: Work, now: datetime
) -> None:
    said = decision.consent or {}
    consent = Consent(
        pk=consent_id(batch, row.number),
        lead_id=decision.lead_id,
        kind=Consent.Kind.EXPRESS_WRITTEN,
        phone=CheckedPhone(row.phone),
        text=said["text"],
        seller=said["seller"],
        source=said["source"],
        evidence={"file": batch.file_name, "row": row.number, "import": str(batch.pk)},
        given_at=datetime.fromisoformat(said["given_at"]),
    )
    work.consents.append(consent)
    work.counted["done_consents"] += 1
    work.entries.append(
        TimelineEntry(
            lead_id=decision.lead_id,
            kind=TimelineEntry.Kind.CONSENT,
            text=f"{Consent.Kind.EXPRESS_WRITTEN.label} given to {consent.seller} "
            f"({consent.source}).",
            actor_id=batch.created_by_id,
            key=f"consent:{consent.pk}",
            at=now,
        )
    )


def _write(batch: Origin, work: Work, now: datetime) -> None:
    work.entries += leads_assign(work.leads, trigger="import", key=assigned_key(batch), now=now)
    Lead.objects.bulk_create(work.leads)
    leads_change(work.changes, changed)
    Consent.objects.bulk_create(work.consents)
    do_not_call_add_many(
        phones=work.barred,
        source=DoNotCall.Source.IMPORT,
        reason=f"{TimelineEntry.Kind(batch.entry_kind).label}: {batch.file_name}",
        origin=batch.pk,
        actor_id=batch.created_by_id,
        now=now,
    )
    TimelineEntry.objects.bulk_create(work.entries)


def leads_change(changes: dict[UUID, Changes], how: Any) -> None:
    """Change leads that are locked, all with one statement.

    Args:
        changes: what to change, by lead.
        how: gives the new values out of a lead's fields and its changes.
    """
    if not changes:
        return
    leads = list(Lead.objects.filter(pk__in=changes))
    for lead in leads:
        now = {name: getattr(lead, name) for name in FIELDS}
        for name, value in how(now, changes[lead.pk]).items():
            setattr(lead, name, value)
    # The rows exist, so that nothing is ever created: it is one update with many values, which
    # takes a tenth of the time of a CASE for every field and row.
    Lead.objects.bulk_create(
        leads,
        update_conflicts=True,
        unique_fields=["id"],
        update_fields=[*FIELDS, "updated_at"],
    )
