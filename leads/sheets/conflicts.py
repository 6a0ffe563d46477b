"""Cells that both sides changed: kept as a log, decided by the column's rule or by a person."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.contrib.auth.models import AbstractBaseUser
from django.db import transaction

from leads.models import SheetConflict, SheetLink, SheetRow
from leads.policy.sheet_columns import Column
from leads.policy.sheet_merge import Merged

_CHOICE = SheetConflict.Choice


class ConflictDecided(Exception):  # noqa: N818 - says what happened
    """Somebody else has decided it before."""


@dataclass(frozen=True, slots=True)
class Disagreement:
    """A cell of a known lead, and what the merge made of it."""

    lead_id: UUID
    number: int
    column: Column
    ours: str
    theirs: str
    merged: Merged


def conflicts_note(link: SheetLink, cells: Sequence[Disagreement], *, now: datetime) -> int:
    """Log what conflicts, and close what no longer does. Returns how many there are.

    A conflict that waits for a person is one row, however many passes find it.
    """
    open_rows = {
        (row.lead_id, row.column): row
        for row in SheetConflict.objects.filter(
            link=link, choice=_CHOICE.OPEN, lead_id__in={cell.lead_id for cell in cells}
        )
    }
    fresh: list[SheetConflict] = []
    changed: list[SheetConflict] = []
    count = 0
    for cell in cells:
        known = open_rows.get((cell.lead_id, cell.column.name))
        if cell.merged.conflict:
            count += 1
            row = known or SheetConflict(
                link=link, lead_id=cell.lead_id, column=cell.column.name, field=cell.column.field
            )
            row.number, row.ours, row.theirs = cell.number, cell.ours, cell.theirs
            if cell.merged.take:
                row.choice, row.by_rule, row.decided_at = cell.merged.take, True, now
            (changed if known else fresh).append(row)
        elif known is not None:
            known.choice, known.decided_at = cell.merged.take or _CHOICE.AGREED, now
            changed.append(known)
    SheetConflict.objects.bulk_create(fresh)
    SheetConflict.objects.bulk_update(
        changed, ["number", "ours", "theirs", "choice", "by_rule", "decided_at"], batch_size=200
    )
    return count


@transaction.atomic
def conflict_decide(
    *, conflict_id: UUID, choice: str, actor: AbstractBaseUser | None, now: datetime
) -> SheetConflict:
    """Let one side's text count; the next pass brings it to the other side.

    Args:
        choice: "ours" or "theirs".

    Raises:
        ConflictDecided: it was decided before.
    """
    row = SheetConflict.objects.select_for_update().get(pk=conflict_id)
    if row.choice != _CHOICE.OPEN:
        raise ConflictDecided(f"This was decided before: {row.get_choice_display().lower()}.")
    row.choice = _CHOICE(choice)
    row.decided_by_id = actor.pk if actor else None
    row.decided_at = now
    row.save(update_fields=["choice", "decided_by", "decided_at"])
    # Whoever has the text that counts as agreed is the one who has not changed it.
    agreed = row.theirs if row.choice == _CHOICE.OURS else row.ours
    for sheet_row in SheetRow.objects.select_for_update().filter(
        link_id=row.link_id, lead_id=row.lead_id
    ):
        sheet_row.agreed = {**sheet_row.agreed, row.column: agreed}
        sheet_row.save(update_fields=["agreed"])
    return row
