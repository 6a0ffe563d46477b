"""What a rented number costs a day, and what of that each of the day's calls. Pure.

Rent is due whether anybody calls or not, so it is shared by what it was used for: a calendar
month's rent is split over its days, a day's part over the calls of the day. Nothing is estimated
and corrected at the month's end, and the parts of a month sum up to its rent to the micro-dollar.
"""

from __future__ import annotations

from calendar import monthrange
from datetime import date
from decimal import Decimal

from billing.policy.shares import split

PARTS_OF_A_MONTH = Decimal("0.000001")
"""Billing step of a rent, in months: its days and their calls share it."""


def day_part(monthly: Decimal, day: date) -> Decimal:
    """Return the part of a month's amount that falls on a day; a month's parts sum up to it."""
    days = monthrange(day.year, day.month)[1]
    return split(monthly, [Decimal(1)] * days)[day.day - 1]


def call_parts(monthly: Decimal, day: date, *, calls: int) -> list[Decimal]:
    """Return the part of each of a day's calls; the whole day's as one part if there were none."""
    return split(day_part(monthly, day), [Decimal(1)] * max(calls, 1))
