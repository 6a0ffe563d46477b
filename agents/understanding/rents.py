"""A monthly rent out of recognised words: "fifteen hundred a month", "around two grand"."""

from __future__ import annotations

import re
from typing import Final

from agents.understanding.words import digits

_PLAUSIBLE: Final = (200, 50_000)
"""USD a month."""
_ABOUT_RENT: Final = re.compile(r"\b(rent|rents|monthly|weekly|(a|per|each|every) (month|week))\b")
_BY_THE_WEEK: Final = re.compile(r"\b(?:a|per|each|every) week\b|\bweekly\b")
_AMOUNT: Final = re.compile(
    r"(?<![\w.:])(?:(?P<thousands>\d+(?:\.\d+)?)(?P<half> and a half)? (?:k|grand|thousand|1000)\b"
    r"(?: (?P<rest>\d{2,3})\b)?|(?P<hundreds>\d{1,2}) (?P<tens>\d{2})\b|(?P<plain>\d{3,5})\b)"
    r"(?P<currency> (?:dollars?|bucks))?"
)
_NOT_RENT: Final = re.compile(
    r"^ ?(months?|years?|weeks?|days?|bed|beds|bedrooms?|baths?|bathrooms?|percent|am|pm|oclock|"
    r"square|sq|rooms?|minutes?|street|st|th)\b"
)


def rent_in(words: str, *, expected: bool) -> int | None:
    """Return a rent in USD a month, a range -> its middle.

    Without `expected`, only an amount with "rent" or "a month" beside it counts.
    """
    if not (expected or _ABOUT_RENT.search(words)):
        return None
    text = re.sub(r"\ba 1000\b", "1 1000", digits(words))
    amounts = [
        amount
        for match in _AMOUNT.finditer(text)
        if not _NOT_RENT.match(text[match.end() :])
        and _PLAUSIBLE[0] <= (amount := _amount(match)) <= _PLAUSIBLE[1]
    ]
    if _BY_THE_WEEK.search(words):
        amounts = [round(amount * 52 / 12) for amount in amounts]
    if (
        len(amounts) == 2
        and re.search(r"\b(between|to|and|or)\b", words)
        and amounts[0] < amounts[1]
    ):
        return sum(amounts) // 2
    return amounts[0] if amounts else None


def _amount(match: re.Match[str]) -> int:
    if plain := match["plain"]:
        return int(plain)
    if hundreds := match["hundreds"]:  # "eighteen fifty" is 1850
        return int(hundreds) * 100 + int(match["tens"])
    value = float(match["thousands"]) * 1_000 + (500 if match["half"] else 0)
    return int(value) + int(match["rest"] or 0)
