"""E-mails are promised with their cause, in its transaction, and sent once by the outbox."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

import structlog
from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.module_loading import import_string

from leads.models import Mail, TimelineEntry
from leads.services.mail_words import Unneeded, message_of
from leads.services.timeline import timeline_add

logger = structlog.get_logger(__name__)

NO_SERVER = "No e-mail server is set up: set EMAIL_HOST."
OUTBOX_KIND = "mail"


@transaction.atomic
def mail_promise(
    *,
    kind: str,
    key: str,
    lead_id: UUID,
    user_id: int | None = None,
    appointment_id: UUID | None = None,
    sequence: int | None = None,
    task_id: UUID | None = None,
    entry_id: UUID | None = None,
    due_at: datetime,
) -> Mail:
    """Promise an e-mail, once per `key`.

    Args:
        kind: one of `Mail.Kind`.
        user_id: the recipient; the lead if not given.
        sequence: of the appointment now; if it has changed at `due_at`, nothing is sent.
        due_at: when it is to be sent.
    """
    mail, created = Mail.objects.get_or_create(
        key=key,
        defaults={
            "kind": Mail.Kind(kind),
            "lead_id": lead_id,
            "user_id": user_id,
            "appointment_id": appointment_id,
            "sequence": sequence,
            "task_id": task_id,
            "entry_id": entry_id,
            "due_at": due_at,
        },
    )
    if created:
        outbox_add: Any = import_string(settings.OUTBOX_ADD)
        outbox_add(
            kind=OUTBOX_KIND,
            key=f"{OUTBOX_KIND}:{mail.pk}",
            payload={"mail": str(mail.pk)},
            due_at=due_at,
        )
    return mail


def mail_send(*, mail_id: UUID | str, now: datetime) -> None:
    """Send a promised e-mail (outbox). Sent or dropped once, it is not sent again.

    Raises:
        OSError, smtplib.SMTPException: the server did not take it; the outbox tries again.
    """
    mail = (
        Mail.objects.select_related(
            "lead", "user", "task__owner", "entry__actor", "appointment__rep", "appointment__lead"
        )
        .filter(pk=mail_id, sent_at__isnull=True, dropped_at__isnull=True)
        .first()
    )
    if mail is None:
        return
    address = mail.user.email if mail.user else mail.lead.email
    if not address:
        _drop(mail, "The recipient has no e-mail address.", now)
        return
    try:
        message = message_of(mail, now=now)
    except Unneeded as why:
        _drop(mail, str(why), now)
        return
    if not settings.EMAIL_HOST:
        Mail.objects.filter(pk=mail.pk).update(problem=NO_SERVER)
        logger.warning("mail_not_sent", mail_id=str(mail.pk), problem=NO_SERVER)
        return
    message.to = [address]
    # The same at every attempt: a mailbox that got it before drops the second one.
    message.extra_headers["Message-ID"] = f"<{mail.pk}@{settings.ENV.public_host}>"
    message.send()
    _note_sent(mail, timezone.now())


@transaction.atomic
def _note_sent(mail: Mail, now: datetime) -> None:
    Mail.objects.filter(pk=mail.pk).update(sent_at=now, problem="")
    if mail.user is None:
        timeline_add(
            lead_id=mail.lead_id,
            kind=TimelineEntry.Kind.MAIL,
            text=f"{mail.get_kind_display()} e-mailed to the lead.",
            key=f"mail:{mail.pk}",
            at=now,
        )


def _drop(mail: Mail, why: str, now: datetime) -> None:
    Mail.objects.filter(pk=mail.pk).update(dropped_at=now, problem=why[:200])
