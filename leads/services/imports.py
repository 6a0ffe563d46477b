"""Imports of leads: take a file in, choose its columns, check, commit, undo."""

from __future__ import annotations

import itertools
import time
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path, PurePath
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser
from django.core.exceptions import ValidationError
from django.core.files import File
from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.module_loading import import_string

from leads.encodings import NAMES
from leads.import_files import (
    MAX_COLUMNS,
    FileRefused,
    FileShape,
    csv_shape,
    rows_guess,
    rows_of,
    shape_of,
)
from leads.models import ImportBatch, ImportMapping
from leads.policy.import_fields import header_there, mapping_guess, mapping_problems
from leads.services.import_check import chunk_check
from leads.services.import_commit import chunk_commit
from leads.services.import_phases import Superseded
from leads.services.import_undo import chunk_undo

STATE = ImportBatch.State
_SAMPLES = 20
_PHASES = {STATE.CHECKING: chunk_check, STATE.COMMITTING: chunk_commit, STATE.UNDOING: chunk_undo}


class ImportNotReady(Exception):  # noqa: N818 - says what happened
    """The import is not in the state for this step: the message says what to do first."""


def import_create(
    *, file: File[bytes], name: str, source: str, actor: AbstractBaseUser | None = None
) -> ImportBatch:
    """Take a file in and guess what its columns hold.

    Args:
        file: open for reading in binary; stored privately.
        name: its name on the sender's machine.
        source: where the leads come from; columns are remembered for it.

    Raises:
        FileRefused: the file cannot be imported; says why and what to do.
        ValidationError: the source is missing.
    """
    source = source.strip()[:80]
    if not source:
        raise ValidationError({"source": "Say where these leads come from."})
    shape = shape_of(file, size=file.size)
    batch = ImportBatch(
        file_name=PurePath(name.replace("\\", "/")).name[:200] or "file",
        source=source,
        created_by_id=actor.pk if actor else None,
    )
    file.seek(0)
    batch.file.save(f"{batch.pk}{'.csv' if shape.encoding else '.xlsx'}", file, save=False)
    try:
        _read_top(batch, shape)
        batch.save(force_insert=True)
    except BaseException:
        batch.file.delete(save=False)
        raise
    return batch


@transaction.atomic
def import_read_as(*, batch_id: UUID, encoding: str) -> ImportBatch:
    """Read the top of a file again, in the encoding that a person has chosen.

    Raises:
        ImportNotReady: the import is being worked on or was committed.
        FileRefused: the file cannot be read in it.
        ValidationError: there is no such encoding, or the file is a workbook, which needs none.
    """
    batch = _locked(batch_id, STATE.UPLOADED, STATE.CHECKED, STATE.FAILED)
    if encoding not in NAMES or not batch.encoding:
        raise ValidationError("Choose one of the encodings that are listed.")
    with Path(batch.file.path).open("rb") as file:
        shape = csv_shape(file, encoding)
    batch.rows.all().delete()
    batch.state, batch.error = STATE.UPLOADED, ""
    _read_top(batch, shape)
    batch.save()
    return batch


def _read_top(batch: ImportBatch, shape: FileShape) -> None:
    """Keep how a file is read, its columns, its first rows, and what the columns may hold."""
    path = Path(batch.file.path)
    first = [row for row in itertools.islice(rows_of(path, shape), _SAMPLES + 1) if row]
    if not first:
        raise FileRefused("The file has no rows.")
    width = max(map(len, first))
    if width > MAX_COLUMNS:
        raise FileRefused(f"The file has {width} columns; {MAX_COLUMNS} are the most. Delete some.")
    batch.format, batch.encoding = shape.format, shape.encoding
    batch.delimiter = shape.delimiter
    batch.has_header = header_there(first[0])
    if batch.has_header and len(first) == 1:
        raise FileRefused("The file has a header and no rows.")
    names = first[0] if batch.has_header else []
    batch.columns = [
        (names[index].strip() if index < len(names) else "") or f"Column {index + 1}"
        for index in range(len(names) or width)
    ]
    batch.samples = [[cell[:60] for cell in row] for row in first[int(batch.has_header) :]]
    remembered = ImportMapping.objects.filter(pk=batch.source).first()
    batch.mapping = mapping_guess(
        batch.columns, batch.samples, remembered=remembered.fields if remembered else None
    )
    batch.total_rows = rows_guess(path, shape)


@transaction.atomic
def import_check(
    *, batch_id: UUID, mapping: Sequence[str], on_existing: str, enqueue: bool = True, now: datetime
) -> ImportBatch:
    """Begin the dry run with these columns, and remember them for the source.

    Args:
        mapping: a field for each column, "" for none.
        on_existing: one of `ImportBatch.OnExisting`.
        enqueue: whether a worker does it; else the caller, with `import_step`.

    Raises:
        ImportNotReady: the import is being worked on or was committed.
        ValidationError: the columns do not make a lead.
    """
    batch = _locked(batch_id, STATE.UPLOADED, STATE.CHECKED, STATE.FAILED)
    if len(mapping) != len(batch.columns):
        raise ValidationError(f"The file has {len(batch.columns)} columns: choose for each.")
    problems = mapping_problems(mapping)
    if problems:
        raise ValidationError(problems)
    batch.rows.all().delete()
    batch.mapping = list(mapping)
    batch.on_existing = ImportBatch.OnExisting(on_existing)
    ImportMapping.objects.update_or_create(
        source=batch.source, defaults={"fields": dict(zip(batch.columns, mapping, strict=True))}
    )
    return _begin(batch, STATE.CHECKING, cursor=0, counts={}, enqueue=enqueue, now=now)


@transaction.atomic
def import_commit(*, batch_id: UUID, enqueue: bool = True, now: datetime) -> ImportBatch:
    """Begin to write what the dry run showed.

    Raises:
        ImportNotReady: there is no finished dry run.
    """
    batch = _locked(batch_id, STATE.CHECKED)
    return _begin(batch, STATE.COMMITTING, cursor=0, counts=batch.counts, enqueue=enqueue, now=now)


@transaction.atomic
def import_undo(*, batch_id: UUID, enqueue: bool = True, now: datetime) -> ImportBatch:
    """Begin to take a committed import back.

    Raises:
        ImportNotReady: it is not committed.
    """
    batch = _locked(batch_id, STATE.COMMITTED)
    end = batch.cursor + 1
    return _begin(batch, STATE.UNDOING, cursor=end, counts=batch.counts, enqueue=enqueue, now=now)


def import_step(*, batch_id: UUID, seconds: float) -> bool:
    """Go on with whatever the import is at. True while there is more to do.

    Safe to run at any time, twice, and after any crash.

    Args:
        seconds: about how long to work; at least one chunk is done.
    """
    end = time.monotonic() + seconds
    batch = ImportBatch.objects.get(pk=batch_id)
    collisions = 0
    while (phase := _PHASES.get(STATE(batch.state))) is not None:
        try:
            more = phase(batch, now=timezone.now())
        except FileRefused as error:
            _refuse(batch, str(error))
            return False
        except Superseded:
            return True
        except IntegrityError:
            # A lead with one of the numbers was made, or a call to one of the leads, at this
            # moment. The chunk is rolled back; read again, it sees them.
            collisions += 1
            if collisions > 3:
                raise
            batch = ImportBatch.objects.get(pk=batch_id)
            continue
        if not more:
            return False
        if time.monotonic() >= end:
            return True
    return False


def imports_at_work() -> QuerySet[ImportBatch]:
    """Return the imports that `import_step` has something to do for, the oldest first."""
    return ImportBatch.objects.filter(state__in=_PHASES).order_by("created_at")


def _refuse(batch: ImportBatch, why: str) -> None:
    ImportBatch.objects.filter(pk=batch.pk, run=batch.run, state=STATE.CHECKING).update(
        state=STATE.FAILED, error=why[:300]
    )


def _locked(batch_id: UUID, *states: str) -> ImportBatch:
    batch = ImportBatch.objects.select_for_update().get(pk=batch_id)
    if batch.state not in states:
        raise ImportNotReady(
            f"This import is at “{batch.get_state_display()}”, and the step needs "
            f"“{' or '.join(STATE(state).label for state in states)}”."
        )
    return batch


def _begin(
    batch: ImportBatch,
    state: str,
    *,
    cursor: int,
    counts: Mapping[str, int],
    enqueue: bool,
    now: datetime,
) -> ImportBatch:
    batch.state = state
    batch.cursor = cursor
    batch.counts = dict(counts)
    batch.done_rows = 0
    batch.error = ""
    batch.moved_at = now
    batch.run += 1
    batch.save()
    if enqueue:
        # The outbox lies above this app, which therefore asks the settings where it is.
        outbox_add: Any = import_string(settings.OUTBOX_ADD)
        outbox_add(
            kind="import",
            key=f"import:{batch.pk}:{batch.run}",
            payload={"batch": str(batch.pk)},
            due_at=now,
        )
    return batch


__all__ = [
    "FileRefused",
    "ImportNotReady",
    "import_check",
    "import_commit",
    "import_create",
    "import_read_as",
    "import_step",
    "import_undo",
    "imports_at_work",
]
