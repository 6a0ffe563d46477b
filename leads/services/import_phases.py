"""The phases of an import, chunk by chunk: check, commit, undo.

Every chunk is one transaction that also moves the batch's cursor by compare-and-set. A process that
is killed leaves whole chunks behind it, and whoever comes next goes on at the cursor; of two that
work at once, the later one's chunk is rolled back (`Superseded`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from django.utils import timezone

from leads.models import ImportBatch

CHUNK: Final = 500
"""Rows of a transaction: well under half a second, so that live calls never wait for long."""


class Superseded(Exception):  # noqa: N818 - says what happened
    """Somebody else moved the batch while this chunk was made."""


def batch_move(
    batch: ImportBatch, *, cursor: int, rows: int, counted: Mapping[str, int], **also: Any
) -> None:
    """Move a batch to its next chunk, inside the chunk's transaction.

    Args:
        rows: how many rows the chunk held.
        counted: what to add to the batch's counts.
        also: other fields to set, such as the next state.

    Raises:
        Superseded: the batch is not where it was read.
    """
    counts = dict(Counter(batch.counts) + Counter(dict(counted)))
    moved_at: datetime = timezone.now()
    fields = {
        "cursor": cursor,
        "done_rows": batch.done_rows + rows,
        "counts": counts,
        "moved_at": moved_at,
        **also,
    }
    where = {"pk": batch.pk, "state": batch.state, "run": batch.run, "cursor": batch.cursor}
    if not ImportBatch.objects.filter(**where).update(**fields):
        raise Superseded
    for name, value in fields.items():
        setattr(batch, name, value)
