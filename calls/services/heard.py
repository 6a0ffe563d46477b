"""Who heard which recording, kept in the audit."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import AnonymousUser

from calls.models import Recording
from leads.models import AuditEntry
from leads.services.audit import audit_record

ONE_HEARING = timedelta(minutes=10)
"""A player asks for a recording in many parts: within this time they are one hearing."""


def recording_heard(
    *, recording: Recording, actor: AbstractBaseUser | AnonymousUser, now: datetime
) -> None:
    """Note that a user listens to a recording, once for each time they do."""
    about = f"{recording._meta.label_lower} {recording.pk}"
    known = AuditEntry.objects.filter(
        action=AuditEntry.Action.LISTEN,
        subject=about,
        actor_id=actor.pk,
        at__gt=now - ONE_HEARING,
    )
    if not known.exists():
        audit_record(
            action=AuditEntry.Action.LISTEN,
            text="Listened to a recording.",
            actor=actor,
            subject=recording,
            lead_id=recording.call.lead_id,
            data={"call": str(recording.call_id)},
            now=now,
        )
