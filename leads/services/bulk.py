"""Changes to many leads at once: begun, worked through chunk by chunk, and taken back.

Every chunk is one transaction under the lock of the change's row, which also moves its cursor: a
process that is killed leaves whole chunks behind it, and two that work at once take turns.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone
from django.utils.module_loading import import_string

from leads.models import BulkChange, BulkChangeLead, Lead

MOST = 100_000
"""Leads of one change. Whoever wants more narrows the list, and does it in parts."""
OUTBOX_KIND = "bulk"
_STATE = BulkChange.State
_INSERTED_AT_ONCE = 5000

Before = dict[UUID, Any]
"""What leads were before, as JSON; only of those that changed."""


class BulkRefused(Exception):  # noqa: N818 - says what happened
    """A change cannot be made or taken back: the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class BulkAction:
    """What is done to leads, a chunk at a time.

    Attributes:
        apply: changes locked leads in a constant number of queries, tells their stories, and
            returns what those that changed were before.
        undo: puts them back, leaving alone what was changed since; returns how many. None when
            it cannot be taken back.
        chunk: leads of a transaction; fewer where each takes long.
    """

    key: str
    apply: Callable[[Sequence[Lead], BulkChange, datetime], Before]
    undo: Callable[[Mapping[Lead, Any], BulkChange, datetime], int] | None = None
    chunk: int = 500


def bulk_action(key: str) -> BulkAction:
    """Return an action by its key.

    Raises:
        LookupError: no app has it.
    """
    # Apps above this one have actions of their own; the settings know them.
    for where in settings.BULK_ACTIONS:
        for action in import_string(where):
            if action.key == key:
                found: BulkAction = action
                return found
    raise LookupError(f"There is no bulk action {key!r}.")


@transaction.atomic
def bulk_begin(
    *,
    action: str,
    title: str,
    options: Mapping[str, Any],
    lead_ids: Iterable[UUID],
    actor: AbstractBaseUser | None,
    now: datetime,
) -> BulkChange:
    """Note what is to be done to which leads, and promise the work.

    Args:
        title: what is done, in words.
        options: of the action, as JSON.

    Raises:
        BulkRefused: there are none, or too many.
    """
    bulk_action(action)
    change = BulkChange.objects.create(
        action=action,
        title=title[:200],
        options=dict(options),
        actor_id=actor.pk if actor else None,
        at=now,
        moved_at=now,
        run=1,
    )
    ids = iter(lead_ids)
    while chunk := list(itertools.islice(ids, _INSERTED_AT_ONCE)):
        change.total += len(chunk)
        if change.total > MOST:
            raise BulkRefused(
                f"More than {MOST:,} leads are chosen. Narrow the list with filters, and do it "
                "in parts."
            )
        BulkChangeLead.objects.bulk_create(
            [BulkChangeLead(change=change, lead_id=lead_id) for lead_id in chunk]
        )
    if not change.total:
        raise BulkRefused("No lead is chosen.")
    change.save(update_fields=["total"])
    _promise(change, now)
    return change


@transaction.atomic
def bulk_undo(*, change_id: UUID, now: datetime) -> BulkChange:
    """Begin to take a change back. What was changed since stays as it is.

    Raises:
        BulkRefused: it is not done, was undone before, or cannot be undone.
    """
    change = BulkChange.objects.select_for_update().get(pk=change_id)
    if change.state not in (_STATE.DONE, _STATE.FAILED):
        raise BulkRefused(f"This change is at “{change.get_state_display()}”: it cannot be undone.")
    if bulk_action(change.action).undo is None:
        raise BulkRefused("This change cannot be undone.")
    change.state, change.cursor, change.done, change.restored = _STATE.UNDOING, 0, 0, 0
    change.run += 1
    change.moved_at = now
    change.save()
    _promise(change, now)
    return change


def bulk_step(*, change_id: UUID, seconds: float) -> bool:
    """Work on a change for about so many seconds. Returns whether there is more to do."""
    until = time.monotonic() + seconds
    while True:
        if not _chunk(change_id, timezone.now()):
            return False
        if time.monotonic() >= until:
            return True


def _promise(change: BulkChange, now: datetime) -> None:
    outbox_add: Any = import_string(settings.OUTBOX_ADD)
    outbox_add(
        kind=OUTBOX_KIND,
        key=f"{OUTBOX_KIND}:{change.pk}:{change.run}",
        payload={"change": str(change.pk)},
        due_at=now,
    )


@transaction.atomic
def _chunk(change_id: UUID, now: datetime) -> bool:
    """Do the next leads. False when all are done."""
    change = BulkChange.objects.select_for_update().get(pk=change_id)
    if change.state not in (_STATE.RUNNING, _STATE.UNDOING):
        return False
    action = bulk_action(change.action)
    rows = list(change.rows.filter(id__gt=change.cursor).order_by("id")[: action.chunk])
    if not rows:
        undone = change.state == _STATE.UNDOING
        change.state = _STATE.UNDONE if undone else _STATE.DONE
        change.undone_at = now if undone else None
        change.moved_at = now
        change.save()
        return False
    try:
        with transaction.atomic():
            _do(change, action, rows, now)
    except ValidationError as error:
        change.state, change.problem = _STATE.FAILED, " ".join(error.messages)[:300]
    change.cursor = rows[-1].pk
    change.done += len(rows)
    change.moved_at = now
    change.save()
    return change.state != _STATE.FAILED


def _do(change: BulkChange, action: BulkAction, rows: list[BulkChangeLead], now: datetime) -> None:
    locked = Lead.objects.select_for_update(of=("self",)).order_by("pk")
    leads = {lead.pk: lead for lead in locked.filter(pk__in=[row.lead_id for row in rows])}
    if change.state == _STATE.UNDOING:
        was = {
            leads[row.lead_id]: row.before
            for row in rows
            if row.before is not None and row.lead_id in leads
        }
        change.restored += action.undo(was, change, now) if action.undo and was else 0
        return
    before = action.apply(list(leads.values()), change, now)
    changed = [row for row in rows if row.lead_id in before]
    for row in changed:
        row.before = before[row.lead_id]
    BulkChangeLead.objects.bulk_update(changed, ["before"])
    change.changed += len(changed)
