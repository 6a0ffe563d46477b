"""A lead's score after a call: 0-100, the sum of factors that each name their evidence.

Reproducible: the same notes give the same score. A change of the rules changes `VERSION`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from agents.interface import Notes
from agents.spoken import answer_text

VERSION = "rules-1"

_STRENGTH_POINTS = {3: 20, 2: 14, 1: 8, 0: 3}
_MONTHS_POINTS = ((1, 25), (3, 22), (6, 15), (12, 8))
_FAR_POINTS = 2
_CEILINGS = {"not_interested": 10, "wrong_number": 0, "do_not_call": 0}
"""Outcomes after which no answer makes a lead warm."""


@dataclass(frozen=True, slots=True)
class Factor:
    """One reason for a score. `evidence` is in the lead's own words where there are any."""

    name: str
    value: str
    points: int
    evidence: str = ""
    turn_index: int | None = None
    """Index of the evidence in the call's transcript, where it is known."""


@dataclass(frozen=True, slots=True)
class Score:
    """A score 0-100, the version of the rules that gave it, and its factors, largest first."""

    value: int
    version: str
    factors: tuple[Factor, ...]


def score(notes: Notes) -> Score:
    """Return the score of a lead from what a conversation left."""
    factors = [
        factor
        for slot, answer in sorted(notes.answers.items())
        if (factor := _answer_factor(slot, answer)) is not None
    ]
    factors += _talk_factors(notes)
    total = max(0, min(100, sum(factor.points for factor in factors)))
    ceiling = _CEILINGS.get(notes.outcome)
    if ceiling is not None and total > ceiling:
        factors.append(Factor("outcome", notes.outcome.replace("_", " "), ceiling - total))
        total = ceiling
    factors.sort(key=lambda factor: (-factor.points, factor.name))
    return Score(total, VERSION, tuple(factors))


def _answer_factor(slot: str, answer: Mapping[str, Any]) -> Factor | None:
    """Return what one answer is worth: motivation, timeframe, price, fit, no agent yet."""
    value = answer["value"]
    kind = answer.get("type", "")
    if kind == "choice":
        points = _STRENGTH_POINTS[min(3, int(answer.get("strength", 0)))]
    elif kind == "months":
        points = next((won for most, won in _MONTHS_POINTS if value <= most), _FAR_POINTS)
    elif kind in ("money", "rent"):
        points = 8
    elif kind == "property":
        points = 10 if "bedrooms" in value else 6
    elif kind == "yes_no":
        # Only whether another agent is at work tells something by its yes or no.
        points = (-10 if value else 12) if slot == "has_agent" else 4
    else:
        points = 4 if kind == "text" else 2
    return Factor(slot, answer_text(kind, value), points, str(answer.get("said", "")))


def _talk_factors(notes: Notes) -> list[Factor]:
    """Return what the talk itself is worth: engagement, objections, refusals, an appointment."""
    signals = notes.signals
    factors = []
    answered = sum(1 for answer in notes.answers.values() if not answer.get("earlier"))
    if answered:
        factors.append(Factor("engagement", f"{answered} answers", min(10, 2 * answered)))
    recovered = set(signals.get("objections_recovered", ()))
    open_ones = [key for key in signals.get("objections", ()) if key not in recovered]
    if open_ones:
        names = ", ".join(key.replace("_", " ") for key in open_ones)
        factors.append(Factor("objections", names, max(-15, -5 * len(open_ones))))
    if signals.get("hostile"):
        factors.append(Factor("hostile", "yes", -20))
    if notes.outcome == "appointment":
        factors.append(Factor("appointment", str(signals.get("appointment") or "booked"), 15))
    elif notes.outcome == "callback":
        factors.append(Factor("callback", str(signals.get("callback_at") or "asked for"), 8))
    return factors
