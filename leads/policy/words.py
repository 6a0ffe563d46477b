"""Letters without their accents, so that Jose finds José."""

from __future__ import annotations

import unicodedata
from typing import Final


def _letters() -> tuple[str, str]:
    accented, plain = [], []
    for code in range(0xC0, 0x180):
        letter = chr(code)
        base = unicodedata.normalize("NFKD", letter)[0]
        if base != letter and base.isascii() and base.isalpha():
            accented.append(letter)
            plain.append(base.lower())
    return "".join(accented), "".join(plain)


ACCENTED, PLAIN = _letters()
"""Accented Latin letters, and each one's plain letter at the same place."""
_PLAINLY: Final = str.maketrans(ACCENTED, PLAIN)


def plainly(text: str) -> str:
    """Return a text in lower case and without accents."""
    return text.translate(_PLAINLY).lower()
