"""What the page of an import shows at each of its states."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.utils import timezone

from leads.models import ImportBatch, ImportRow
from leads.policy.import_fields import FIELDS

_STATE = ImportBatch.State
_WORKING = (_STATE.CHECKING, _STATE.COMMITTING, _STATE.UNDOING)
_REMARKS = 25
# Work that has not moved for this long waits for a worker that is not there.
_STALLED = timedelta(seconds=30)


@dataclass(frozen=True, slots=True)
class Column:
    """A column of the file: name, some of its cells, and the field chosen for it."""

    name: str
    cells: list[str]
    field: str


@dataclass(frozen=True, slots=True)
class ImportPage:
    """Everything the page shows. `show` names its part: columns, working, result."""

    show: str
    step: int
    columns: list[Column]
    fields: list[tuple[str, str]]
    existing: list[tuple[str, str]]
    figures: list[tuple[str, int, str]]
    remarks: list[ImportRow]
    remarks_count: int
    progress: dict[str, Any]
    writes: int


def import_page(
    batch: ImportBatch, *, chosen: Sequence[str] | None, columns_again: bool
) -> ImportPage:
    """Return what the page shows.

    Args:
        chosen: the columns as they were just sent, if they could not be taken.
        columns_again: whether to show the columns although they were checked once.
    """
    choosing = batch.state in (_STATE.UPLOADED, _STATE.FAILED) or (
        columns_again and batch.state == _STATE.CHECKED
    )
    show = "columns" if choosing else "working" if batch.state in _WORKING else "result"
    with_remarks = batch.rows.exclude(reason="") if show == "result" else batch.rows.none()
    return ImportPage(
        show=show,
        step=2 if choosing else 3,
        columns=_columns(batch, chosen or batch.mapping) if choosing else [],
        fields=[("", "Leave out"), *FIELDS.items()],
        existing=[(value, str(label)) for value, label in ImportBatch.OnExisting.choices],
        figures=_figures(batch),
        remarks=list(with_remarks.defer("values", "changes").order_by("number")[:_REMARKS]),
        remarks_count=with_remarks.count(),
        progress=progress(batch),
        writes=batch.counts.get("new", 0) + batch.counts.get("update", 0),
    )


def progress(batch: ImportBatch) -> dict[str, Any]:
    """Return how far the work is: state, percent, and both in words."""
    total = max(batch.total_rows, batch.done_rows, 1)
    done = batch.done_rows
    percent = 100 if batch.state not in _WORKING else min(99, done * 100 // total)
    moved = batch.moved_at
    stalled = batch.state in _WORKING and moved and timezone.now() - moved > _STALLED
    return {
        "state": batch.state,
        "percent": percent,
        "words": f"{done:,} of about {total:,} rows",
        "stalled": bool(stalled),
        "figures": {name: f"{value:,}" for name, value, _ in _figures(batch)},
    }


def _columns(batch: ImportBatch, mapping: Sequence[str]) -> list[Column]:
    return [
        Column(
            name=name,
            cells=[row[n] for row in batch.samples[:6] if n < len(row) and row[n]][:3],
            field=mapping[n] if n < len(mapping) else "",
        )
        for n, name in enumerate(batch.columns)
    ]


def _figures(batch: ImportBatch) -> list[tuple[str, int, str]]:
    """Return name, number and kind of each figure of the state."""
    counts = batch.counts
    if batch.state in (_STATE.CHECKING, _STATE.CHECKED):
        names = [
            ("New leads", "new", "good"),
            ("Updates", "update", "live"),
            ("Duplicates", "duplicate", "warn"),
            ("Invalid", "invalid", "bad"),
            ("Consents", "consents", ""),
            ("Not to be called", "do_not_call", ""),
        ]
    elif batch.state in (_STATE.COMMITTING, _STATE.COMMITTED):
        names = [
            ("Leads made", "done_new", "good"),
            ("Leads updated", "done_update", "live"),
            ("Consents kept", "done_consents", ""),
            ("Put on do not call", "done_do_not_call", ""),
            ("Duplicates left out", "duplicate", "warn"),
            ("Invalid left out", "invalid", "bad"),
        ]
    else:
        names = [
            ("Leads removed", "undone_removed", "bad"),
            ("Leads that stay", "undone_kept", "good"),
            ("Leads put back", "undone_restored", "live"),
            ("Fields changed since", "undone_kept_fields", ""),
        ]
    return [(name, int(counts.get(key, 0)), kind) for name, key, kind in names]
