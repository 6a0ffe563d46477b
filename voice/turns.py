"""Whose turn is it? What words, voice and silence together say about the end of a turn.

Sound alone cannot tell a finished turn from a pause on a telephone line: the words decide, and a
wrong guess is made good by yielding at once (see `dialogue`). Pure: no clock, no audio, no frames.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from agents.playbook import TurnTaking
from voice.wording import is_closed, is_open, is_soft

CERTAIN = 0.8
"""Above this, Smart Turn is sure that the speaker has finished."""
DOUBTFUL = 0.15
"""Below this, Smart Turn is sure that the speaker goes on."""


PATIENT_CLOSED_MS = 250
"""Those who think aloud go on after a "yes", too."""
_FACTORS = {"quick": 0.75, "balanced": 1.0, "patient": 1.75}


@dataclass(frozen=True, slots=True)
class Patience:
    """How much silence ends a turn, in ms since the last voiced sample."""

    least_ms: int = 0
    """No turn is over before, however clear it is."""
    closed_ms: int = 0
    """A complete answer: taken as soon as the pause is noticed and the reply is ready."""
    likely_ms: int = 190
    """Understood, and the voice may have finished."""
    doubtful_ms: int = 320
    """Understood, but the voice sounded as if it went on."""
    unsure_ms: int = 620
    """Not understood as an answer yet."""
    soft_ms: int = 620
    """The last word seldom is one, but the voice sounded finished."""
    open_ms: int = 1200
    """The words say that more is coming."""

    @classmethod
    def of(cls, knobs: TurnTaking) -> Patience:
        """Return the patience that a playbook or campaign asks for."""
        plain, factor = cls(least_ms=knobs.least_gap_ms), _FACTORS[knobs.patience]
        if factor == 1.0:
            return plain
        waits = ("likely_ms", "doubtful_ms", "unsure_ms", "soft_ms", "open_ms")
        scaled = {name: round(getattr(plain, name) * factor) for name in waits}
        return replace(plain, closed_ms=PATIENT_CLOSED_MS if factor > 1 else 0, **scaled)


def silence_needed_ms(
    text: str,
    *,
    understood: bool | None,
    finished: float | None,
    patience: Patience,
    asked: str = "",
) -> int:
    """Return how long the caller has to be silent for the turn to be over.

    Args:
        text: the words of the turn so far.
        understood: whether the conversation knows what to make of them; None while it thinks.
        finished: how finished the voice sounded (Smart Turn), 0-1; None while unknown.
        patience: the knobs.
        asked: what kind of answer was asked for; see `is_closed`.
    """
    needed_ms = _needed_ms(text, understood, finished, patience, asked)
    return max(needed_ms, patience.least_ms)


def _needed_ms(
    text: str, understood: bool | None, finished: float | None, patience: Patience, asked: str
) -> int:
    if is_open(text):
        return patience.open_ms
    sounds_finished = (finished or 0.0) >= 0.5
    if is_closed(text, asked) and understood is not False:
        return patience.closed_ms
    if is_soft(text):
        certain = understood and (finished or 0.0) >= CERTAIN
        return patience.soft_ms if certain else patience.open_ms
    if understood is False:
        return patience.unsure_ms if sounds_finished else patience.open_ms
    if understood and finished is not None:
        if sounds_finished:
            return patience.closed_ms
        return patience.likely_ms if finished >= DOUBTFUL else patience.doubtful_ms
    if understood:
        return patience.likely_ms
    return patience.likely_ms if sounds_finished else patience.unsure_ms
