"""The dry run: every row of the file is staged with a verdict and a reason."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from django.db import transaction

from leads.import_files import MAX_ROWS, FileRefused, FileShape, rows_of
from leads.models import ImportBatch, ImportRow
from leads.policy.import_rows import CleanRow, row_clean
from leads.services.import_known import decide, known_load
from leads.services.import_phases import CHUNK, batch_move

_Numbered = tuple[int, list[str]]
# The reader of the last slice, so that the next one in this process need not read the file from
# its beginning: a workbook can only be read forward. Batch, run, rows read, the rest.
_reader: tuple[UUID, int, int, Iterator[_Numbered]] | None = None


def chunk_check(batch: ImportBatch, *, now: datetime) -> bool:
    """Stage the next rows. False when the file was at its end.

    Raises:
        FileRefused: the file is broken or has too many rows.
        Superseded: somebody else staged them.
    """
    global _reader
    rest = _rest(batch)
    _reader = None  # a chunk that fails leaves the reader where nobody expects it
    rows = list(itertools.islice(rest, CHUNK))
    if not rows:
        with transaction.atomic():
            batch_move(
                batch,
                cursor=batch.cursor,
                rows=0,
                counted={},
                state=ImportBatch.State.CHECKED,
                total_rows=batch.done_rows,
            )
        return False
    last = rows[-1][0]
    if last - batch.has_header > MAX_ROWS:
        raise FileRefused(
            f"The file has more than {MAX_ROWS:,} rows. "
            "Split it and import the parts one after another."
        )
    filled = [(number, cells) for number, cells in rows if cells]
    with transaction.atomic():
        staged, counted = _stage(batch, filled, now=now)
        ImportRow.objects.bulk_create(staged)
        batch_move(batch, cursor=last, rows=len(filled), counted=counted)
    _reader = (batch.pk, batch.run, last, rest)
    return True


def _rest(batch: ImportBatch) -> Iterator[_Numbered]:
    if _reader and _reader[:3] == (batch.pk, batch.run, batch.cursor):
        return _reader[3]
    shape = FileShape(batch.format, batch.encoding, batch.delimiter)
    first = max(batch.cursor, int(batch.has_header))
    numbered = enumerate(rows_of(Path(batch.file.path), shape), start=1)
    return itertools.islice(numbered, first, None)


def _stage(
    batch: ImportBatch, rows: list[_Numbered], *, now: datetime
) -> tuple[list[ImportRow], Counter[str]]:
    cleaned = [(number, cells, _clean(batch, number, cells, now)) for number, cells in rows]
    phones = {clean.phone for _, _, clean in cleaned if clean.phone}
    known = known_load(phones)
    earlier = dict(
        ImportRow.objects.filter(batch=batch, phone__in=phones)
        .order_by("-number")
        .values_list("phone", "number")
    )
    counted: Counter[str] = Counter()
    staged = []
    for number, cells, clean in cleaned:
        row = ImportRow(batch=batch, number=number, phone=clean.phone)
        notes = list(clean.notes)
        if clean.problem:
            row.verdict = ImportRow.Verdict.INVALID
            notes = [clean.problem]
        elif clean.phone in earlier:
            row.verdict = ImportRow.Verdict.DUPLICATE
            notes = [f"The same number as in row {earlier[clean.phone]} of this file"]
            if clean.do_not_call:
                # Whatever else a second row is worth, its wish not to be called counts.
                row.values = {"do_not_call": True}
                notes.append("Goes on the do-not-call list: the file says so")
                counted["do_not_call"] += 1
        else:
            earlier[clean.phone] = number
            plan = _plan(clean)
            decision = decide(batch, number, clean.phone, plan, known)
            row.verdict, row.lead_id = decision.verdict, decision.lead_id
            row.values = plan
            notes += decision.notes
            counted["consents"] += decision.consent is not None
            counted["do_not_call"] += decision.barred
            counted["noted"] += bool(notes) and row.verdict != ImportRow.Verdict.DUPLICATE
        if notes:
            row.reason = "; ".join(notes)[:300]
            row.values = {**row.values, "cells": cells}
        counted[row.verdict] += 1
        staged.append(row)
    return staged, counted


def _clean(batch: ImportBatch, number: int, cells: list[str], now: datetime) -> CleanRow:
    clean = row_clean(
        cells,
        batch.mapping,
        batch.columns,
        evidence=f"{batch.file_name}, row {number}",
        now=now,
    )
    if not clean.problem:
        clean.values.setdefault("source", batch.source)
    return clean


def _plan(clean: CleanRow) -> dict[str, Any]:
    plan: dict[str, Any] = {"fields": clean.values}
    if clean.consent:
        plan["consent"] = clean.consent
    if clean.do_not_call:
        plan["do_not_call"] = True
    return plan
