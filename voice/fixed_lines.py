"""The phrases of a playbook that are the same on every call: what may be kept as sound."""

from __future__ import annotations

import functools
from typing import Final

from agents.graph.lines import filled
from agents.graph.state import setting_with_nobody
from agents.playbook import PLACEHOLDER, Script, spoken_lines
from voice.phrasing import word_groups
from voice.speech_cache import normalised

_NOT_FIXED: Final = "\ue000"
"""A sign of no language: it stands for what differs from call to call."""
_THE_SAME: Final = frozenset({"business", "agent"})


@functools.lru_cache(maxsize=64)
def fixed_phrases(script: Script, business_name: str) -> frozenset[str]:
    """Return every word group that holds nothing of a lead, as voices are given them.

    A group with a name, a time or a place in it is left out as a whole. Kept per playbook and
    business: a call that begins has no time to work it out again.
    """
    phrases: set[str] = set()
    for _, line in spoken_lines(script):
        differing = {name: _stand_in(name) for name in PLACEHOLDER.findall(line)}
        for first_name in ("", _NOT_FIXED):  # leads without a first name are not named
            values = {**differing, "first_name": first_name}
            values = {name: value for name, value in values.items() if name not in _THE_SAME}
            text = filled(line, setting_with_nobody(script, business_name), values)
            phrases.update(
                normalised(group) for group in word_groups(text) if _NOT_FIXED not in group
            )
    return frozenset(phrases)


def _stand_in(name: str) -> str:
    # A time has some four words ("tomorrow at ten A M"), and commas part groups by words.
    words = 4 if name.startswith(("slot", "time")) else 1
    return " ".join([_NOT_FIXED] * words)
