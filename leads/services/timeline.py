"""The one feed of a lead. Everything that changes a lead writes here, in the same transaction."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from django.contrib.auth.models import AbstractBaseUser
from django.utils import timezone

from leads.models import TimelineEntry


def timeline_add(
    *,
    lead_id: UUID,
    kind: str,
    text: str,
    call_id: UUID | None = None,
    actor: AbstractBaseUser | None = None,
    data: Mapping[str, Any] | None = None,
    key: str | None = None,
    at: datetime | None = None,
) -> TimelineEntry:
    """Add an entry, once per `key` if there is one.

    Args:
        kind: one of `TimelineEntry.Kind`.
        text: one sentence that a manager understands.
        key: names the thing that happened, so that a rerun writes it once.
        at: when it happened; now if not given.
    """
    values: dict[str, Any] = {
        "lead_id": lead_id,
        "kind": TimelineEntry.Kind(kind),
        "text": text,
        "call_id": call_id,
        "actor": actor,
        "data": dict(data or {}),
        "at": at or timezone.now(),
    }
    if key is None:
        return TimelineEntry.objects.create(**values)
    entry, _ = TimelineEntry.objects.get_or_create(key=key, defaults=values)
    return entry
