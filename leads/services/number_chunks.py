"""What a chunk of a table of numbers does: bars them, or keeps what was found of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.db.models import CharField, ExpressionWrapper, F

from leads.models import DoNotCall, NumberList, ReassignedCheck
from leads.policy.number_columns import Columns, answer_of, number_parse
from leads.policy.phones import InvalidPhone
from leads.services.checked_phone import CheckedPhone
from leads.services.do_not_call import do_not_call_add_many


@dataclass(slots=True)
class Done:
    """What a chunk did. `cursor` is where the next one begins."""

    cursor: int
    rows: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    remarks: list[list[object]] = field(default_factory=list)
    """Number of the row in the file, and why it was left out."""


def chunk_do_not_call(
    row: NumberList, rows: Sequence[Sequence[str]], columns: Columns, *, cursor: int, now: datetime
) -> Done:
    """Put the numbers of some rows on the do-not-call list, by their reasons."""
    done = Done(cursor)
    by_reason: dict[str, set[str]] = {}
    seen: set[str] = set()
    for cells, phone in _phones(row, rows, columns, done):
        if phone in seen:
            continue
        seen.add(phone)
        said = cells[columns.other].strip() if 0 <= columns.other < len(cells) else ""
        by_reason.setdefault(said or f"List {row.file_name}", set()).add(phone)
    # A list gives a handful of reasons; where every row has its own, the file's name must do.
    if len(by_reason) > 20:
        by_reason = {f"List {row.file_name}": seen}
    for reason, phones in by_reason.items():
        added = do_not_call_add_many(
            phones=phones,
            source=DoNotCall.Source.IMPORT,
            reason=reason,
            origin=row.pk,
            actor_id=row.created_by_id,
            now=now,
        )
        done.counts["added"] += added
        done.counts["known"] += len(phones) - added
    return done


def chunk_reassigned(
    row: NumberList, rows: Sequence[Sequence[str]], columns: Columns, *, cursor: int, now: datetime
) -> Done:
    """Keep what the database of reassigned numbers says, unless a newer answer is known."""
    done = Done(cursor)
    answers: dict[str, bool] = {}
    for cells, phone in _phones(row, rows, columns, done):
        said = cells[columns.other] if 0 <= columns.other < len(cells) else ""
        answer = answer_of(said)
        if answer is None:
            done.counts["unknown"] += 1
        else:
            answers[phone] = answer
    numbers = [CheckedPhone(phone) for phone in answers]
    newer = set(
        ReassignedCheck.objects.filter(phone__in=numbers, checked_on__gt=row.made_on)
        .order_by()
        .annotate(e164=ExpressionWrapper(F("phone"), output_field=CharField()))
        .values_list("e164", flat=True)
    )
    kept = {phone: answer for phone, answer in answers.items() if phone not in newer}
    ReassignedCheck.objects.bulk_create(
        [
            ReassignedCheck(phone=CheckedPhone(phone), checked_on=row.made_on, reassigned=answer)
            for phone, answer in kept.items()
        ],
        update_conflicts=True,
        unique_fields=["phone"],
        update_fields=["checked_on", "reassigned"],
    )
    done.counts["reassigned"] += sum(kept.values())
    done.counts["same"] += len(kept) - sum(kept.values())
    return done


def _phones(
    row: NumberList, rows: Sequence[Sequence[str]], columns: Columns, done: Done
) -> list[tuple[Sequence[str], str]]:
    found = []
    for number, cells in enumerate(rows, start=row.rows + 1):
        done.rows += 1
        if not any(cell.strip() for cell in cells):
            continue
        text = cells[columns.phone] if columns.phone < len(cells) else ""
        try:
            found.append((cells, number_parse(text)))
        except InvalidPhone as error:
            done.counts["invalid"] += 1
            done.remarks.append([number, error.problem])
    return found
