"""Tell the process that holds a live call that something concerns it.

A notice is a row (the truth) and a message to the channel-layer group `call.<call id>` (a hint
that it is worth looking; layers drop silently when full, and in embedded mode reach only one
process). The holder of the call joins the group and handles

    {"type": "call.notice", "id": "<uuid>", "kind": "machine", "data": {"beep": true}}

and gets the same notices again, all of them, from every `call_meter`: it must act on an id once.

Kinds: `machine` (data: beep), `wrap_up` (data: reason "budget", "time" or "stopped"), `hang_up`
(data: reason), `kill` (data: reason), `transfer` (data: ok; name, of who has taken the call; asked,
whether the conversation waits for the answer), `listen` (data: until, ISO 8601: somebody listens).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import structlog
from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer
from django.db import transaction

from calls.models import CallEvent

logger = structlog.get_logger(__name__)

_PREFIX = "notice."


@dataclass(frozen=True, slots=True)
class Notice:
    """Something the holder of a live call must act on, once per id."""

    id: UUID
    kind: str
    data: Mapping[str, Any]


def group_of(call_id: UUID | str) -> str:
    """Return the name of the channel-layer group of a call."""
    return f"call.{call_id}"


def call_notify(*, call_id: UUID | str, kind: str, data: Mapping[str, Any], now: datetime) -> None:
    """Write a notice and, once it is committed, send the hint."""
    row = CallEvent.objects.create(
        call_id=call_id, kind=f"{_PREFIX}{kind}", at=now, data=dict(data)
    )
    message = {"type": "call.notice", "id": str(row.id), "kind": kind, "data": dict(data)}
    transaction.on_commit(lambda: _hint(group_of(call_id), message), robust=True)


def notices_of(call_id: UUID | str) -> tuple[Notice, ...]:
    """Return every notice of a call, oldest first."""
    rows = CallEvent.objects.filter(call_id=call_id, kind__startswith=_PREFIX).order_by("at", "id")
    return tuple(Notice(row.id, row.kind.removeprefix(_PREFIX), row.data) for row in rows)


def _hint(group: str, message: dict[str, Any]) -> None:
    layer = get_channel_layer()
    if layer is None:
        return
    try:
        async_to_sync(layer.group_send)(group, message)
    except Exception as error:
        # The row is there; without the layer the call learns of it a few seconds later.
        logger.warning("call_notice_hint_lost", error=type(error).__name__, kind=message["kind"])
