"""The row of an erased lead goes out of its sheets, where that is asked for."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from leads.models import SheetRow
from leads.policy.sheet_columns import KEY
from leads.sheets.chunk import WRITES
from leads.sheets.errors import SheetsRefused
from leads.sheets.lines import layout_of
from leads.sheets.table import Table

_PATIENCE = timedelta(seconds=30)


def sheet_rows_delete(*, lead_id: UUID, phone: str) -> int:
    """Delete a lead's row in every linked sheet that has it. Returns how many were there.

    Safe to repeat: a row that is gone is gone. Found by its key, else by the number.

    Raises:
        SheetsRefused: a link only reads, or the sheet may not be written.
        SheetsError: a sheet could not be reached; rows deleted before stay deleted.
    """
    deleted = 0
    for row in SheetRow.objects.filter(lead_id=lead_id).select_related("link__account"):
        if row.link.direction not in WRITES:
            raise SheetsRefused(
                f"{row.link} is only read: delete row {row.number} there by hand, or let results "
                "go out as well."
            )
        table = Table(row.link, patience=_PATIENCE)
        layout = layout_of(row.link, table.header())
        number = _find(table, layout.place(KEY), str(lead_id))
        if number is None:
            number = _find_phone(table, layout.place("phone"), phone)
        if number is not None:
            table.row_delete(number)
            deleted += 1
    return deleted


def _find(table: Table, place: int | None, key: str) -> int | None:
    if place is None:
        return None
    column = table.blocks(1, table.tab.rows, [(place + 1, place + 1)])[0]
    return next((n for n, row in enumerate(column, start=1) if row and row[0] == key), None)


def _find_phone(table: Table, place: int | None, phone: str) -> int | None:
    if place is None:
        return None
    digits = "".join(filter(str.isdigit, phone))
    column = table.blocks(1, table.tab.rows, [(place + 1, place + 1)])[0]
    for number, row in enumerate(column, start=1):
        said = "".join(filter(str.isdigit, row[0])) if row else ""
        if len(said) >= 10 and said[-10:] == digits[-10:]:
            return number
    return None
