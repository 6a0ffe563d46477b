"""Entry points of work done later: the handlers of the outbox, and the RQ job that runs one."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.utils import timezone

from calls.services.aftercall import aftercall_run
from calls.services.budget_alerts import budget_alert_send
from calls.services.carrier_recordings import carrier_recording_fetch
from calls.services.outbox import Handler, NotYet, outbox_run
from leads.jobs import import_work


def _aftercall(payload: Mapping[str, Any], now: datetime) -> None:
    aftercall_run(call_id=payload["call"], now=now)


def _carrier_recording(payload: Mapping[str, Any], now: datetime) -> None:
    carrier_recording_fetch(call_id=payload["call"], url=payload["url"], now=now)


def _budget_alert(payload: Mapping[str, Any], now: datetime) -> None:
    budget_alert_send(alert_id=payload["alert"], now=now)


def _import(payload: Mapping[str, Any], now: datetime) -> None:
    # Without workers the dialer's process does it between two passes: calls must not wait for it.
    if import_work(payload["batch"], seconds=45.0 if settings.REDIS_URL else 0.5):
        raise NotYet(timezone.now() + timedelta(milliseconds=100))


HANDLERS: dict[str, Handler] = {
    "aftercall": _aftercall,
    "budget_alert": _budget_alert,
    "carrier_recording": _carrier_recording,
    "import": _import,
}
"""Every kind of outbox item and what does it. Each is safe to run twice."""


def outbox_item(item_id: str) -> None:
    """Run one outbox item (RQ)."""
    outbox_run(item_id=item_id, now=timezone.now())
