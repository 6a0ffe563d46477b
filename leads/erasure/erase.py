"""Erase a lead: first what each app knows of its tables, then every text, then the proof."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID

import structlog
from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser
from django.db import IntegrityError, transaction
from django.db.models import FileField
from django.utils.module_loading import import_string

from leads.erasure.columns import files_with, rows_with, scrubbed, text_columns
from leads.erasure.subject import Subject
from leads.models import AuditEntry, Erasure
from leads.services.audit import audit_record, number_hash

logger = structlog.get_logger(__name__)

Eraser = Callable[[Subject, datetime], Counter[str]]


class ErasureRefused(Exception):  # noqa: N818 - says what happened
    """The lead cannot be erased now: the message says why and what to do."""


class _DryRun(Exception):  # noqa: N818 - carries what was counted out of a transaction
    """Nothing of it is kept."""


@dataclass(frozen=True, slots=True)
class Proof:
    """What the search found after the erasure. Nothing, if it was one."""

    columns: int
    rows: dict[str, int] = field(default_factory=dict)
    files: list[str] = field(default_factory=list)

    @property
    def clean(self) -> bool:
        """Whether nothing of the person was found."""
        return not self.rows and not self.files


@dataclass(frozen=True, slots=True)
class Report:
    """What was done, by kind, and the proof; None of a dry run."""

    counts: Counter[str]
    proof: Proof | None


def lead_erase(
    *,
    subject: Subject,
    actor: AbstractBaseUser | None = None,
    reason: str = "",
    dry_run: bool = False,
    now: datetime,
) -> Report:
    """Erase a person. Safe to repeat: what is gone already is passed over.

    The lead's row stays as an empty shell, so that calls, their costs and what they earned keep
    adding up; so do consents, without a number, as evidence of what was shown and when. Numbers on
    the do-not-call list stay there. The audit keeps a keyed hash of the number.

    Args:
        reason: why, without personal data ("request of 3 May").
        dry_run: count what would be done, and do nothing.

    Raises:
        ErasureRefused: a call with the lead is going on.
    """
    try:
        with transaction.atomic():
            counts = _erase(subject, actor, reason, now, files=not dry_run)
            if dry_run:
                raise _DryRun
    except _DryRun:
        return Report(counts, None)
    proof = search(subject)
    logger.info("lead_erased", lead_id=str(subject.lead_id), clean=proof.clean)
    return Report(counts, proof)


def search(subject: Subject) -> Proof:
    """Look for a person in every text column of the database and in every kept file."""
    columns, rows = 0, {}
    for model, fields in text_columns():
        columns += len(fields)
        count = rows_with(model, fields, subject.terms).count() if subject.terms else 0
        if count:
            rows[model._meta.label] = count
    return Proof(columns, rows, [path.name for path in files_with(subject.terms)])


def erased_numbers(numbers: set[str]) -> set[str]:
    """Return those of some numbers whose owners were erased. One query."""
    hashes = {number_hash(number): number for number in numbers}
    known = Erasure.objects.filter(number_hash__in=hashes).values_list("number_hash", flat=True)
    return {hashes[one] for one in known}


def _erase(
    subject: Subject, actor: AbstractBaseUser | None, reason: str, now: datetime, *, files: bool
) -> Counter[str]:
    counts: Counter[str] = Counter()
    for path in settings.ERASERS:
        eraser: Eraser = import_string(path)
        counts += eraser(subject, now)
    counts["texts"] += _sweep(subject)
    for number in subject.numbers:
        Erasure.objects.get_or_create(
            number_hash=number_hash(number),
            defaults={"lead_id": subject.lead_id or UUID(int=0), "erased_at": now},
        )
    audit_record(
        action=AuditEntry.Action.ERASE,
        text=f"Erased a lead{f': {reason}' if reason else ''}.",
        actor=actor,
        lead_id=subject.lead_id,
        data={
            "numbers": sorted(number_hash(number) for number in subject.numbers),
            "counts": dict(counts),
        },
        now=now,
    )
    # Last, as it cannot be rolled back: whoever is killed here does it again from the beginning.
    for file in files_with(subject.terms):
        counts["files"] += 1
        subject.at_last.append(partial(file.unlink, missing_ok=True))
    for act in subject.at_last if files else ():
        act()
    return counts


def _sweep(subject: Subject) -> int:
    """Blot the person out of every text that is left, whatever table it is in."""
    terms, count = subject.terms, 0
    if not terms:
        return 0
    for model, fields in text_columns():
        for row in rows_with(model, fields, terms).defer(None):
            changes: dict[str, Any] = {}
            for column in fields:
                if isinstance(column, FileField):
                    continue
                value = getattr(row, column.attname)
                clean = scrubbed(str(value) if _is_phone(value) else value, terms)
                if clean != value:
                    changes[column.attname] = clean
            if changes:
                count += _write(model, row.pk, changes)
    return count


def _write(model: Any, pk: Any, changes: dict[str, Any]) -> int:
    try:
        with transaction.atomic():
            return int(model._base_manager.filter(pk=pk).update(**changes))
    except IntegrityError:
        # A key that has to be unique: the proof tells of it.
        logger.warning("erasure_key_left", model=model._meta.label)
        return 0


def _is_phone(value: Any) -> bool:
    return hasattr(value, "raw_input")
