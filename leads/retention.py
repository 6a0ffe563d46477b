"""Retention: what is kept for how long, and the deletion of what is older.

Each app says which kinds of data it has (`settings.RETENTION`); how long they are kept is a row
that a person can change, down to the minimum that the law sets. Consents, do-not-call numbers and
the ledger are kept for ever: they are what one is asked for.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils.module_loading import import_string

from leads.models import (
    AuditEntry,
    BulkChange,
    ImportBatch,
    ImportRow,
    Mail,
    RetentionRule,
    SheetConflict,
)
from leads.services.audit import audit_record

BATCH: Final = 1000
FIVE_YEARS: Final = 1826
"""16 CFR 310.5(a): telemarketers keep their records for five years."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of data.

    `count` tells how many are older than a moment; `delete` deletes at most so many of them, and
    returns how many. `minimum` days are kept whatever a person chooses; `default` None is for ever.
    """

    key: str
    label: str
    about: str
    count: Callable[[datetime], int]
    delete: Callable[[datetime, int], int]
    default: int | None
    minimum: int = 0
    law: str = ""


@dataclass(frozen=True, slots=True)
class Purged:
    """What was, or would be, deleted of a kind. `before` is None where it is kept for ever."""

    kind: Kind
    days: int | None
    before: datetime | None
    count: int


def kinds() -> dict[str, Kind]:
    """Return every kind of data, by its key."""
    found: dict[str, Kind] = {}
    for path in settings.RETENTION:
        listed: Sequence[Kind] = import_string(path)
        found |= {kind.key: kind for kind in listed}
    return found


def rules_complete() -> dict[str, RetentionRule]:
    """Return the rule of every kind; those that are not there yet are made with their defaults."""
    there = {rule.kind: rule for rule in RetentionRule.objects.all()}
    missing = [
        RetentionRule(kind=kind.key, days=kind.default)
        for kind in kinds().values()
        if kind.key not in there
    ]
    RetentionRule.objects.bulk_create(missing, ignore_conflicts=True)
    return there | {rule.kind: rule for rule in missing}


def days_check(kind: Kind, days: int | None) -> None:
    """Refuse a period below the legal minimum.

    Raises:
        ValidationError: it is too short; names the minimum and its source.
    """
    if days is not None and days < kind.minimum:
        law = f" ({kind.law})" if kind.law else ""
        raise ValidationError(f"{kind.label} are kept for {kind.minimum} days at least{law}.")


def expired_count(*, now: datetime, only: str = "") -> list[Purged]:
    """Return how much of each kind has expired, and delete nothing."""
    return [
        Purged(kind, days, before, kind.count(before) if before else 0)
        for kind, days, before in _due(now, only)
    ]


def expired_purge(
    *, now: datetime, only: str = "", seconds: float | None = None
) -> tuple[list[Purged], bool]:
    """Delete what has expired, in batches of their own. Safe to kill and to repeat.

    Args:
        only: one kind; all if empty.
        seconds: about how long to work; until it is done if None.

    Returns:
        What was deleted, and whether there may be more.
    """
    end = None if seconds is None else time.monotonic() + seconds
    purged: list[Purged] = []
    for kind, days, before in _due(now, only):
        count, more = 0, before is not None
        while more and before is not None:
            with transaction.atomic():
                deleted = kind.delete(before, BATCH)
            count += deleted
            more = deleted > 0
            if end is not None and time.monotonic() >= end and more:
                _tell(kind, before, count, now)
                return [*purged, Purged(kind, days, before, count)], True
        _tell(kind, before, count, now)
        purged.append(Purged(kind, days, before, count))
    return purged, False


def _due(now: datetime, only: str) -> list[tuple[Kind, int | None, datetime | None]]:
    rules = rules_complete()
    due = []
    for kind in kinds().values():
        if only and kind.key != only:
            continue
        days = rules[kind.key].days
        if days is not None:
            days = max(days, kind.minimum)
        due.append((kind, days, None if days is None else now - timedelta(days=days)))
    return due


def _tell(kind: Kind, before: datetime | None, count: int, now: datetime) -> None:
    if count and before:
        audit_record(
            action=AuditEntry.Action.PURGE,
            text=f"Deleted {count:,} {kind.label.lower()} older than {before:%Y-%m-%d}.",
            data={"kind": kind.key, "count": count},
            now=now,
        )


# The kinds of this app ------------------------------------------------------------------------

_DONE = (ImportBatch.State.COMMITTED, ImportBatch.State.UNDONE, ImportBatch.State.FAILED)


def rows_delete(rows: QuerySet[Any], limit: int) -> int:
    """Delete at most so many of some rows; return how many."""
    ids = list(rows.order_by().values_list("pk", flat=True)[:limit])
    rows.model._base_manager.filter(pk__in=ids).delete()
    return len(ids)


def _batches(before: datetime) -> QuerySet[ImportBatch]:
    ended = Q(moved_at__lt=before) | Q(moved_at__isnull=True, created_at__lt=before)
    return ImportBatch.objects.filter(ended)


def _files(before: datetime) -> QuerySet[ImportBatch]:
    # A file that was uploaded and never imported is nobody's any more, too.
    waiting = (ImportBatch.State.UPLOADED, ImportBatch.State.CHECKED)
    return _batches(before).filter(state__in=(*_DONE, *waiting)).exclude(file="")


def _files_delete(before: datetime, limit: int) -> int:
    batches = list(_files(before).order_by("pk")[:limit])
    for batch in batches:
        batch.file.delete(save=False)
        ImportBatch.objects.filter(pk=batch.pk).update(file="", samples=[])
    return len(batches)


def _audit(before: datetime) -> QuerySet[AuditEntry]:
    return AuditEntry.objects.filter(at__lt=before)


def _audit_delete(before: datetime, limit: int) -> int:
    ids = list(_audit(before).order_by("pk").values_list("pk", flat=True)[:limit])
    entries: QuerySet[AuditEntry] = AuditEntry._base_manager.filter(pk__in=ids)
    entries.delete()
    return len(ids)


def _rows(before: datetime) -> QuerySet[ImportRow]:
    return ImportRow.objects.filter(batch__in=_batches(before).filter(state__in=_DONE))


def _mails(before: datetime) -> QuerySet[Mail]:
    over = Q(sent_at__isnull=False) | Q(dropped_at__isnull=False)
    return Mail.objects.filter(over, due_at__lt=before)


def _conflicts(before: datetime) -> QuerySet[SheetConflict]:
    return SheetConflict.objects.filter(decided_at__lt=before)


def _bulk(before: datetime) -> QuerySet[BulkChange]:
    return BulkChange.objects.filter(at__lt=before).exclude(
        state__in=(BulkChange.State.RUNNING, BulkChange.State.UNDOING)
    )


KINDS: Final = (
    Kind(
        "import_files", "Uploaded files", "The files of imports; what came of them stays.",
        count=lambda before: _files(before).count(), delete=_files_delete, default=30,
    ),
    Kind(
        "import_rows", "Rows of imports", "After that an import cannot be undone.",
        count=lambda before: _rows(before).count(),
        delete=lambda before, limit: rows_delete(_rows(before), limit), default=365,
    ),
    Kind(
        "mails", "E-mails", "Which reminders and invitations were sent.",
        count=lambda before: _mails(before).count(),
        delete=lambda before, limit: rows_delete(_mails(before), limit), default=365,
    ),
    Kind(
        "bulk_changes", "Bulk changes", "After that a bulk change cannot be undone.",
        count=lambda before: _bulk(before).count(),
        delete=lambda before, limit: rows_delete(_bulk(before), limit), default=365,
    ),
    Kind(
        "sheet_conflicts", "Decided conflicts of sheets", "The log of linked Google Sheets.",
        count=lambda before: _conflicts(before).count(),
        delete=lambda before, limit: rows_delete(_conflicts(before), limit), default=365,
    ),
    Kind(
        "audit", "Audit entries", "Who heard, took out, changed and erased what.",
        count=lambda before: _audit(before).count(), delete=_audit_delete,
        default=2557, minimum=FIVE_YEARS, law="16 CFR 310.5(a)",
    ),
)  # fmt: skip
"""What leads keep."""
