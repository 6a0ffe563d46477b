"""A chunk of rows of a linked sheet: merged with the leads, first here, then in the sheet.

The order makes it repeatable after a crash at any point. What is taken from the sheet is committed
together with what both sides agree on now. What is ours is written into the sheet afterwards, and
only then counts as agreed: a chunk that is done again finds it there, or writes it again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from django.db import transaction

from leads.erasure.erase import erased_numbers
from leads.models import ImportBatch, ImportRow, Lead, SheetLink, SheetRow, TimelineEntry
from leads.policy.phones import candidate_zones, phone_parse
from leads.policy.sheet_columns import KEY, Column, taken, text_of
from leads.policy.sheet_merge import cell_merge
from leads.services.checked_phone import CheckedPhone
from leads.services.import_commit import rows_write
from leads.services.timeline import timeline_add
from leads.sheets.conflicts import Disagreement, conflicts_note
from leads.sheets.lines import Layout, Line, leads_find, lines_read
from leads.sheets.results import results_of
from leads.sheets.table import Cell, Table, as_text, as_value

READS = (SheetLink.Direction.IN, SheetLink.Direction.BOTH)
WRITES = (SheetLink.Direction.OUT, SheetLink.Direction.BOTH)


@dataclass(frozen=True, slots=True)
class SheetPass:
    """A pass over a sheet, as what its rows come from (`leads.services.import_known.Origin`)."""

    file_name: str
    created_by_id: int | None
    pk: UUID = field(default_factory=uuid4)
    on_existing: str = ImportBatch.OnExisting.OVERWRITE
    entry_kind: str = TimelineEntry.Kind.SHEET


@dataclass(slots=True)
class _Plan:
    """What a chunk does, gathered line by line."""

    rows: list[tuple[Line, ImportRow]] = field(default_factory=list)
    agreed: dict[int, dict[str, str]] = field(default_factory=dict)
    ours: dict[int, dict[str, str]] = field(default_factory=dict)
    cells: list[Disagreement] = field(default_factory=list)
    known: list[Line] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    remarks: list[list[Any]] = field(default_factory=list)


def chunk_sync(
    link: SheetLink, table: Table, layout: Layout, *, first: int, count: int, now: datetime
) -> tuple[Counter[str], list[list[Any]]]:
    """Bring a chunk of rows and their leads together. Returns counts and remarks.

    Raises:
        SheetsError: the sheet could not be read or written; what was taken from it stays.
    """
    rows = table.rows(first, count)
    lines = lines_read(link, layout, rows, first=first, now=now)
    if not lines:
        return Counter(), []
    with transaction.atomic():
        plan = _take(link, layout, lines, first=first, now=now)
    if link.direction in WRITES:
        _give(link, table, layout, plan, first=first, count=count, now=now)
    return plan.counts, plan.remarks


def _take(
    link: SheetLink, layout: Layout, lines: Sequence[Line], *, first: int, now: datetime
) -> _Plan:
    leads_find(lines)
    plan = _Plan()
    lines = _without_erased(lines, plan)
    bases = {
        row.lead_id: row
        for row in SheetRow.objects.filter(
            link=link, lead_id__in=[line.lead["pk"] for line in lines if line.lead]
        )
    }
    seen: dict[Any, int] = {}
    for line in lines:
        same = line.lead["pk"] if line.lead else line.clean.phone
        if line.clean.problem:
            plan.remarks.append([line.number, line.clean.problem])
            plan.counts["invalid"] += 1
        if same and same in seen:
            plan.remarks.append([line.number, f"The same lead as in row {seen[same]}"])
            plan.counts["duplicate"] += 1
            continue
        seen[same] = line.number
        base = bases.get(line.lead["pk"]) if line.lead else None
        if base and base.seen_run == link.run and base.number < first:
            plan.remarks.append([line.number, f"The same lead as in row {base.number}"])
            plan.counts["duplicate"] += 1
            continue
        plan.remarks += [[line.number, note] for note in line.clean.notes]
        if line.lead is not None:
            agreed = base.agreed if base else {}
            _plan_known(link, layout, line, line.lead, agreed, plan, now)
        elif link.direction in READS and not line.clean.problem:
            _plan_new(layout, line, plan)
    origin = SheetPass(file_name=str(link), created_by_id=link.owner_id)
    done = rows_write(origin, [row for _, row in plan.rows], now=now)
    for name in ("new", "update", "consents", "do_not_call"):
        plan.counts[name] += done.counted[f"done_{name}"]
    for line, row in plan.rows:
        if line.lead is None and row.lead_id is not None:
            line.lead = {"pk": row.lead_id, "e164": line.clean.phone}
    plan.known = [line for line in lines if line.number in plan.agreed and line.lead]
    _rows_keep(link, plan.known, plan)
    plan.counts["conflicts"] += conflicts_note(link, plan.cells, now=now)
    return plan


def _without_erased(lines: Sequence[Line], plan: _Plan) -> list[Line]:
    """Leave out who was erased: a sheet that still has them does not bring them back."""
    strangers = {line.clean.phone for line in lines if line.lead is None and line.clean.phone}
    numbers = erased_numbers(strangers)
    kept = []
    for line in lines:
        shell = line.lead is not None and line.lead["e164"].startswith("erased-")
        if shell or (line.lead is None and line.clean.phone in numbers):
            plan.remarks.append([line.number, "This person was erased: delete the row"])
            plan.counts["erased"] += 1
        else:
            kept.append(line)
    return kept


def _plan_new(layout: Layout, line: Line, plan: _Plan) -> None:
    clean = line.clean
    values: dict[str, Any] = {"fields": clean.values}
    if clean.consent:
        values["consent"] = clean.consent
    if clean.do_not_call:
        values["do_not_call"] = True
    plan.rows.append((line, ImportRow(number=line.number, phone=clean.phone, values=values,
                                      verdict=ImportRow.Verdict.NEW)))  # fmt: skip
    plan.agreed[line.number] = {
        column.name: _theirs(line, column) for _, column in layout.columns if column.is_contact
    }


def _plan_known(
    link: SheetLink,
    layout: Layout,
    line: Line,
    lead: Mapping[str, Any],
    agreed: dict[str, str],
    plan: _Plan,
    now: datetime,
) -> None:
    reads = link.direction in READS
    fields: dict[str, Any] = {}
    now_agreed = plan.agreed[line.number] = dict(agreed)
    to_write = plan.ours[line.number] = {}
    for place, column in layout.columns:
        theirs = _theirs(line, column)
        # What cannot be read is no empty cell: it is left alone, with its remark.
        unreadable = reads and (line.clean.problem or (line.cell(place) and not theirs))
        if not column.is_contact or unreadable:
            continue
        ours = lead["e164"] if column.field == "phone" else text_of(column.field, lead, column.name)
        merged = cell_merge(
            agreed=agreed.get(column.name),
            ours=ours,
            theirs=theirs,
            wins=column.wins,
            reads=reads,
            writes=link.direction in WRITES,
        )
        plan.cells.append(Disagreement(lead["pk"], line.number, column, ours, theirs, merged))
        if merged.take == "ours":
            to_write[column.name] = ours
        elif merged.take == "theirs" and column.field == "phone":
            if not _phone_change(link, line, plan, now):
                continue
        elif merged.take == "theirs":
            _merge_fields(fields, taken(column.field, line.clean.values, column.name))
        if merged.take == "theirs" or ours == theirs or (merged.conflict and merged.take):
            now_agreed[column.name] = theirs
    values: dict[str, Any] = {"fields": fields}
    if reads and line.clean.consent:
        values["consent"] = line.clean.consent
    if reads and line.clean.do_not_call:
        values["do_not_call"] = True
    if fields or len(values) > 1:
        row = ImportRow(
            number=line.number,
            phone=line.phone,
            values=values,
            lead_id=lead["pk"],
            verdict=ImportRow.Verdict.UPDATE,
        )
        plan.rows.append((line, row))


def _merge_fields(fields: dict[str, Any], more: dict[str, Any]) -> None:
    custom = {**fields.get("custom_fields", {}), **more.get("custom_fields", {})}
    fields |= more
    if custom:
        fields["custom_fields"] = custom


def _theirs(line: Line, column: Column) -> str:
    if column.field == "phone":
        return line.clean.phone
    return text_of(column.field, line.clean.values, column.name)


def _phone_change(link: SheetLink, line: Line, plan: _Plan, now: datetime) -> bool:
    """Give a lead the number that its row has now. False when another lead has it.

    Consents were given for the old number, so that the new one is not called without a new one.
    """
    phone = line.clean.phone
    if Lead.objects.filter(phone=CheckedPhone(phone)).exists():
        plan.remarks.append(
            [line.number, "The number of this row is another lead's: merge them under Duplicates"]
        )
        plan.counts["duplicate"] += 1
        return False
    lead = Lead.objects.get(pk=line.lead_id)
    lead.phone, lead.raw_phone = phone, line.clean.values["raw_phone"]
    lead.time_zones = list(candidate_zones(phone_parse(phone).time_zones, state=lead.state))
    lead.save(update_fields=["phone", "raw_phone", "time_zones", "updated_at"])
    timeline_add(
        lead_id=lead.pk,
        kind=TimelineEntry.Kind.SHEET,
        text=f"Number changed by {link}, row {line.number}.",
        at=now,
    )
    line.lead = {**(line.lead or {}), "e164": phone, "time_zones": lead.time_zones}
    return True


def _rows_keep(link: SheetLink, lines: Sequence[Line], plan: _Plan) -> None:
    SheetRow.objects.bulk_create(
        [
            SheetRow(
                link=link,
                lead_id=line.lead_id,
                number=line.number,
                agreed=plan.agreed[line.number],
                seen_run=link.run,
            )
            for line in lines
        ],
        update_conflicts=True,
        unique_fields=["link", "lead"],
        update_fields=["number", "agreed", "seen_run"],
    )


def _give(
    link: SheetLink,
    table: Table,
    layout: Layout,
    plan: _Plan,
    *,
    first: int,
    count: int,
    now: datetime,
) -> None:
    """Write keys, results and what is ours into the sheet, where a cell says something else."""
    results = results_of([line.lead_id for line in plan.known], now=now)
    cells: dict[int, list[Cell]] = {}
    for line in plan.known:
        wanted = _wanted(layout, line, results, plan.ours.get(line.number, {}))
        cells[line.number] = [
            Cell(line.number, place + 1, value)
            for place, value in wanted.items()
            if as_text(value) != line.cell(place)
        ]
    if not any(cells.values()):
        return
    unmoved = _unmoved(table, layout, plan.known, first=first, count=count)
    plan.counts["moved"] += sum(bool(row) for number, row in cells.items() if number not in unmoved)
    written = [cell for number, row in cells.items() if number in unmoved for cell in row]
    table.write(written)
    plan.counts["written"] += len(written)
    agreed_now = [
        line for line in plan.known if line.number in unmoved and plan.ours.get(line.number)
    ]
    for line in agreed_now:
        plan.agreed[line.number] |= plan.ours[line.number]
    _rows_keep(link, agreed_now, plan)


def _wanted(
    layout: Layout, line: Line, results: dict[UUID, dict[str, Any]], ours: dict[str, str]
) -> dict[int, Any]:
    lead_id = line.lead_id
    wanted: dict[int, Any] = {}
    for place, column in layout.columns:
        if column.field == KEY:
            wanted[place] = str(lead_id)
        elif column.is_result:
            wanted[place] = as_value(results.get(lead_id, {}).get(column.field))
        elif column.name in ours:
            wanted[place] = as_value(ours[column.name])
    return wanted


def _unmoved(
    table: Table, layout: Layout, lines: Sequence[Line], *, first: int, count: int
) -> set[int]:
    """Return the rows that still hold whom they held when they were read.

    People sort sheets while we think. Asked right before writing, this leaves a second in which a
    result could land in a neighbour's row; the next pass would then put it right.
    """
    places = [place for field in (KEY, "phone") if (place := layout.place(field)) is not None]
    blocks = table.blocks(first, count, [(place + 1, place + 1) for place in places])
    same = set()
    for line in lines:
        now = [
            block[line.number - first][0] if block[line.number - first] else "" for block in blocks
        ]
        if now == [line.cell(place) for place in places]:
            same.add(line.number)
    return same
