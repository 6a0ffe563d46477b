"""Rows of a linked sheet, read: what each says, and which lead it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import CharField, ExpressionWrapper, F

from leads.models import Lead, LeadMerge, SheetLink
from leads.policy.import_changes import FIELDS
from leads.policy.import_rows import CleanRow, row_clean
from leads.policy.sheet_columns import KEY, Column
from leads.services.checked_phone import CheckedPhone
from leads.sheets.errors import SheetsRefused


@dataclass(frozen=True, slots=True)
class Layout:
    """Where the columns of a link stand in the sheet, by their names. Places count from 0."""

    header: tuple[str, ...]
    columns: tuple[tuple[int, Column], ...]

    @property
    def mapping(self) -> list[str]:
        """The contact field of each column of the sheet, as an import wants it."""
        fields = [""] * len(self.header)
        for place, column in self.columns:
            if not column.is_result and column.field != KEY:
                fields[place] = column.field
        return fields

    def place(self, field: str) -> int | None:
        """Return where a field stands; None if it has no column."""
        return next((place for place, column in self.columns if column.field == field), None)


@dataclass(slots=True)
class Line:
    """A row of the sheet. `lead` has the fields of the lead that it is, if it is known."""

    number: int
    cells: list[str]
    clean: CleanRow
    key: UUID | None
    lead: Mapping[str, Any] | None = None

    @property
    def lead_id(self) -> UUID:
        """The id of the lead that the row is. Only of a line whose lead is known."""
        if self.lead is None:
            raise LookupError(f"Row {self.number} is no known lead.")
        found: UUID = self.lead["pk"]
        return found

    @property
    def phone(self) -> str:
        """The lead's number, in E.164."""
        return str(self.lead["e164"]) if self.lead else self.clean.phone

    def cell(self, place: int) -> str:
        """Return a cell; "" beyond the row's end."""
        return self.cells[place] if place < len(self.cells) else ""


def layout_of(link: SheetLink, header: Sequence[str]) -> Layout:
    """Find the link's columns in the sheet's first row, wherever they were moved.

    Raises:
        SheetsRefused: one is gone, or there twice.
    """
    places = []
    for raw in link.columns:
        column = Column(**raw)
        count = list(header).count(column.name)
        if count == 0:
            raise SheetsRefused(
                f"The column “{column.name}” is gone from the sheet: put it back, or choose the "
                "columns again."
            )
        if count > 1:
            raise SheetsRefused(f"Two columns are called “{column.name}”: rename one of them.")
        places.append((list(header).index(column.name), column))
    return Layout(tuple(header), tuple(places))


def lines_read(
    link: SheetLink, layout: Layout, rows: Sequence[list[str]], *, first: int, now: datetime
) -> list[Line]:
    """Return what the rows say that are not blank."""
    mapping = layout.mapping
    key_place = layout.place(KEY)
    lines = []
    for number, cells in enumerate(rows, start=first):
        # A key alone is a row whose contents a person has removed.
        if not any(cell for place, cell in enumerate(cells) if place != key_place):
            continue
        clean = row_clean(
            cells[: len(layout.header)], mapping, layout.header, evidence=str(link), now=now
        )
        if not clean.problem:
            clean.values.setdefault("source", link.source)
        key = cells[key_place] if key_place is not None and key_place < len(cells) else ""
        lines.append(Line(number, cells, clean, _uuid(key)))
    return lines


def leads_find(lines: Sequence[Line]) -> None:
    """Find the lead of each line: by its key, else by its number. Three queries.

    Takes the leads' locks, so it belongs in the transaction that changes them.
    """
    keys = {line.key for line in lines if line.key}
    merged = dict(
        LeadMerge.objects.filter(loser_id__in=keys, undone_at__isnull=True)
        .order_by("merged_at")
        .values_list("loser_id", "winner_id")
    )
    by_key = _leads(pk__in={merged.get(key, key) for key in keys})
    found = {lead["pk"]: lead for lead in by_key}
    for line in lines:
        if line.key:
            line.lead = found.get(merged.get(line.key, line.key))
    unknown = {line.clean.phone for line in lines if line.lead is None and line.clean.phone}
    by_phone = {lead["e164"]: lead for lead in _leads(phone__in=map(CheckedPhone, unknown))}
    for line in lines:
        if line.lead is None and line.clean.phone:
            line.lead = by_phone.get(line.clean.phone)


def _leads(**which: Any) -> list[dict[str, Any]]:
    e164 = ExpressionWrapper(F("phone"), output_field=CharField())
    rows = Lead.objects.filter(**which).order_by("pk").select_for_update().annotate(e164=e164)
    return list(rows.values("pk", "e164", *FIELDS))


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text.strip())
    except ValueError:
        return None
