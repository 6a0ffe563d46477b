"""Notes on a lead, and the people who are named in them."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.contrib.auth import get_user_model
from django.contrib.auth.models import AbstractBaseUser
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models.functions import Lower

from leads.models import Mail, Mention, TimelineEntry
from leads.policy.mentions import mentioned
from leads.services.mail import mail_promise
from leads.services.timeline import timeline_add

LONGEST = 10_000


@transaction.atomic
def note_add(
    *, lead_id: UUID, text: str, actor: AbstractBaseUser | None = None, now: datetime
) -> TimelineEntry:
    """Add a note to a lead's timeline. Whoever is named in it with @ is told.

    Raises:
        ValidationError: it is empty or too long.
    """
    text = text.strip()
    if not text:
        raise ValidationError({"text": "Write something first."})
    if len(text) > LONGEST:
        raise ValidationError({"text": f"A note has at most {LONGEST:,} characters."})
    entry = timeline_add(
        lead_id=lead_id, kind=TimelineEntry.Kind.NOTE, text=text, actor=actor, at=now
    )
    names = mentioned(text)
    people = get_user_model().objects.filter(is_active=True).annotate(name=Lower("username"))
    for user in people.filter(name__in=names):
        if actor is not None and user.pk == actor.pk:
            continue
        Mention.objects.create(entry=entry, user=user)
        mail_promise(
            kind=Mail.Kind.MENTION,
            key=f"mention:{entry.pk}:{user.pk}",
            lead_id=lead_id,
            user_id=user.pk,
            entry_id=entry.pk,
            due_at=now,
        )
    return entry


def mentions_seen(*, user_id: int, lead_id: UUID, now: datetime) -> int:
    """Note that somebody has seen where they are named on a lead. Returns how many were new."""
    return Mention.objects.filter(
        user_id=user_id, entry__lead_id=lead_id, seen_at__isnull=True
    ).update(seen_at=now)
