"""Entry points of the work that leads leave for later."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from leads.services.bulk import bulk_step
from leads.services.imports import import_step
from leads.services.mail import mail_send
from leads.services.number_lists import number_list_step


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
