"""Let a supervisor listen in to a live call that the agent holds."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from django.contrib.auth.models import User

from calls.models import Call
from calls.services.notices import call_notify
from leads.services.audit import audit_record

LISTEN_FOR = timedelta(minutes=10)
"""How long one permission lasts; a page that stays open asks again."""


def listeners_of(call_id: UUID | str) -> str:
    """Return the name of the channel-layer group that hears a call."""
    return f"listen.{call_id}"


def listen_in(*, call_id: UUID | str, actor: User, now: datetime) -> bool:
    """Have the sound of a live call sent to its listeners for ten minutes. False when the agent
    does not hold it (any more). Who listens is kept in the audit and with the call."""
    call = Call.objects.filter(pk=call_id, state=Call.State.IN_PROGRESS).first()
    if call is None or call.stream_started_at is None or call.stream_closed_at is not None:
        return False
    audit_record(
        action="listen",
        text="Listened in to a live call.",
        actor=actor,
        subject=call,
        lead_id=call.lead_id,
        now=now,
    )
    call_notify(
        call_id=call.pk,
        kind="listen",
        data={"until": (now + LISTEN_FOR).isoformat(), "by": actor.pk},
        now=now,
    )
    return True
