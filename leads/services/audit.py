"""The audit: who read or took out what, kept beside the data and not in a log that rotates."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import AnonymousUser
from django.db import models
from django.utils import timezone
from django.utils.crypto import salted_hmac

from leads.models import AuditEntry


def audit_record(
    *,
    action: str,
    text: str,
    actor: AbstractBaseUser | AnonymousUser | None = None,
    subject: models.Model | None = None,
    lead_id: UUID | None = None,
    data: Mapping[str, Any] | None = None,
    now: datetime | None = None,
) -> AuditEntry:
    """Add an entry to the audit.

    Args:
        action: one of `AuditEntry.Action`.
        text: one sentence, without names and numbers of leads: entries outlive an erasure.
        actor: who did it; the product itself if not given.
        subject: the row it was about.
        lead_id: whose data it was.
    """
    known = actor if isinstance(actor, AbstractBaseUser) else None
    return AuditEntry.objects.create(
        at=now or timezone.now(),
        actor_id=known.pk if known else None,
        actor_name=known.get_username() if known else "",
        action=AuditEntry.Action(action),
        text=text[:300],
        subject=f"{subject._meta.label_lower} {subject.pk}" if subject is not None else "",
        lead_id=lead_id,
        data=dict(data or {}),
    )


def number_hash(e164: str) -> str:
    """Return what the audit keeps of a number: enough to recognise it, too little to know it.

    Keyed with the installation's secret, because ten digits alone would be guessed in seconds.
    """
    return salted_hmac("leads.audit.number", e164, algorithm="sha256").hexdigest()
