"""From what was used to what is billed, exactly.

Carriers bill whole started minutes per call and per media stream (Twilio, "How are voice minutes
rounded for billing"); others bill seconds, characters or tokens.
"""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from math import ceil, floor

MICRO = Decimal("0.000001")
_SECONDS_PER_MINUTE = 60


def billed_quantity(
    quantity: Decimal | Fraction,
    *,
    increment: Decimal,
    minimum: Decimal = Decimal(0),
    rounding: str = "up",
) -> Decimal:
    """Return what is paid for: rounded to whole increments, at least the minimum.

    All are in the price's unit; `rounding` is "up", "nearest" (half a step up) or "down". Nothing
    used is nothing billed: an unanswered call is free.

    Raises:
        ValueError: the quantity is negative, the increment is not positive, or the rounding is
            none of the three.
    """
    if quantity < 0:
        raise ValueError("A used quantity cannot be negative.")
    if increment <= 0:
        raise ValueError("A billing increment must be more than 0.")
    if quantity == 0:
        return Decimal(0)
    # A fraction, because 190 s in minutes is no finite decimal and must not round to one.
    return max(_whole(Fraction(quantity) / Fraction(increment), rounding) * increment, minimum)


def _whole(steps: Fraction, rounding: str) -> int:
    match rounding:
        case "up":
            return ceil(steps)
        case "nearest":
            return floor(steps + Fraction(1, 2))
        case "down":
            return floor(steps)
    raise ValueError(f"A price rounds up, nearest or down, not {rounding!r}.")


def amount(billed: Decimal, *, unit_price: Decimal) -> Decimal:
    """Return the USD of a billed quantity, to six places, half up."""
    return micro(billed * unit_price)


def micro(value: Decimal) -> Decimal:
    """Return a value to the six places that the ledger keeps, half up."""
    return value.quantize(MICRO, rounding=ROUND_HALF_UP)


def in_unit(seconds: Decimal | float, unit: str) -> Fraction:
    """Return a duration in the unit of a price per minute or second, exactly.

    Raises:
        ValueError: the price is for something that is not time.
    """
    match unit:
        case "minute":
            return Fraction(seconds) / _SECONDS_PER_MINUTE
        case "second":
            return Fraction(seconds)
    raise ValueError(f"A price per {unit} does not bill time.")


def started_minutes(seconds: Decimal | float) -> range:
    """Return the numbers of the minutes that are owed for a duration so far: 1, 2, ...

    Each is charged as one minute under its own key (`<call>:<component>:<number>`), so that a
    charge is written when its minute begins and asking again writes nothing twice. Together they
    bill exactly what the whole duration would.
    """
    if seconds < 0:
        raise ValueError("A duration cannot be negative.")
    return range(1, ceil(in_unit(seconds, "minute")) + 1)
