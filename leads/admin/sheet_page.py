"""What the pages of a linked sheet show."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from django.http import QueryDict

from leads.models import SheetConflict, SheetLink
from leads.policy.sheet_columns import FIELDS, RESULTS, WINS, Column, Wins
from leads.sheets.accounts import service
from leads.sheets.errors import SheetsError
from leads.sheets.links import Preview, column_letter

_FIGURES = (
    ("New leads", "new", "good"),
    ("Leads updated", "update", "live"),
    ("Cells written", "written", "live"),
    ("Added to the sheet", "added", "good"),
    ("Conflicts", "conflicts", "warn"),
    ("Invalid rows", "invalid", "bad"),
    ("Duplicate rows", "duplicate", "warn"),
    ("Gone from the sheet", "gone", ""),
)
_CONFLICTS = 50


@dataclass(frozen=True, slots=True)
class ColumnRow:
    """A column of the sheet: its letter and name, some cells, and what was chosen for it."""

    letter: str
    name: str
    cells: list[str]
    field: str
    wins: str


@dataclass(frozen=True, slots=True)
class ColumnsPage:
    """The second step of a link. Without a preview the sheet could not be read."""

    preview: Preview | None
    columns: list[ColumnRow]
    fields: list[tuple[str, str]]
    wins: list[tuple[str, str]]
    directions: list[tuple[str, str]]
    direction: str
    missing_results: list[tuple[str, str, bool]]
    source: str
    every_minutes: str
    adds_leads: bool
    owner_id: int | None


@dataclass(frozen=True, slots=True)
class LinkPage:
    """What a link did the last time, and what waits for somebody."""

    figures: list[tuple[str, int, str]]
    remarks: list[list[Any]]
    conflicts: list[SheetConflict]
    columns: list[tuple[str, str, str]]
    used_as: str
    no_account: str
    rows: int


def link_page(link: SheetLink) -> LinkPage:
    """Return the page of a link."""
    conflicts = link.conflicts.filter(choice="").select_related("lead")
    columns = [Column(**raw) for raw in link.columns]
    used_as, no_account = _account(link)
    return LinkPage(
        figures=[(name, int(link.last_counts.get(key, 0)), kind) for name, key, kind in _FIGURES],
        remarks=link.last_remarks[:25],
        conflicts=list(conflicts.order_by("created_at")[:_CONFLICTS]),
        columns=[
            (column.name, FIELDS[column.field], WINS[column.wins] if column.is_contact else "")
            for column in columns
        ],
        used_as=used_as,
        no_account=no_account,
        rows=link.rows.count(),
    )


def columns_page(
    link: SheetLink, preview: Preview | None, *, sent: Mapping[str, Any]
) -> ColumnsPage:
    """Return the second step, as it was sent if it could not be taken."""
    header = preview.header if preview else []
    samples = preview.samples if preview else []
    known = {column.name: column for column in (preview.guess if preview else ())}
    rows = []
    for place, name in enumerate(header):
        column = known.get(name)
        rows.append(
            ColumnRow(
                letter=column_letter(place),
                name=name,
                cells=[row[place] for row in samples[:6] if place < len(row) and row[place]][:3],
                field=sent.get(f"field_{place}", column.field if column else ""),
                wins=sent.get(f"wins_{place}", column.wins if column else "ask"),
            )
        )
    there = {row.field for row in rows}
    new = cast(QueryDict, sent).getlist("new_result") if sent else [*RESULTS]
    owner = sent.get("owner", "")
    return ColumnsPage(
        preview=preview,
        columns=rows,
        fields=[("", "Leave out"), *FIELDS.items()],
        wins=[*WINS.items()],
        directions=[(value, str(label)) for value, label in SheetLink.Direction.choices],
        direction=sent.get("direction", link.direction),
        missing_results=[
            (field, name, field in new) for field, name in RESULTS.items() if field not in there
        ],
        source=sent.get("source", link.source),
        every_minutes=sent.get("every_minutes", str(link.every_minutes)),
        adds_leads="adds_leads" in sent if sent else link.adds_leads,
        owner_id=int(owner) if str(owner).isdigit() else link.owner_id,
    )


def columns_chosen(header: Sequence[str], sent: Mapping[str, str]) -> list[Column]:
    """Return the columns that were chosen in the form."""
    chosen = []
    for place, name in enumerate(header):
        field = sent.get(f"field_{place}", "")
        wins = sent.get(f"wins_{place}", "ask")
        if name and field:
            chosen.append(Column(name, field, cast(Wins, wins if wins in WINS else "ask")))
    return chosen


def _account(link: SheetLink) -> tuple[str, str]:
    """Return by which account a sheet is opened, or else why by none."""
    if link.account is not None:
        return str(link.account), ""
    try:
        return service().email, ""
    except SheetsError as error:
        return "", str(error)
