"""Tables as files for spreadsheets: CSV, and Excel workbooks."""

from __future__ import annotations

import csv
import io
import re
import string
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import IO, Literal
from uuid import UUID

from openpyxl import Workbook

Kind = Literal["csv", "xlsx"]
CONTENT_TYPES: dict[Kind, str] = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
Value = str | int | Decimal | date | datetime | UUID | None

# A cell that begins with one of these is a formula to Excel, LibreOffice and Google Sheets
# (OWASP, "CSV Injection").
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")
# What XML 1.0 cannot hold.
_NOT_IN_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
_WIDTH = 22
"""Of a workbook's columns, in characters: a moment fits."""


def cell(text: str) -> str:
    """Return text that no spreadsheet takes for a formula."""
    return f"'{text}" if text.startswith(_FORMULA) else text


def table_write(rows: Iterable[Sequence[Value]], file: IO[bytes], kind: Kind) -> int:
    """Write a table, a row at a time; the first row is its header. Returns how many follow it.

    Numbers, days and moments stay such; moments are in UTC. Text is never a formula.
    """
    return _csv(rows, file) if kind == "csv" else _workbook(rows, file)


def _csv(rows: Iterable[Sequence[Value]], file: IO[bytes]) -> int:
    # With a byte-order mark, or Excel reads names in the wrong encoding.
    text = io.TextIOWrapper(file, encoding="utf-8-sig", newline="")
    writer, count = csv.writer(text), 0  # RFC 4180
    for row in rows:
        writer.writerow([_plain(value) for value in row])
        count += 1
    text.detach()
    return count - 1


def _plain(value: Value) -> object:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="seconds")
    return cell(value) if isinstance(value, str) else value


def _workbook(rows: Iterable[Sequence[Value]], file: IO[bytes]) -> int:
    book = Workbook(write_only=True)
    sheet = book.create_sheet()
    sheet.freeze_panes = "A2"
    for column in string.ascii_uppercase:
        sheet.column_dimensions[column].width = _WIDTH
    count = 0
    for row in rows:
        sheet.append([_typed(value) for value in row])
        count += 1
    book.save(file)
    return count - 1


def _typed(value: Value) -> object:
    if isinstance(value, datetime):  # Excel knows no time zones
        return value.astimezone(UTC).replace(tzinfo=None, microsecond=0)
    if isinstance(value, str):
        return cell(_NOT_IN_XML.sub("", value))
    return str(value) if isinstance(value, UUID) else value
