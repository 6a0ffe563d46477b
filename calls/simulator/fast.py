"""Many calls in little time: who answers and how is drawn by lot, and nobody takes their time.

Everything between the carrier and the application stays as it is: REST, TwiML, signed webhooks,
Media Streams. Faster are the people and the network, by `times`; and what people say is short
sound that carries its words (`calls.simulator.lettered`), for an application that can read it.
"""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass, field

from calls.simulator.persona import Persona, PersonaError, load_persona

OUTCOMES = {
    "no_answer": 22,
    "busy": 8,
    "failed": 5,
    "voicemail": 15,
    "not_interested": 15,
    "dnc_voice": 6,
    "dnc_key": 4,
    "hangs_up": 8,
    "wrong_number": 6,
    "callback_later": 6,
    "eager_seller": 5,
}
"""How often each persona answers, in parts; outbound sales calls mostly reach nobody."""

_HURRIED = ("ring_ms", "amd_ms", "opening_after_ms", "beep_after_ms")
LEAST_REACTION_MS = 250
"""Quicker than anybody, and slow enough not to be taken for somebody who goes on."""


@dataclass
class Fast:
    """Draws who answers each call, and hurries them.

    Attributes:
        seed: the same seed draws the same personas for the same numbers, call by call.
        times: how many times faster people and network are.
        outcomes: persona -> parts.
    """

    seed: int = 1
    times: float = 20.0
    outcomes: dict[str, int] = field(default_factory=lambda: dict(OUTCOMES))
    _calls: Counter[str] = field(default_factory=Counter)
    _people: dict[str, Persona] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.times < 1 or not self.outcomes or min(self.outcomes.values()) < 0:
            raise PersonaError("a fast carrier needs times >= 1, and outcomes with parts >= 0")

    def draw(self, number: str) -> str:
        """Return who answers the next call to a number."""
        self._calls[number] += 1
        lot = random.Random(f"{self.seed}:{number}:{self._calls[number]}")
        return lot.choices(list(self.outcomes), list(self.outcomes.values()))[0]

    def hurried(self, persona: Persona) -> Persona:
        """Return the person, in a hurry. Their patience with the agent stays what it was."""
        if persona.name not in self._people:
            self._people[persona.name] = self._hurry(persona)
        return self._people[persona.name]

    def _hurry(self, persona: Persona) -> Persona:
        changes: dict[str, object] = {
            name: round(getattr(persona, name) / self.times) for name in _HURRIED
        }
        changes["reaction_ms"] = max(LEAST_REACTION_MS, round(persona.reaction_ms / self.times))
        changes["rule"] = tuple(
            rule.model_copy(
                update={
                    "think_ms": round(rule.think_ms / self.times),
                    "interrupt_after_ms": _at_least_1(rule.interrupt_after_ms, self.times),
                }
            )
            for rule in persona.rule
        )
        return persona.model_copy(update=changes)

    def seconds(self, seconds: float) -> float:
        """Return how long something of the network takes."""
        return seconds / self.times


def _at_least_1(ms: int, times: float) -> int:
    """Return the hurried time; 0 means never, and stays so."""
    return max(1, round(ms / times)) if ms else 0


def outcomes_read(text: str) -> dict[str, int]:
    """Return the outcomes written as `no_answer=30,eager_seller=5`.

    Raises:
        PersonaError: a part is no whole number, or a persona does not exist.
    """
    outcomes: dict[str, int] = {}
    for item in text.split(","):
        name, _, parts = item.strip().partition("=")
        if not parts.isascii() or not parts.isdigit():
            raise PersonaError(f"write outcomes as no_answer=30,eager_seller=5, not {item!r}")
        load_persona(name)
        outcomes[name] = int(parts)
    return outcomes
