"""Where the time went between the lead's last sound and the agent's first, in a manager's words."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from calls.models import Turn

STEPS = (
    ("vad_wait", "noticing the pause"),
    ("stt", "getting the last words"),
    ("decision", "deciding what to say"),
    ("confirmation", "making sure it was the end"),
    ("synthesis", "making the voice"),
    ("transport", "sending the sound"),
)
"""The parts that voice keeps with a turn (`voice.latency`), and what each is."""


@dataclass(frozen=True, slots=True)
class Step:
    """One part of an answer's time. `share` is its part of the whole, `before` that of the parts
    before it, 0-100."""

    name: str
    label: str
    ms: int
    before: float
    share: float


def answer_steps(turn: Turn) -> list[Step]:
    """Return the parts of a turn's answer time, none where they were not kept."""
    return _steps(turn.details)


def usual_steps(turns: Iterable[Turn]) -> list[Step]:
    """Return the median of each part over the turns that have them."""
    kept = [turn.details for turn in turns if turn.latency_ms is not None and turn.details]
    if not kept:
        return []
    return _steps({name: statistics.median(_ms(one, name) for one in kept) for name, _ in STEPS})


def _steps(details: Mapping[str, Any]) -> list[Step]:
    parts = {name: _ms(details, name) for name, _ in STEPS}
    whole = sum(parts.values())
    if not whole:
        return []
    steps, reached = [], 0.0
    for name, label in STEPS:
        share = 100 * parts[name] / whole
        steps.append(Step(name, label, round(parts[name]), reached, share))
        reached += share
    return steps


def _ms(details: Mapping[str, Any], name: str) -> float:
    value = details.get(name)
    return max(0.0, float(value)) if isinstance(value, int | float) else 0.0
