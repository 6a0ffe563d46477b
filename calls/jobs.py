"""Entry points of work done later: the handlers of the outbox, and the RQ job that runs one."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.utils import timezone

from calls.services.aftercall import aftercall_run
from calls.services.budget_alerts import budget_alert_send
from calls.services.carrier_recordings import carrier_recording_fetch
from calls.services.outbox import Handler, outbox_run


def _aftercall(payload: Mapping[str, Any], now: datetime) -> None:
    aftercall_run(call_id=payload["call"], now=now)


def _carrier_recording(payload: Mapping[str, Any], now: datetime) -> None:
    carrier_recording_fetch(call_id=payload["call"], url=payload["url"], now=now)


def _budget_alert(payload: Mapping[str, Any], now: datetime) -> None:
    budget_alert_send(alert_id=payload["alert"], now=now)


HANDLERS: dict[str, Handler] = {
    "aftercall": _aftercall,
    "budget_alert": _budget_alert,
    "carrier_recording": _carrier_recording,
}
"""Every kind of outbox item and what does it. Each is safe to run twice."""


def outbox_item(item_id: str) -> None:
    """Run one outbox item (RQ)."""
    outbox_run(item_id=item_id, now=timezone.now())
