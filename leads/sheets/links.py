"""Sheets are linked, their columns chosen, paused, and let go."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from django.contrib.auth.models import AbstractBaseUser
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from gspread.utils import rowcol_to_a1

from leads.models import GoogleAccount, SheetLink
from leads.policy.sheet_columns import (
    FIELDS,
    KEY,
    KEY_NAME,
    RESULTS,
    Column,
    columns_guess,
    columns_problems,
)
from leads.sheets.accounts import own, service
from leads.sheets.chunk import WRITES
from leads.sheets.errors import SheetsRefused
from leads.sheets.sync import sheet_promise
from leads.sheets.table import Cell, Tab, Table, book_open, spreadsheet_id

PATIENCE: Final = timedelta(seconds=10)
"""How long a person at the desk waits for Google."""
_SAMPLES: Final = 20
_GID: Final = re.compile(r"[#?&]gid=(\d+)")


@dataclass(frozen=True, slots=True)
class Preview:
    """A tab as it is now: its header, some rows, the other tabs, and what its columns may be."""

    tabs: tuple[Tab, ...]
    header: list[str]
    samples: list[list[str]]
    guess: list[Column]


def link_create(
    *,
    url: str,
    direction: str,
    account: GoogleAccount | None,
    actor: AbstractBaseUser | None,
) -> SheetLink:
    """Open a spreadsheet and keep a draft of its link, to its tab in the address or the first.

    Args:
        url: address of the spreadsheet, as the browser shows it.
        direction: one of `SheetLink.Direction`.
        account: a user's own; the service account if None.

    Raises:
        SheetsError: it cannot be opened; says why and what to do.
    """
    book = book_open(
        service() if account is None else own(account), spreadsheet_id(url), patience=PATIENCE
    )
    if not book.tabs:
        raise SheetsRefused("This spreadsheet has no tab with cells.")
    wanted = _GID.search(url)
    tab = next((tab for tab in book.tabs if wanted and tab.id == int(wanted[1])), book.tabs[0])
    return SheetLink.objects.create(
        spreadsheet_id=book.id,
        title=book.title[:200],
        tab_id=tab.id,
        tab_title=tab.title[:120],
        account=account,
        direction=SheetLink.Direction(direction),
        source=book.title[:80],
        owner_id=actor.pk if actor else None,
    )


def link_preview(link: SheetLink, *, tab_id: int | None = None) -> Preview:
    """Read the top of a tab, and guess its columns unless they were chosen before.

    Raises:
        SheetsError: it cannot be read.
    """
    if tab_id is not None:
        link.tab_id = tab_id
    table = Table(link, patience=PATIENCE)
    rows = table.rows(1, 1 + _SAMPLES)
    header = [cell.strip() for cell in rows[0]] if rows else []
    samples = [row for row in rows[1:] if row]
    chosen = [Column(**raw) for raw in link.columns]
    return Preview(
        tabs=table.book.tabs,
        header=header,
        samples=samples,
        guess=chosen or columns_guess(header, samples, direction=link.direction),
    )


def link_configure(
    *,
    link_id: UUID,
    tab_id: int,
    direction: str,
    columns: Sequence[Column],
    new_results: Sequence[str] = (),
    source: str,
    adds_leads: bool,
    every_minutes: int,
    owner_id: int | None,
    now: datetime,
) -> SheetLink:
    """Choose what a link does, and let it begin. Missing columns are added to the sheet.

    Args:
        columns: those of the sheet that are used.
        new_results: results for which the sheet has no column yet.
        source: where its leads come from.
        adds_leads: whether leads of that source which are not in the sheet are added to it.

    Raises:
        ValidationError: the columns do not make a lead; says what to choose.
        SheetsError: the sheet cannot be read or written.
    """
    link = SheetLink.objects.select_related("account").get(pk=link_id)
    link.direction = SheetLink.Direction(direction)
    link.tab_id = tab_id
    writes = link.direction in WRITES
    there = {column.field for column in columns}
    new = [Column(RESULTS[field], field) for field in new_results if field not in there]
    if writes and KEY not in there:
        new.append(Column(KEY_NAME, KEY))
    problems = columns_problems([*columns, *new], direction=direction)
    if not source.strip():
        problems.append("Say where these leads come from.")
    if every_minutes < 1:
        problems.append("It can be synced once a minute at most.")
    if problems:
        raise ValidationError(problems)
    table = Table(link, patience=PATIENCE)
    header = table.header()
    missing = [column.name for column in columns if column.name not in header]
    if missing:
        raise ValidationError(f"The sheet has no column “{missing[0]}” any more: choose again.")
    if new:
        _header_extend(table, header, [column for column in new if column.name not in header])
    link.tab_title = table.tab.title[:120]
    link.columns = [asdict(column) for column in (*columns, *new)]
    link.source = source.strip()[:80]
    link.adds_leads = adds_leads and writes
    link.every_minutes = every_minutes
    link.owner_id = owner_id
    link.state = SheetLink.State.ACTIVE
    link.running, link.error, link.failures = False, "", 0
    link.next_sync_at = now
    try:
        with transaction.atomic():
            link.save()
    except IntegrityError:
        raise ValidationError(
            f"The tab “{link.tab_title}” is linked already: open that link instead."
        ) from None
    sheet_promise(link_id=link.pk, due_at=now)
    return link


def link_pause(*, link_id: UUID) -> bool:
    """Stop syncing a sheet until it is resumed. False when it was not active."""
    return bool(
        SheetLink.objects.filter(pk=link_id, state=SheetLink.State.ACTIVE).update(
            state=SheetLink.State.PAUSED
        )
    )


def link_resume(*, link_id: UUID, now: datetime) -> bool:
    """Go on syncing a paused sheet, at once. False when it was not paused."""
    resumed = SheetLink.objects.filter(pk=link_id, state=SheetLink.State.PAUSED).update(
        state=SheetLink.State.ACTIVE, next_sync_at=now, error="", failures=0
    )
    if resumed:
        sheet_promise(link_id=link_id, due_at=now)
    return bool(resumed)


def link_sync_now(*, link_id: UUID, now: datetime) -> bool:
    """Make a sheet due at once, whatever went wrong before. False when it is not active."""
    active = SheetLink.objects.filter(pk=link_id, state=SheetLink.State.ACTIVE).update(
        next_sync_at=now, failures=0
    )
    if active:
        sheet_promise(link_id=link_id, due_at=now)
    return bool(active)


def link_remove(*, link_id: UUID) -> None:
    """Let a sheet go. Leads and the sheet itself stay as they are."""
    SheetLink.objects.filter(pk=link_id).delete()


def _header_extend(table: Table, header: Sequence[str], columns: Sequence[Column]) -> None:
    """Write the names of new columns right of the last one."""
    first = len(header) + 1
    table.columns_ensure(len(header) + len(columns))
    table.write(Cell(1, first + offset, column.name) for offset, column in enumerate(columns))


def column_letter(place: int) -> str:
    """Return the letters of a column, counted from 0: A, B … Z, AA."""
    return str(rowcol_to_a1(1, place + 1)).rstrip("1")


__all__ = [
    "FIELDS",
    "Preview",
    "column_letter",
    "link_configure",
    "link_create",
    "link_pause",
    "link_preview",
    "link_remove",
    "link_resume",
    "link_sync_now",
]
