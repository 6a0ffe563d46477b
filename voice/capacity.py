"""Tell the dialer how many calls this process takes: every two seconds, and at every change."""

from __future__ import annotations

import os
import socket
import threading
import time

import structlog
from django.db import DatabaseError, close_old_connections
from django.utils import timezone

from calls.services.capacity import voice_capacity_publish
from voice.live_calls import live_calls

logger = structlog.get_logger(__name__)

PERIOD_S = 2.0
LEAST_GAP_S = 0.2
"""Calls that begin or end at the same time are one report."""

_changed = threading.Event()
_started = threading.Lock()


def capacity_report_start() -> None:
    """Report for as long as the process lives, on a thread of its own. Does nothing twice.

    A thread, because it must go on when the event loop does not: a process that is held up says
    nothing new, and is not counted on any more once its last report has expired.
    """
    if _started.acquire(blocking=False):
        live_calls.on_change = _changed.set
        threading.Thread(target=_report_for_ever, name="capacity", daemon=True).start()


def capacity_report(name: str) -> None:
    """Report once."""
    voice_capacity_publish(
        name=name,
        most=live_calls.most,
        live=len(live_calls),
        refusal=live_calls.refusal(),
        now=timezone.now(),
    )


def _report_for_ever() -> None:
    name = f"{socket.gethostname()}:{os.getpid()}"
    while True:
        try:
            close_old_connections()
            capacity_report(name)
        except DatabaseError as error:
            # Nobody can dial without the database either.
            logger.warning("capacity_not_reported", error=type(error).__name__)
        time.sleep(LEAST_GAP_S)
        _changed.wait(PERIOD_S)
        _changed.clear()
