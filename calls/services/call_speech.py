"""Add the words of settled calls up, so that pages need not read each turn."""

from __future__ import annotations

import time
from datetime import datetime, timedelta

from calls.desk.past_calls import speech_of
from calls.models import Call, CallSpeech

SETTLES_AFTER = timedelta(hours=1)
"""A call's words are added up this long after it was settled: by then nothing is written to it."""
_AT_ONCE = 500


def call_speech_add(*, now: datetime, seconds: float) -> bool:
    """Add up the words of settled calls that have no sums, and return whether some are left.

    Safe to run at any time, twice and at once.

    Args:
        seconds: how long it may take, about.
    """
    until = time.monotonic() + seconds
    while calls := list(
        Call.objects.filter(
            settled_at__lt=now - SETTLES_AFTER, answered_at__isnull=False, speech__isnull=True
        ).only("pk", "lead_id", "created_at")[:_AT_ONCE]
    ):
        CallSpeech.objects.bulk_create(speech_of(calls), ignore_conflicts=True)
        if time.monotonic() > until:
            return True
    return False
