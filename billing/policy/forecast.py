"""When a budget will be used up if spending goes on as it has. Pure."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

_LOOK_BACK = {"day": timedelta(hours=6)}
_LOOK_BACK_LONG = timedelta(days=7)
_LEAST = timedelta(hours=1)
"""A shorter look back would make one call a trend."""


def look_back(period: str, *, starts_on: date, time_zone: str, now: datetime) -> timedelta:
    """Return how much of the past tells a budget's rate: recent, of this period, an hour or more.

    A day is judged by its last six hours, longer periods by their last week.
    """
    begun = now - datetime.combine(starts_on, time.min, ZoneInfo(time_zone))
    return max(_LEAST, min(begun, _LOOK_BACK.get(period, _LOOK_BACK_LONG)))


def runs_out_at(
    *, left: Decimal, spent: Decimal, over: timedelta, now: datetime, ends: datetime | None
) -> datetime | None:
    """Return when nothing will be left at the present rate; None if it lasts to the end.

    Args:
        left: USD neither spent nor promised.
        spent: USD spent within `over`, which makes the rate.
        ends: end of the period, when the budget begins anew.
    """
    if left <= 0:
        return now
    if spent <= 0:
        return None
    try:
        at = now + timedelta(seconds=float(left / spent) * over.total_seconds())
    except OverflowError:
        return None
    return at if ends is None or at < ends else None
