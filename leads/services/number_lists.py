"""Files of numbers: taken in, then read chunk by chunk, each chunk one transaction.

As with imports, a chunk moves the list's cursor by compare-and-set: a process that is killed leaves
whole chunks behind, and whoever comes next goes on there.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path, PurePath
from typing import Any, Final
from uuid import UUID

from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser
from django.core.exceptions import ValidationError
from django.core.files import File
from django.db import transaction
from django.utils import timezone
from django.utils.module_loading import import_string

from leads.import_files import FileRefused, FileShape
from leads.models import NumberList
from leads.number_files import as_text, registry_open, rows_from
from leads.policy.number_columns import Columns, columns_guess
from leads.services.number_chunks import Done, chunk_do_not_call, chunk_reassigned
from leads.services.registry import CHUNK_BYTES, chunk_national, registry_adopt

PURPOSE = NumberList.Purpose
STATE = NumberList.State
CHUNK: Final = 1000
"""Rows of a transaction."""
REMARKS: Final = 100
"""Rows that were left out of which the reason is kept."""
_SAMPLES = 20


def number_list_create(
    *,
    file: File[bytes],
    name: str,
    purpose: str,
    made_on: date,
    actor: AbstractBaseUser | None = None,
    enqueue: bool = True,
    now: datetime,
) -> NumberList:
    """Take a file of numbers in and begin to read it.

    Args:
        file: open for reading in binary; kept until it is read.
        name: its name on the sender's machine.
        purpose: one of `NumberList.Purpose`.
        made_on: the day of which the list is: of the registry's version, of the look-up.
        enqueue: whether a worker reads it; else the caller, with `number_list_step`.

    Raises:
        FileRefused: the file cannot be read; says why and what to do.
        ValidationError: the day lies in the future.
    """
    if made_on > now.date():
        raise ValidationError({"made_on": "The list cannot be of a day that is still to come."})
    made = NumberList(
        purpose=PURPOSE(purpose),
        file_name=PurePath(name.replace("\\", "/")).name[:200] or "file",
        made_on=made_on,
        created_by_id=actor.pk if actor else None,
        moved_at=now,
    )
    made.file.name = f"number-lists/{made.pk}.txt"
    path = Path(made.file.path)
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        if made.purpose == PURPOSE.NATIONAL:
            with path.open("wb") as out:
                text = registry_open(file, size=file.size)
                while block := text.read(1 << 20):
                    out.write(block)
        else:
            shape = as_text(file, path, size=file.size)
            made.encoding, made.delimiter = shape.encoding, shape.delimiter
            sample = itertools.islice(rows_from(path, shape, 0), _SAMPLES)
            columns = columns_guess([row for _, row in sample if row], made.purpose)
            made.columns = {"phone": columns.phone, "other": columns.other}
            made.cursor = _after_header(path, shape) if columns.has_header else 0
        made.size = path.stat().st_size
        with transaction.atomic():
            made.save(force_insert=True)
            if enqueue:
                # The outbox lies above this app, which therefore asks the settings where it is.
                outbox_add: Any = import_string(settings.OUTBOX_ADD)
                key = f"numbers:{made.pk}"
                outbox_add(kind="numbers", key=key, payload={"list": str(made.pk)}, due_at=now)
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    return made


def number_list_step(*, list_id: UUID, seconds: float) -> bool:
    """Go on reading a list. True while there is more to do.

    Safe to run at any time, twice, and after any crash.

    Args:
        seconds: about how long to work; at least one chunk is done.
    """
    end = time.monotonic() + seconds
    row = NumberList.objects.get(pk=list_id)
    while row.state == STATE.WORKING:
        try:
            moved = _chunk(row, now=timezone.now())
        except FileRefused as error:
            NumberList.objects.filter(pk=row.pk, cursor=row.cursor).update(
                state=STATE.FAILED, error=str(error)[:300]
            )
            Path(row.file.path).unlink(missing_ok=True)
            return False
        if not moved:
            row.refresh_from_db()
        if time.monotonic() >= end:
            return row.state == STATE.WORKING
    return False


def _chunk(row: NumberList, *, now: datetime) -> bool:
    """Read the next part of a list. False when somebody else read it."""
    at = row.cursor
    with transaction.atomic():
        done = _READ[row.purpose](row, now)
        counts = {name: row.counts.get(name, 0) + count for name, count in done.counts.items()}
        fields: dict[str, Any] = {
            "cursor": done.cursor,
            "rows": row.rows + done.rows,
            "counts": {**row.counts, **counts},
            "remarks": [*row.remarks, *done.remarks][:REMARKS],
            "moved_at": now,
        }
        if done.cursor >= row.size:
            fields |= {"state": STATE.DONE, "done_at": now}
        if not NumberList.objects.filter(pk=row.pk, cursor=at, state=STATE.WORKING).update(
            **fields
        ):
            transaction.set_rollback(True)
            return False
        for name, value in fields.items():
            setattr(row, name, value)
        if row.state == STATE.DONE:
            if row.purpose == PURPOSE.NATIONAL:
                registry_adopt(row)
            # What it said stands in the database now; the numbers of strangers are not kept.
            transaction.on_commit(lambda: Path(row.file.path).unlink(missing_ok=True))
    return True


def _national(row: NumberList, now: datetime) -> Done:
    return chunk_national(row, Path(row.file.path), CHUNK_BYTES)


def _table(work: Callable[..., Done]) -> Callable[[NumberList, datetime], Done]:
    def read(row: NumberList, now: datetime) -> Done:
        shape = FileShape("CSV", row.encoding, row.delimiter)
        rows = list(itertools.islice(rows_from(Path(row.file.path), shape, row.cursor), CHUNK))
        cursor = rows[-1][0] if rows else row.size
        columns = Columns(row.columns["phone"], row.columns["other"])
        return work(row, [cells for _, cells in rows], columns, cursor=cursor, now=now)

    return read


_READ: dict[str, Callable[[NumberList, datetime], Done]] = {
    PURPOSE.DO_NOT_CALL: _table(chunk_do_not_call),
    PURPOSE.NATIONAL: _national,
    PURPOSE.REASSIGNED: _table(chunk_reassigned),
}


def _after_header(path: Path, shape: FileShape) -> int:
    return next(rows_from(path, shape, 0))[0]
