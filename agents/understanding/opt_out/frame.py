"""A frame: one way to ask not to be called again, and how it is looked for."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from agents.understanding.opt_out.lexicon import frame
from agents.understanding.opt_out.scope import Found

Check = Callable[[Found], bool]


@dataclass(frozen=True, slots=True)
class Frame:
    """One way to ask not to be called. `why` is for the record of the call.

    `unless` holds the checks of `scope` that can take the meaning away.
    """

    why: str
    patterns: tuple[re.Pattern[str], ...]
    unless: tuple[Check, ...]

    @classmethod
    def of(cls, why: str, *patterns: str, unless: tuple[Check, ...]) -> Frame:
        """Return a frame from patterns of word classes."""
        return cls(why, tuple(frame(pattern) for pattern in patterns), unless)

    def asked_in(self, words: str) -> bool:
        """Tell whether the words ask in this way."""
        return any(
            not any(check(found) for check in self.unless)
            for pattern in self.patterns
            for match in pattern.finditer(words)
            for found in (Found.of(match),)
        )
