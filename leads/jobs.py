"""Entry points of the work that leads leave for later."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from django.utils import timezone

from leads.retention import expired_purge
from leads.services.alike import alike_forget
from leads.services.bulk import bulk_step
from leads.services.imports import import_step
from leads.services.mail import mail_send
from leads.services.number_lists import number_list_step
from leads.sheets.sync import sheet_is_due, sheet_promise, sheet_sync_step, sheets_due


def import_work(batch_id: str, *, seconds: float) -> bool:
    """Work on an import for about that many seconds. True while there is more to do."""
    return import_step(batch_id=UUID(batch_id), seconds=seconds)


def mail_work(mail_id: str, *, now: datetime) -> None:
    """Send a promised e-mail."""
    mail_send(mail_id=mail_id, now=now)


def number_list_work(list_id: str, *, seconds: float) -> bool:
    """Read on in a list of numbers for about that many seconds. True while there is more to do."""
    return number_list_step(list_id=UUID(list_id), seconds=seconds)


def bulk_work(change_id: str, *, seconds: float) -> bool:
    """Work on a change to many leads. True while there is more to do."""
    return bulk_step(change_id=UUID(change_id), seconds=seconds)


def purge_work(now: datetime, *, seconds: float) -> bool:
    """Delete what has expired, for about that many seconds. True while there may be more."""
    alike_forget()
    return expired_purge(now=now, seconds=seconds)[1]


def sheets_look(now: datetime) -> int:
    """Promise a pass over each linked sheet whose time has come. Returns how many are due."""
    due = sheets_due(now)
    for link_id, due_at in due:
        sheet_promise(link_id=link_id, due_at=due_at)
    return len(due)


def sheet_work(link_id: str, *, seconds: float, patience: timedelta) -> bool:
    """Work on a linked sheet, if it is due, for that many seconds. True while there is more."""
    if not sheet_is_due(link_id=UUID(link_id), now=timezone.now()):
        return False
    return sheet_sync_step(link_id=UUID(link_id), seconds=seconds, patience=patience)
