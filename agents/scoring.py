"""A lead's score after a call: 0-100, the sum of factors that each name their evidence.

Reproducible: the same notes give the same score, with or without a model; a model can only find
the words that say best what a factor is about. A change of the rules changes `VERSION`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from agents.interface import Notes
from agents.spoken import answer_text

VERSION = "rules-2"

MOST_POINTS: Mapping[str, int] = {
    "motivation": 20,
    "timeframe": 25,
    "price_or_budget": 12,
    "authority": 12,
    "property_fit": 12,
    "engagement": 10,
    "appointment": 15,
}
"""What a score is made of, and the most that each part gives, however many answers tell of it."""

_STRENGTH_POINTS = {3: 20, 2: 14, 1: 8, 0: 3}
_MONTHS_POINTS = ((1, 25), (3, 22), (6, 15), (12, 8))
_FAR_POINTS = 2
_AGAINST = -10
"""An answer that speaks against the lead: another agent at work, no longer moving."""
_CEILINGS = {"not_interested": 10, "wrong_number": 0, "do_not_call": 0, "language": 0}
"""Outcomes after which no answer makes a lead warm."""

_SUBJECT_WORDS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("authority", ("agent", "owner", "decide", "decision", "spouse", "title")),
    ("motivation", ("motivation", "reason", "why", "still", "held", "to_sell")),
    ("timeframe", ("time", "when", "move_in", "soon", "free_from")),
    ("price_or_budget", ("price", "budget", "rent", "financ", "lender", "cash", "deposit")),
)
_SUBJECT_TYPES = {
    "choice": "motivation",
    "months": "timeframe",
    "money": "price_or_budget",
    "rent": "price_or_budget",
}


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
    factors = [*_answer_factors(notes.answers), *_talk_factors(notes)]
    total = max(0, min(100, sum(factor.points for factor in factors)))
    ceiling = _CEILINGS.get(notes.outcome)
    if ceiling is not None and total > ceiling:
        factors.append(Factor("outcome", notes.outcome.replace("_", " "), ceiling - total))
        total = ceiling
    factors.sort(key=lambda factor: (-factor.points, factor.name))
    return Score(total, VERSION, tuple(factors))


def with_turns(factors: Iterable[Factor], turns: Iterable[tuple[int, str]]) -> tuple[Factor, ...]:
    """Return the factors with the index of the turn that holds their evidence.

    Args:
        turns: index and words of the lead's turns.
    """
    said = [(index, _plain(words)) for index, words in turns]

    def where(evidence: str) -> int | None:
        wanted = _plain(evidence)
        return next((index for index, words in said if wanted and wanted in words), None)

    return tuple(replace(factor, turn_index=where(factor.evidence)) for factor in factors)


def subject_of(slot: str, kind: str) -> str:
    """Return what an answer tells of: one of `MOST_POINTS`, by the name of its slot or its type."""
    for subject, words in _SUBJECT_WORDS:
        if any(word in slot for word in words):
            return subject
    return _SUBJECT_TYPES.get(kind, "property_fit")


def _answer_factors(answers: Mapping[str, Mapping[str, Any]]) -> list[Factor]:
    """Return one factor for each subject that was answered, with the words that tell most."""
    by_subject: dict[str, list[tuple[int, str, str]]] = {}
    for slot, answer in sorted(answers.items()):
        kind = str(answer.get("type", ""))
        told = answer_text(kind, answer["value"])
        if kind == "yes_no":  # "yes" alone would not say what to
            told = f"{slot.replace('_', ' ')}: {told}"
        points = _answer_points(slot, kind, answer)
        told_by = by_subject.setdefault(subject_of(slot, kind), [])
        told_by.append((points, told, str(answer.get("said", ""))))
    factors = []
    for subject, told_by in by_subject.items():
        points = min(MOST_POINTS[subject], sum(points for points, _, _ in told_by))
        best = max(told_by, key=lambda each: abs(each[0]))
        factors.append(Factor(subject, "; ".join(told for _, told, _ in told_by), points, best[2]))
    return factors


def _answer_points(slot: str, kind: str, answer: Mapping[str, Any]) -> int:
    value = answer["value"]
    match kind:
        case "choice":
            return _STRENGTH_POINTS[min(3, int(answer.get("strength", 0)))]
        case "months":
            return next((won for most, won in _MONTHS_POINTS if value <= most), _FAR_POINTS)
        case "money" | "rent":
            return 8
        case "property":
            return 10 if "bedrooms" in value else 6
        case "yes_no":
            # Which of yes and no is good is the playbook's to say; of an agent, everybody knows.
            good = answer.get("good", not value if slot == "has_agent" else None)
            return 4 if good is None else 12 if good else _AGAINST
        case "text":
            return 4
    return 2


def _talk_factors(notes: Notes) -> list[Factor]:
    """Return what the talk itself is worth: engagement, objections, refusals, an appointment."""
    signals = notes.signals
    factors = []
    answered = sum(1 for answer in notes.answers.values() if not answer.get("earlier"))
    asked = int(signals.get("questions_asked", 0))
    if answered or asked:
        told = f"{answered} answers" + (f", {asked} questions" if asked else "")
        factors.append(Factor("engagement", told, min(10, 2 * answered + asked)))
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


def _plain(text: str) -> str:
    return " ".join(text.casefold().split())
