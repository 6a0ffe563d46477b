"""A pass over a linked sheet: chunk by chunk, resumable at any row, one process at a time."""

from __future__ import annotations

import time
from collections import Counter
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

import structlog
from django.conf import settings
from django.db import IntegrityError
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone
from django.utils.module_loading import import_string

from leads.models import GoogleAccount, Lead, SheetLink, SheetRow
from leads.policy.import_changes import FIELDS
from leads.policy.sheet_columns import KEY, text_of
from leads.sheets.chunk import WRITES, chunk_sync
from leads.sheets.errors import SheetsError, SheetsLater, SignInRefused
from leads.sheets.lines import Layout, layout_of
from leads.sheets.results import results_of
from leads.sheets.table import Table, as_value

logger = structlog.get_logger(__name__)

CHUNK: Final = 1000
"""Rows of a request, and of a transaction."""
ADD_CHUNK: Final = 200
REMARKS: Final = 100
HOLD: Final = timedelta(minutes=5)
"""How long a process that was killed keeps others from going on."""
PAUSE_REFUSED: Final = timedelta(hours=1)
"""When a link is tried again that a person has to put right."""
_FIRST_PAUSE: Final = timedelta(minutes=1)
_LONGEST_PAUSE: Final = timedelta(hours=1)


class SheetBusy(Exception):  # noqa: N818 - says what happened
    """Another process is working on the sheet."""


def sheet_sync_step(*, link_id: UUID, seconds: float, patience: timedelta = timedelta(0)) -> bool:
    """Go on with a link's pass, or begin one. True while there is more to do.

    Safe to run at any time, twice, and after any crash. What went wrong is kept on the link, in
    words, and the link rests: a minute after the first failure, twice as long after each further
    one, an hour at most.

    Args:
        seconds: about how long to work; at least one chunk is done.
        patience: how long waiting for Google may take before `SheetsLater` is raised.

    Raises:
        SheetBusy: another process is at it.
        SheetsLater: nothing failed; go on at that time.
    """
    end = time.monotonic() + seconds
    link = _hold(link_id)
    try:
        if link.state != SheetLink.State.ACTIVE:
            return False
        if not link.running:
            _begin(link, timezone.now())
        return _work(link, end=end, patience=patience)
    except SheetsLater:
        raise
    except SheetsError as error:
        _failed(link, error, timezone.now())
        return False
    except Exception as error:
        words = f"Something went wrong on our side ({type(error).__name__}): see the log."
        _failed(link, SheetsError(words), timezone.now())
        raise
    finally:
        SheetLink.objects.filter(pk=link.pk).update(held_until=None)


def sheets_due(now: datetime) -> list[tuple[UUID, datetime]]:
    """Return the links whose time has come, and when that was, the longest waiting first."""
    due = SheetLink.objects.filter(state=SheetLink.State.ACTIVE, next_sync_at__lte=now)
    found = due.order_by("next_sync_at").values_list("pk", "next_sync_at")
    return [(link_id, due_at) for link_id, due_at in found if due_at is not None]


def sheet_is_due(*, link_id: UUID, now: datetime) -> bool:
    """Whether a sheet's time has come. A promise outlives the time that it was made for."""
    due = SheetLink.objects.filter(pk=link_id, state=SheetLink.State.ACTIVE, next_sync_at__lte=now)
    return due.exists()


def sheet_promise(*, link_id: UUID, due_at: datetime) -> None:
    """Leave a pass over a sheet to a worker, once for each time that it is due."""
    # The outbox lies above this app, which therefore asks the settings where it is.
    outbox_add: Any = import_string(settings.OUTBOX_ADD)
    outbox_add(
        kind="sheet",
        key=f"sheet:{link_id}:{due_at:%Y%m%dT%H%M%S%f}",
        payload={"link": str(link_id)},
        due_at=due_at,
    )


def sheets_wake(*, lead_id: UUID, now: datetime) -> int:
    """Let the sheets that have a lead be written soon. Returns how many.

    Within a minute, and once a minute at most for each: many calls end in the same minute. A sheet
    that could not be synced the last time keeps its own time.
    """
    soon = now + timedelta(minutes=1)
    links = SheetLink.objects.filter(
        rows__lead_id=lead_id,
        state=SheetLink.State.ACTIVE,
        direction__in=WRITES,
        next_sync_at__gt=soon,
        failures=0,
    )
    count = 0
    for link_id in list(links.values_list("pk", flat=True)):
        if SheetLink.objects.filter(pk=link_id, next_sync_at__gt=soon).update(next_sync_at=soon):
            sheet_promise(link_id=link_id, due_at=soon)
            count += 1
    return count


def _hold(link_id: UUID) -> SheetLink:
    now = timezone.now()
    free = Q(held_until__isnull=True) | Q(held_until__lt=now)
    if not SheetLink.objects.filter(free, pk=link_id).update(held_until=now + HOLD):
        raise SheetBusy("Another process is at this sheet: try again in a few minutes.")
    return SheetLink.objects.select_related("account").get(pk=link_id)


def _begin(link: SheetLink, now: datetime) -> None:
    _set(link, run=link.run + 1, cursor=1, running=True, began_at=now, counts={}, remarks=[])


def _work(link: SheetLink, *, end: float, patience: timedelta) -> bool:
    table = Table(link, patience=patience)
    layout = layout_of(link, table.header())
    last = table.last_row([layout.place("phone"), layout.place(KEY)])
    while link.cursor < last:
        _chunk(link, table, layout, last)
        if time.monotonic() >= end:
            return True
    if link.adds_leads and link.direction in WRITES:
        while _add(link, table, layout, last):
            if time.monotonic() >= end:
                return True
    _finished(link, table, timezone.now())
    return False


def _chunk(link: SheetLink, table: Table, layout: Layout, last: int) -> None:
    first = link.cursor + 1
    count = min(CHUNK, last - link.cursor)
    for attempt in range(3):
        try:
            counts, remarks = chunk_sync(
                link, table, layout, first=first, count=count, now=timezone.now()
            )
            break
        except IntegrityError:
            # A lead with one of the numbers was made at this moment: read again, it is known.
            if attempt == 2:
                raise
    _set(
        link,
        cursor=link.cursor + count,
        counts=dict(Counter(link.counts) + counts),
        remarks=[*link.remarks, *remarks][:REMARKS],
        held_until=timezone.now() + HOLD,
    )


def _add(link: SheetLink, table: Table, layout: Layout, last: int) -> bool:
    """Add some of the source's leads that are not in the sheet. False when all are there.

    A row that a person has taken out of the sheet stays out: its lead was there. If the answer is
    lost, or we are killed, the pass begins again at the first row and finds by their keys what was
    added: nothing is appended before everything that is there has been read.
    """
    there = SheetRow.objects.filter(link=link, lead=OuterRef("pk"))
    missing = Lead.objects.filter(~Exists(there), source=link.source).order_by("created_at", "pk")
    leads = list(missing[:ADD_CHUNK])
    if not leads:
        return False
    results = results_of([lead.pk for lead in leads], now=timezone.now())
    rows = [_row_of(layout, lead, results[lead.pk]) for lead in leads]
    _set(link, cursor=1)
    table.append([[as_value(value) for value in row] for row in rows])
    SheetRow.objects.bulk_create(
        [
            SheetRow(link=link, lead=lead, number=0, seen_run=link.run, agreed=_agreed(layout, row))
            for lead, row in zip(leads, rows, strict=True)
        ],
        ignore_conflicts=True,
    )
    _set(
        link,
        cursor=last,
        counts=dict(Counter(link.counts) + Counter(added=len(leads))),
        held_until=timezone.now() + HOLD,
    )
    return True


def _row_of(layout: Layout, lead: Lead, results: dict[str, Any]) -> list[Any]:
    values = {name: getattr(lead, name) for name in ("phone", *FIELDS)}
    row: list[Any] = [""] * len(layout.header)
    for place, column in layout.columns:
        if column.field == KEY:
            row[place] = str(lead.pk)
        elif column.is_result:
            row[place] = results.get(column.field)
        elif column.is_contact:
            row[place] = text_of(column.field, values, column.name)
    return row


def _agreed(layout: Layout, row: list[Any]) -> dict[str, str]:
    return {column.name: str(row[place]) for place, column in layout.columns if column.is_contact}


def _finished(link: SheetLink, table: Table, now: datetime) -> None:
    gone = SheetRow.objects.filter(link=link, seen_run__lt=link.run).count()
    counts = {**link.counts, "gone": gone} if gone else link.counts
    _set(
        link,
        running=False,
        last_counts=counts,
        last_remarks=link.remarks,
        last_sync_at=now,
        next_sync_at=now + timedelta(minutes=link.every_minutes),
        title=table.book.title[:200],
        tab_title=table.tab.title[:120],
        error="",
        failures=0,
    )
    logger.info("sheet_synced", link_id=str(link.pk), run=link.run, counts=counts)


def _failed(link: SheetLink, error: SheetsError, now: datetime) -> None:
    if isinstance(error, SignInRefused) and link.account_id:
        GoogleAccount.objects.filter(pk=link.account_id).update(refused_at=now)
    pause = PAUSE_REFUSED
    if not error.permanent:
        pause = min(_FIRST_PAUSE * 2 ** min(link.failures, 10), _LONGEST_PAUSE)
    _set(link, error=str(error)[:300], failures=link.failures + 1, next_sync_at=now + pause)
    logger.warning("sheet_sync_failed", link_id=str(link.pk), error=type(error).__name__)


def _set(link: SheetLink, **fields: Any) -> None:
    SheetLink.objects.filter(pk=link.pk).update(**fields)
    for name, value in fields.items():
        setattr(link, name, value)
