"""When a budget's period begins, and how hard it presses on a call."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Final, Literal
from zoneinfo import ZoneInfo

Pressure = Literal["normal", "soft", "hard"]

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
