"""How an account writes money, read from one amount as it writes it. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from functools import lru_cache

_EXAMPLE = re.compile(
    r"(?P<before>[^\d-]*)1(?P<thousands>[^\d-]?)234(?P<decimal>[^\d\s-])56(?P<after>[^\d-]*)"
)


@dataclass(frozen=True, slots=True)
class MoneyFormat:
    """What stands around an amount and within it."""

    before: str
    after: str
    thousands: str
    decimal: str

    def write(self, amount: Decimal, *, places: int) -> str:
        """Return an amount with so many decimals, half up; a minus stands before everything."""
        value = amount.quantize(Decimal(1).scaleb(-places), rounding=ROUND_HALF_UP)
        digits = f"{abs(value):,.{places}f}"
        # One character at a time: the separators may be exchanged.
        swap = {",": self.thousands, ".": self.decimal}
        written = "".join(swap.get(character, character) for character in digits)
        return f"{'-' if value < 0 else ''}{self.before}{written}{self.after}"


@lru_cache
def money_format(example: str) -> MoneyFormat:
    """Return the format of an example: the amount 1234.56 as the account writes it.

    Raises:
        ValueError: the example is not that amount.
    """
    found = _EXAMPLE.fullmatch(example)
    if found is None or found["thousands"] == found["decimal"]:
        raise ValueError(
            'must be the amount 1234.56 as you write it, such as "$1,234.56" or "1.234,56 US$"'
        )
    return MoneyFormat(**found.groupdict())
