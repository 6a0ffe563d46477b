"""Keep what is said and done on a call, while it happens. Every write may be repeated."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from django.conf import settings
from django.core.serializers.json import DjangoJSONEncoder
from django.db import IntegrityError, transaction

from agents.interface import Notes
from calls.models import Call, CallEvent, Outcome, Recording, Turn
from calls.services.sound import sha256_of


def plain(value: Any) -> Any:
    """Return the value as JSON can hold it: dates as ISO 8601, decimals and UUIDs as text."""
    return json.loads(json.dumps(value, cls=DjangoJSONEncoder))


def turn_record(
    *,
    call_id: UUID | str,
    index: int,
    speaker: str,
    text: str,
    started_ms: int,
    ended_ms: int,
    interrupted: bool = False,
    latency_ms: int | None = None,
    agent: str = "",
    topic: str = "",
    why: str = "",
    tier: str = "",
    details: Mapping[str, Any] | None = None,
) -> Turn:
    """Keep one turn. A repeat of the same index replaces it (more of it was heard).

    Args:
        index: order on the call, from 0.
        speaker: "agent" or "lead".
        started_ms, ended_ms: ms since the media stream began.
        why: agent's turns: which agents took it, and why.
        latency_ms: agent's turns: ms from the lead's last sound to the agent's first.
        details: latency by part, in ms.
    """
    turn, _created = Turn.objects.update_or_create(
        call_id=call_id,
        index=index,
        defaults={
            "speaker": speaker,
            "text": text,
            "started_ms": max(started_ms, 0),
            "ended_ms": max(ended_ms, started_ms, 0),
            "interrupted": interrupted,
            "latency_ms": latency_ms,
            "agent": agent,
            "topic": topic,
            "why": why[:400],
            "tier": tier,
            "details": plain(dict(details or {})),
        },
    )
    return turn


def event_record(
    *,
    call_id: UUID | str,
    kind: str,
    offset_ms: int | None = None,
    data: Mapping[str, Any] | None = None,
    now: datetime,
) -> CallEvent:
    """Keep one event. `offset_ms` is ms since the media stream began."""
    return CallEvent.objects.create(
        call_id=call_id, kind=kind, at=now, offset_ms=offset_ms, data=plain(dict(data or {}))
    )


def notes_record(*, call_id: UUID | str, notes: Notes, now: datetime) -> None:
    """Keep what the conversation has learnt so far, and its outcome once it has one.

    Ignored once the call is settled: score and summary were made from what was known then.

    Raises:
        ValueError: the outcome is not one of `Outcome`.
    """
    if notes.outcome and notes.outcome not in Outcome.values:
        raise ValueError(
            f"unknown outcome {notes.outcome!r}; known are {', '.join(Outcome.values)}"
        )
    open_calls = Call.objects.filter(pk=call_id, settled_at__isnull=True)
    open_calls.update(
        notes=plain(
            {
                "answers": dict(notes.answers),
                "signals": dict(notes.signals),
                "memory": dict(notes.memory),
            }
        ),
        updated_at=now,
    )
    if notes.outcome:
        # Somebody who opted out stays opted out, whatever the talk ended with.
        open_calls.exclude(outcome=Outcome.DO_NOT_CALL).update(outcome=notes.outcome)


def keep_until(now: datetime) -> date | None:
    """Return the last day on which a recording made now has to be kept; `None` for ever."""
    days = settings.ENV.recordings_keep_days
    return (now + timedelta(days=days)).date() if days else None


def recording_store(
    *,
    call_id: UUID | str,
    path: Path,
    duration_ms: int,
    sha256: str | None = None,
    now: datetime,
) -> None:
    """Mark the recording as complete. Safe to run twice; a stored recording is not replaced.

    Where recordings are kept elsewhere, `calls.recording_files.recording_put` comes first.

    Args:
        path: the finished file, under MEDIA_ROOT; its name there is its name in the storage.
        duration_ms: its length.
        sha256: its checksum in hex; computed from the file when not given.
    """
    digest = sha256 or sha256_of(path)
    try:
        name = str(path.resolve().relative_to(Path(settings.MEDIA_ROOT).resolve()))
    except ValueError:
        raise ValueError(f"a recording must lie under MEDIA_ROOT, {path.name} does not") from None
    with transaction.atomic():
        changed = (
            Recording.objects.filter(call_id=call_id)
            .exclude(state=Recording.State.STORED)
            .update(
                state=Recording.State.STORED,
                file=name,
                duration_ms=duration_ms,
                sha256=digest,
                keep_until=keep_until(now),
            )
        )
        if changed or Recording.objects.filter(call_id=call_id).exists():
            return
        try:
            with transaction.atomic():
                Recording.objects.create(
                    call_id=call_id,
                    source=Recording.Source.LOCAL,
                    state=Recording.State.STORED,
                    file=name,
                    duration_ms=duration_ms,
                    sha256=digest,
                    keep_until=keep_until(now),
                )
        except IntegrityError:
            # Another process made the row in the same moment: it holds the same file.
            return
