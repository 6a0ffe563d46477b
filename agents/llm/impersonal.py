"""Which questions may be remembered for others: those made of words that name nobody.

A question is impersonal if every word of it is in a closed list (`impersonal_words.txt`) or in
the playbook. Names, numbers, streets and whatever else could tell one lead from another are in
neither, so that what is kept cannot hold them, however it is asked. Words that refer to what was
said before ("it", "that", "there") are not in the list either: such a question cannot be
understood alone.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

from agents.understanding.words import normalised

_FILE: Final = Path(__file__).parent / "impersonal_words.txt"
LEAST_WORDS: Final = 3
MOST_WORDS: Final = 25

_made_here = object()


@dataclass(frozen=True, slots=True)
class Impersonal:
    """A normalised question that holds nothing of a lead. Made by `impersonal` alone."""

    words: str
    _seal: object

    def __post_init__(self) -> None:
        if self._seal is not _made_here:
            raise TypeError("an Impersonal question is made by agents.llm.impersonal.impersonal")


@cache
def impersonal_words() -> frozenset[str]:
    """Return the closed list."""
    lines = _FILE.read_text(encoding="utf-8").splitlines()
    return frozenset(word for line in lines if not line.startswith("#") for word in line.split())


def impersonal(text: str) -> Impersonal | None:
    """Return the question if it may be remembered for others, else None."""
    words = normalised(text)
    tokens = words.split()
    if not LEAST_WORDS <= len(tokens) <= MOST_WORDS or re.search(r"[^a-z ]", words):
        return None
    if not all(token in impersonal_words() for token in tokens):
        return None
    return Impersonal(words, _made_here)
