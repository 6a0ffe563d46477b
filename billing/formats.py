"""How money is written."""

from __future__ import annotations

from decimal import Decimal


def usd(amount: Decimal | float | int | None) -> str:
    """Return an amount as people read it: four places below ten dollars, else two.

    A call costs cents, so $0.0832 says more than $0.08; of a budget, $1,250.00 is enough.
    """
    if amount is None:
        return "–"
    value = Decimal(amount)
    sign = "-" if value < 0 else ""
    places = 4 if abs(value) < 10 and value != value.quantize(Decimal("0.01")) else 2
    return f"{sign}${abs(value):,.{places}f}"
