"""What a conversation asks of a language model, if it has one. Rules come first, always."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Protocol

from agents.understanding import Reader


@dataclass(frozen=True, slots=True)
class Asked:
    """A question of the lead's that the playbook does not answer, and what it is asked in."""

    words: str
    known: Mapping[str, Any]
    """Slot -> value, as understood so far."""
    said: tuple[tuple[str, str], ...] = ()
    """(speaker, words) of the last turns, oldest first."""
    began: float = 0.0
    """When thinking about the turn began, by `time.monotonic`."""


@dataclass(frozen=True, slots=True)
class ModelUse:
    """What one request used. Estimated where the host did not live to tell."""

    provider: str
    model: str
    input_tokens: int
    output_tokens: int
    gpu_seconds: Decimal


class CallModel(Protocol):
    """One call's language model. It never raises: what cannot be had is simply not given."""

    @property
    def reader(self) -> Reader:
        """Understands a turn: by rules, and by the model where those are unsure."""

    def begin(self) -> None:
        """Get ready, in the background: the call has begun."""

    def answer(self, asked: Asked) -> AsyncIterator[str]:
        """Give an answer in clauses fit to be spoken, each as soon as it is known and checked.

        Nothing at all if there is none in time. Closing the iterator stops the model.
        """

    def used(self) -> Sequence[ModelUse]:
        """Return what was used since last asked, taken-back requests included."""

    async def close(self) -> None:
        """Stop what still runs. Safe to call twice."""


@dataclass(frozen=True, slots=True)
class Review:
    """A finished call as a model sees it, as far as the call bears it out.

    Empty where the template has to do.
    """

    sentiment: str = ""
    situation: str = ""
    mood: str = ""
    next_step: str = ""
    evidence: Mapping[str, str] = field(default_factory=dict)
    """Factor of the score -> the lead's own words."""
    model: str = ""
