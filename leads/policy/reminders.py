"""When people are reminded of an appointment."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

DAY: Final = timedelta(hours=24)
HOURS: Final = timedelta(hours=2)
# A reminder on the heels of the invitation tells nobody anything.
_APART: Final = timedelta(hours=2)


def lead_reminder_at(starts_at: datetime, *, now: datetime) -> datetime | None:
    """Return when the lead is reminded: a day before, or two hours before if it is sooner.

    None when the appointment is so near that the invitation is the reminder.
    """
    for before in (DAY, HOURS):
        if starts_at - before >= now + _APART:
            return starts_at - before
    return None


def rep_reminder_at(starts_at: datetime, *, now: datetime) -> datetime | None:
    """Return when the representative is reminded: an hour before, if that is not at once."""
    at = starts_at - timedelta(hours=1)
    return at if at > now else None
