"""When a budget's period begins, and how hard it presses on a call."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Final, Literal
from zoneinfo import ZoneInfo

Pressure = Literal["normal", "soft", "hard"]

THRESHOLDS: Final = (50, 80, 95, 100)
"""Shares of a limit, in percent, that people are told of."""

_ORDER: Final = ("normal", "soft", "hard")
# The one period of a budget for its whole life; any fixed day would do.
_EPOCH = date(2000, 1, 1)


def period_start(period: str, *, now: datetime, time_zone: str) -> date:
    """Return the local day on which the running period of a budget began.

    Args:
        period: "day", "week" (from Monday), "month" or "total".
        time_zone: IANA name; where the budget's days begin.
    """
    today = now.astimezone(ZoneInfo(time_zone)).date()
    match period:
        case "day":
            return today
        case "week":
            return today - timedelta(days=today.weekday())
        case "month":
            return today.replace(day=1)
        case "total":
            return _EPOCH
    raise ValueError(f"A budget's period is day, week, month or total, not {period!r}.")


def period_end(period: str, *, starts_on: date, time_zone: str) -> datetime | None:
    """Return when the period that began on a local day is over; `None` for a whole life.

    Days are 23 or 25 hours long where the clocks change.
    """
    match period:
        case "day":
            next_day = starts_on + timedelta(days=1)
        case "week":
            next_day = starts_on + timedelta(days=7)
        case "month":
            next_day = (starts_on.replace(day=1) + timedelta(days=32)).replace(day=1)
        case _:
            return None
    return datetime.combine(next_day, time(), tzinfo=ZoneInfo(time_zone))


def allowance(*, per_lead: Decimal, minimum: Decimal, qualified: int) -> Decimal:
    """Return what may be spent for some qualified leads in USD.

    The average stays at or below `per_lead` from `minimum` on; below it nobody asks.
    """
    return max(minimum, per_lead * qualified)


def percent_used(*, committed: Decimal, limit: Decimal) -> int:
    """Return the whole percents of a limit that are spent or promised; nothing of 0 is all."""
    if limit <= 0:
        return 100
    return int(committed * 100 / limit)


def thresholds_reached(percent: int) -> tuple[int, ...]:
    """Return the thresholds at or below a share in percent."""
    return tuple(threshold for threshold in THRESHOLDS if threshold <= percent)


def budget_pressure(*, committed: Decimal, limit: Decimal, soft_percent: int) -> Pressure:
    """Return how a budget presses with `committed` USD spent, promised or asked for.

    "hard": over the limit, which must not be. "soft": at or over the soft share, where the
    cheaper voice is used. "normal" below it.
    """
    if committed > limit:
        return "hard"
    if committed * 100 >= limit * soft_percent:
        return "soft"
    return "normal"


def hardest(*pressures: Pressure) -> Pressure:
    """Return the strongest of some pressures; "normal" of none."""
    return max(pressures, key=_ORDER.index, default="normal")
