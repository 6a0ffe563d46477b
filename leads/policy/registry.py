"""Numbers of the North American plan as bits: ten thousand lines of an exchange in 1250 bytes."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

BLOCK_BYTES: Final = 1250
# As the registry writes them: "212,5550123", and whatever else parts the digits.
_NUMBER: Final = re.compile(rb"(?<!\d)1?([2-9]\d\d)\D{0,2}([2-9]\d\d)\D?(\d{4})(?!\d)")


def place_of(e164: str) -> tuple[int, int, int] | None:
    """Return a number's area code, exchange (six digits) and line; None outside the plan of +1."""
    if len(e164) != 12 or not e164.startswith("+1"):
        return None
    return int(e164[2:5]), int(e164[2:8]), int(e164[8:])


def is_listed(block: bytes | memoryview, line: int) -> bool:
    """Whether a block has a line (0-9999)."""
    return bool(block[line >> 3] & (1 << (line & 7)))


def block_mark(block: bytearray, line: int) -> bool:
    """Put a line in a block. False when it was there."""
    at, bit = line >> 3, 1 << (line & 7)
    if block[at] & bit:
        return False
    block[at] |= bit
    return True


def numbers_in(text: bytes) -> Iterable[tuple[int, int]]:
    """Return exchange and line of every ten-digit number that is written in a text."""
    return ((int(area + exchange), int(line)) for area, exchange, line in _NUMBER.findall(text))
