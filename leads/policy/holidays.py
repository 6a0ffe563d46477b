"""Days of the calendar on which a state calls nobody, from the way its law names them. Pure."""

from __future__ import annotations

import calendar
import re
from collections.abc import Iterable
from datetime import date, timedelta
from functools import lru_cache

_WHICH = {"first": 0, "second": 1, "third": 2, "fourth": 3, "last": -1}
_WEEKDAYS = {name.lower(): number for number, name in enumerate(calendar.day_name)}
_MONTHS = {name.lower(): number for number, name in enumerate(calendar.month_name) if name}
# Days from Easter Sunday.
_AROUND_EASTER = {"mardi gras": -47, "good friday": -2}


def holiday(name: str, year: int) -> date | None:
    """Return the day of a holiday in a year; None if it does not come in that year.

    Args:
        name: a month and day ("07-04"), a weekday of a month ("fourth thursday november"), "mardi
            gras", "good friday" or "general election" (of even years).

    Raises:
        ValueError: the name is none of these.
    """
    if re.fullmatch(r"\d\d-\d\d", name):
        month, day = int(name[:2]), int(name[3:])
        return date(year, month, day) if day <= calendar.monthrange(year, month)[1] else None
    if name in _AROUND_EASTER:
        return _easter(year) + timedelta(days=_AROUND_EASTER[name])
    if name == "general election":
        # 2 U.S.C. 7: the Tuesday after the first Monday in November.
        return None if year % 2 else _weekday_of(0, 0, 11, year) + timedelta(days=1)
    which, _, rest = name.partition(" ")
    weekday, _, month_name = rest.partition(" ")
    if which not in _WHICH or weekday not in _WEEKDAYS or month_name not in _MONTHS:
        raise ValueError(f"“{name}” names no holiday: write 07-04 or “fourth thursday november”.")
    return _weekday_of(_WHICH[which], _WEEKDAYS[weekday], _MONTHS[month_name], year)


@lru_cache(maxsize=512)
def holidays_of(names: frozenset[str], year: int, *, observed: bool) -> frozenset[date]:
    """Return the days of a year on which any of these holidays falls or is observed.

    Args:
        observed: a holiday on a Saturday also closes the Friday before it, one on a Sunday the
            Monday after it.
    """
    days: set[date] = set()
    for near in (year - 1, year, year + 1):
        days.update(_days_in(names, near, observed=observed))
    return frozenset(day for day in days if day.year == year)


def _days_in(names: Iterable[str], year: int, *, observed: bool) -> Iterable[date]:
    for name in names:
        day = holiday(name, year)
        if day is None:
            continue
        yield day
        if observed and day.weekday() >= 5:
            yield day + timedelta(days=-1 if day.weekday() == 5 else 1)


def _weekday_of(which: int, weekday: int, month: int, year: int) -> date:
    last = calendar.monthrange(year, month)[1]
    days = [date(year, month, n) for n in range(1, last + 1)]
    return [day for day in days if day.weekday() == weekday][which]


def _easter(year: int) -> date:
    """Return Easter Sunday of the Gregorian calendar (the anonymous algorithm, Meeus 1991)."""
    a, (b, c) = year % 19, divmod(year, 100)
    d, e = divmod(b, 4)
    h = (19 * a + b - d - (b - (b + 8) // 25 + 1) // 3 + 15) % 30
    i, k = divmod(c, 4)
    el = (32 + 2 * e + 2 * i - h - k) % 7
    m = (a + 11 * h + 22 * el) // 451
    month, day = divmod(h + el - 7 * m + 114, 31)
    return date(year, month, day + 1)
