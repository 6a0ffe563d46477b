"""One tab of a spreadsheet as a table: a header, rows of text, and writes to single cells."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any, Final

import gspread
from gspread.utils import absolute_range_name, rowcol_to_a1

from leads.models import SheetLink
from leads.sheets.accounts import Account, account_of
from leads.sheets.client import SheetsClient
from leads.sheets.errors import SheetsRefused

# Numbers as they are, not as they are shown: a phone number may be shown as 5.12E+09. Dates as
# they are shown, because as numbers they count the days since 1899.
_AS_TEXT: Final = {
    "valueRenderOption": "UNFORMATTED_VALUE",
    "dateTimeRenderOption": "FORMATTED_STRING",
    "majorDimension": "ROWS",
}
# Text stays text: nothing that a lead said can become a formula.
_RAW: Final = "RAW"

Value = str | int | float


@dataclass(frozen=True, slots=True)
class Tab:
    """A tab of a spreadsheet: its id, title and size."""

    id: int
    title: str
    rows: int
    columns: int


@dataclass(frozen=True, slots=True)
class Cell:
    """A value for a place in the tab. Rows and columns count from 1."""

    row: int
    column: int
    value: Value


@dataclass(frozen=True, slots=True)
class Book:
    """A spreadsheet: its id, title and visible tabs."""

    id: str
    title: str
    tabs: tuple[Tab, ...]


def spreadsheet_id(url: str) -> str:
    """Return the id in the address of a spreadsheet, or the id itself.

    Raises:
        SheetsRefused: there is none in it.
    """
    text = url.strip()
    try:
        return str(gspread.utils.extract_id_from_url(text))
    except gspread.exceptions.NoValidUrlKeyFound:
        if len(text) >= 20 and text.replace("-", "").replace("_", "").isalnum():
            return text
    raise SheetsRefused(
        "This is not the address of a Google Sheet: it begins with "
        "https://docs.google.com/spreadsheets/d/."
    )


def book_open(account: Account, sheet_id: str, *, patience: timedelta) -> Book:
    """Read the title and the tabs of a spreadsheet. One request.

    Raises:
        SheetsError: it cannot be opened; says why.
    """
    return _book(SheetsClient(account, patience=patience), sheet_id)


def _book(client: SheetsClient, sheet_id: str) -> Book:
    fields = "properties.title,sheets.properties"
    found = client.fetch_sheet_metadata(sheet_id, params={"fields": fields})
    tabs = []
    for sheet in found.get("sheets", ()):
        about = sheet["properties"]
        grid = about.get("gridProperties", {})
        if about.get("sheetType", "GRID") == "GRID":
            tabs.append(
                Tab(
                    int(about.get("sheetId", 0)),
                    str(about.get("title", "")),
                    int(grid.get("rowCount", 0)),
                    int(grid.get("columnCount", 0)),
                )
            )
    return Book(sheet_id, str(found.get("properties", {}).get("title", "")), tuple(tabs))


class Table:
    """The tab of a link, opened with its account. One request; others as they are needed.

    Raises:
        SheetsRefused: the tab is gone, or the account may not open it.
    """

    def __init__(self, link: SheetLink, *, patience: timedelta) -> None:
        client = SheetsClient(account_of(link), patience=patience)
        self.book = _book(client, link.spreadsheet_id)
        tab = next((tab for tab in self.book.tabs if tab.id == link.tab_id), None)
        if tab is None:
            raise SheetsRefused(
                f"The tab “{link.tab_title}” is gone from the sheet: choose another one."
            )
        self.tab = tab
        self._sheet = gspread.Spreadsheet(
            client, {"id": link.spreadsheet_id, "title": self.book.title}
        )

    def header(self) -> list[str]:
        """Return the first row."""
        rows = self.rows(1, 1)
        return [cell.strip() for cell in rows[0]] if rows else []

    def rows(self, first: int, count: int) -> list[list[str]]:
        """Return rows as text, blank ones as empty lists; fewer at the end of the tab."""
        return self.blocks(first, count, [(1, max(self.tab.columns, 1))])[0]

    def blocks(
        self, first: int, count: int, spans: Sequence[tuple[int, int]]
    ) -> list[list[list[str]]]:
        """Return the rows of several spans of columns (from, to), in one request."""
        last = min(first + count - 1, self.tab.rows)
        if last < first:
            return [[] for _ in spans]
        ranges = [
            self._range(f"{rowcol_to_a1(first, begin)}:{rowcol_to_a1(last, end)}")
            for begin, end in spans
        ]
        answer = self._sheet.values_batch_get(ranges, params=dict(_AS_TEXT))
        found = []
        for block in answer.get("valueRanges", ()):
            rows = [[as_text(value) for value in row] for row in block.get("values", ())]
            rows += [[] for _ in range(last - first + 1 - len(rows))]
            found.append(rows)
        return found

    def last_row(self, places: Iterable[int | None]) -> int:
        """Return the last row with something in one of some columns (counted from 0)."""
        spans = [(place + 1, place + 1) for place in places if place is not None]
        filled = (
            number
            for block in self.blocks(1, self.tab.rows, spans)
            for number, row in enumerate(block, start=1)
            if any(row)
        )
        return max(filled, default=0)

    def write(self, cells: Iterable[Cell]) -> None:
        """Write cells, neighbours together, in one request. Writing them twice does nothing."""
        data = [
            {
                "range": self._range(rowcol_to_a1(run[0].row, run[0].column)),
                "values": [[cell.value for cell in run]],
            }
            for run in _runs(cells)
        ]
        if data:
            self._sheet.values_batch_update({"valueInputOption": _RAW, "data": data})

    def append(self, rows: Sequence[Sequence[Value]]) -> None:
        """Add rows below the table, wherever it ends by then.

        Raises:
            SheetsUnclear: they may be there: read before trying again.
        """
        self._sheet.values_append(
            self._range("A1"),
            {"valueInputOption": _RAW, "insertDataOption": "INSERT_ROWS"},
            {"values": [list(row) for row in rows]},
        )

    def columns_ensure(self, count: int) -> None:
        """Make the tab at least so many columns wide."""
        if self.tab.columns >= count:
            return
        grid = {"columnCount": count}
        self._sheet.batch_update(
            {
                "requests": [
                    {
                        "updateSheetProperties": {
                            "properties": {"sheetId": self.tab.id, "gridProperties": grid},
                            "fields": "gridProperties.columnCount",
                        }
                    }
                ]
            }
        )

    def row_delete(self, row: int) -> None:
        """Take a row out of the tab."""
        span = {
            "sheetId": self.tab.id, "dimension": "ROWS", "startIndex": row - 1, "endIndex": row,
        }  # fmt: skip
        self._sheet.batch_update({"requests": [{"deleteDimension": {"range": span}}]})

    def _range(self, cells: str) -> str:
        return str(absolute_range_name(self.tab.title, cells))


def as_text(value: Any) -> str:
    """Return a value of the API as a person reads it."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    return str(value).strip()


def as_value(value: object) -> Value:
    """Return a value as the sheet keeps it: numbers as numbers, everything else as text."""
    if value is None:
        return ""
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, int | float) and not isinstance(value, bool):
        return value
    # 50 000 characters are the most that a cell holds.
    return str(value)[:50_000]


def _runs(cells: Iterable[Cell]) -> list[list[Cell]]:
    ordered = sorted(cells, key=lambda cell: (cell.row, cell.column))
    runs: list[list[Cell]] = []
    for row, in_row in itertools.groupby(ordered, key=lambda cell: cell.row):
        for cell in in_row:
            last = runs[-1][-1] if runs else None
            if last and last.row == row and last.column + 1 == cell.column:
                runs[-1].append(cell)
            else:
                runs.append([cell])
    return runs
