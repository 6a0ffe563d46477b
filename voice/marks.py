"""Marks on their way to the far end and back: which words were heard to their end.

A mark comes back when the sound before it has been played, or when a `clear` has thrown that sound
away. Only what was sent when tells the two apart.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from voice.speech import Group, Speech

MARK_GRACE_MS = 1500
"""How long after the end of its sound a mark may take before we believe our own clock."""


@dataclass(frozen=True, slots=True, eq=False)
class Mark:
    """A mark that is to come back."""

    speech: Speech
    group: Group


class Marks:
    """One call's marks.

    Args:
        now_ms: the stream's clock.
        on_heard: called with a speech of which a further group has been heard.
    """

    def __init__(self, now_ms: Callable[[], float], on_heard: Callable[[Speech], None]) -> None:
        self._now_ms = now_ms
        self._on_heard = on_heard
        self._waiting: dict[str, Mark] = {}
        self._cleared: Counter[str] = Counter()
        """Marks that a `clear` sends back: they tell nothing."""

    def __bool__(self) -> bool:
        """Whether any is waited for."""
        return bool(self._waiting)

    @property
    def speeches(self) -> list[Speech]:
        """What marks are waited for of, in the order in which they were sent."""
        return [mark.speech for mark in self._waiting.values()]

    def sent(self, name: str, speech: Speech, group: Group) -> None:
        """Wait for the mark of a group, whose sound is out."""
        self._waiting[name] = mark = Mark(speech, group)
        delay_s = max(0.0, group.end_ms - self._now_ms() + MARK_GRACE_MS) / 1000
        asyncio.get_running_loop().call_later(delay_s, self._believe, name, mark)

    def returned(self, name: str) -> None:
        """Take a mark back from the far end: its group has been heard, unless it was cleared."""
        if self._cleared[name]:
            self._cleared[name] -= 1
        elif (mark := self._waiting.get(name)) is not None:
            self._believe(name, mark)

    def clear(self) -> list[Mark]:
        """Wait for none of them any more, and return them: they come back unheard."""
        waiting = list(self._waiting.values())
        self._cleared.update(self._waiting.keys())
        self._waiting.clear()
        return waiting

    def _believe(self, name: str, mark: Mark) -> None:
        """Take a group for heard, if that mark is still waited for."""
        if self._waiting.get(name) is mark:
            del self._waiting[name]
            mark.group.heard = True
            self._on_heard(mark.speech)
