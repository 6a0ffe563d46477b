"""Which column of a file of numbers holds what. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from leads.policy.phones import InvalidPhone, phone_parse

_PHONE = re.compile(r"phone|mobile|cell|number|^tel|^tn$|ani")
_OTHER = {
    "do_not_call": re.compile(r"reason|note|comment|source"),
    "reassigned": re.compile(r"reassign|result|answer|response|status|disconnect"),
}
_YES = frozenset({"yes", "y", "true", "1"})
_NO = frozenset({"no", "n", "false", "0"})


@dataclass(frozen=True, slots=True)
class Columns:
    """Indexes of the column with the number, and of the reason or the answer; -1 for none."""

    phone: int
    other: int = -1
    has_header: bool = False


def columns_guess(rows: Sequence[Sequence[str]], purpose: str) -> Columns:
    """Return which column holds the numbers, by its name or by what stands in it."""
    if not rows:
        return Columns(0)
    header = not any(is_phone(cell) for cell in rows[0]) and len(rows) > 1
    names = [cell.strip().lower() for cell in rows[0]] if header else []
    body = rows[1:] if header else rows
    width = max(map(len, rows))
    shares = [
        sum(is_phone(row[n]) for row in body if n < len(row)) / max(len(body), 1)
        for n in range(width)
    ]
    named = [n for n, name in enumerate(names) if _PHONE.search(name) and shares[n] > 0]
    phone = named[0] if named else shares.index(max(shares))
    other = -1
    if purpose in _OTHER:
        pattern = _OTHER[purpose]
        other = next((n for n, name in enumerate(names) if n != phone and pattern.search(name)), -1)
        if other < 0 and purpose == "reassigned":
            other = next((n for n in range(width) if _answers(body, n)), -1)
    return Columns(phone, other, header)


def answer_of(text: str) -> bool | None:
    """Return whether the database of reassigned numbers said yes; None when it does not know."""
    word = text.strip().lower()
    return True if word in _YES else False if word in _NO else None


def is_phone(cell: str) -> bool:
    """Whether a cell holds a number that can be called."""
    try:
        number_parse(cell)
    except InvalidPhone:
        return False
    return True


def number_parse(cell: str) -> str:
    """Return a number in E.164 as a list has it: with or without "+", or made harmless by "'".

    Raises:
        InvalidPhone: with what is wrong with it.
    """
    text = cell.strip().lstrip("'")
    try:
        return phone_parse(text).e164
    except InvalidPhone:
        if not (text.isdigit() and len(text) > 10):
            raise
    # A country code whose "+" was lost, as our own list of numbers leaves it out.
    return phone_parse(f"+{text}").e164


def _answers(rows: Sequence[Sequence[str]], n: int) -> bool:
    cells = [row[n].strip().lower() for row in rows if n < len(row)]
    return bool(cells) and all(cell in _YES | _NO | {"no data", "no_data", ""} for cell in cells)
