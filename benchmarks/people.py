"""Callers who pause in mid-sentence, break in, cough and murmur, in many voices."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from benchmarks import sounds
from benchmarks.sounds import RECORDED, Condition, Sound, Voice
from calls.simulator import g711
from calls.simulator.lead import SimulatedLead
from calls.simulator.persona import Persona, Rule

PAUSE_MS = (300.0, 900.0)
BREAK_IN_MS = (700, 2600)
"""How far into the agent's turn a caller breaks in."""
BETWEEN_NOISES_MS = (1200.0, 2200.0)
"""Agent's speech between two noises: long enough to tell what came of the first."""

# [] stands for a pause of random length. For an agent without marks, in this order.
PAUSING = {
    "greet": ("Yes, [] this is a good time.", "Well, [] I have a few minutes."),
    "motivation": (
        "We are moving [] to another state [] for a new job.",
        "Because we need [] more space for the children.",
    ),
    "timeframe": ("Maybe [] in about six months.", "Probably [] in two or [] three months."),
    "property": ("It is a house [] with three bedrooms.", "My house has [] four bedrooms."),
    "price": ("Around [] four hundred thousand dollars.", "We would like [] half a million."),
    "has_agent": ("No, [] we do not [] have an agent.", "Not yet, [] no."),
    "offer_slot": ("The first one [] works for me.", "I think [] the second one is better."),
    "confirm_slot": ("Yes, [] that is correct.",),
    "*": ("I am not sure [] what you mean.", "Could you say [] that again, please?"),
}
PAUSING_RECORDED = {
    "greet": ("Yes, this is a good time.",),
    "motivation": (
        "We are moving to another state, [] because we need more space for the children.",
        "We would like [] because we need more space for the children.",
    ),
    "timeframe": ("Maybe [] in about six months.", "Maybe [] in the next three months."),
    "property": ("My house has [] four bedrooms.",),
    "price": (
        "We would like [] around four hundred thousand dollars.",
        "We would like [] six hundred thousand dollars.",
    ),
    "has_agent": ("No, not yet.",),
    "offer_slot": ("Maybe [] the first one works.", "Maybe [] Tuesday is good for me."),
    "confirm_slot": ("Yes, that is correct.",),
    "*": ("Could you repeat that, please?",),
}
BREAKING_IN = (
    "Sorry, what is this about?",
    "Excuse me, who is this?",
    "Wait a minute, I have a question.",
    "How did you get my number?",
    "What is your commission?",
    "But we already spoke with somebody.",
    "Can you tell me the price?",
    "No, that is not what I meant.",
    "I would like to know more about your company.",
    "Listen, my wife takes care of that.",
)
BREAKING_IN_RECORDED = (
    "Sorry, what is this about?",
    "I think the commission is very high.",
    "We have been thinking about it.",
    "My house has four bedrooms.",
    "Sorry, could you say that again, please?",
    "We are moving to another state.",
)
ANSWERS = {
    "greet": ("Yes, this is a good time.",),
    "motivation": ("We are moving to another state.",),
    "timeframe": ("In the next three months.",),
    "property": ("It is a house with three bedrooms.",),
    "price": ("Around four hundred thousand dollars.",),
    "has_agent": ("No, I am not working with an agent.",),
    "offer_slot": ("The first one works.",),
    "confirm_slot": ("Yes, that is correct.",),
    "*": ("Could you repeat that, please?", "Okay, that sounds good."),
}

_PAUSE = re.compile(r"\[\]")


@dataclass(frozen=True)
class Span:
    """A stretch of the call, in ms since the line was answered, and what it was."""

    kind: str
    started_ms: float
    ended_ms: float


@dataclass
class Manner:
    """How one caller behaves besides answering.

    Attributes:
        voice: who speaks.
        condition: how the line carries it.
        disturb: returns a noise or a murmur to make while the agent speaks, and what it is.
    """

    voice: Voice
    condition: Condition
    disturb: Callable[[np.random.Generator], tuple[str, Sound]] | None = None
    name: str = field(init=False)

    def __post_init__(self) -> None:
        self.name = f"{self.voice.name}, {self.condition.name}"


class MeasuredPerson(SimulatedLead):
    """A simulated lead with a voice, a line and habits of its own, who keeps account of them."""

    def __init__(
        self,
        persona: Persona,
        manner: Manner,
        rng: np.random.Generator,
        *,
        press: Callable[[str], None],
        hang_up: Callable[[], None],
    ) -> None:
        self.manner = manner
        self.pauses: list[Span] = []
        self.disturbances: list[Span] = []
        self._rng = rng
        self._background = sounds.background(manner.condition, 20_000, rng)
        self._at = 0
        self._noise: Sound = np.zeros(0)
        self._agent_ms = 0.0
        self._next_noise_ms = float(rng.uniform(600, 1600))
        super().__init__(persona, press=press, hang_up=hang_up, sound_of=self._sound_of)

    def step(self, frame: bytes, *, audible_pending: bool = False, next_mark: str = "") -> bytes:
        """Hear 20 ms and return what the line carries meanwhile."""
        said = super().step(frame, audible_pending=audible_pending, next_mark=next_mark)
        if self.manner.disturb is not None:
            self._disturb(g711.is_audible(frame))
        size = g711.FRAME_BYTES
        mixed = g711.decode(said).astype(np.float64)
        mixed += np.take(self._background, range(self._at, self._at + size), mode="wrap")
        self._at += size
        noise, self._noise = self._noise[:size], self._noise[size:]
        mixed[: len(noise)] += noise
        return sounds.to_ulaw(mixed)

    def _disturb(self, agent_is_heard: bool) -> None:
        """Make a noise when the agent has spoken for a while, and this person does not."""
        if self.is_speaking or len(self._noise):
            return
        if agent_is_heard:
            self._agent_ms += g711.FRAME_MS
        if agent_is_heard and self._agent_ms >= self._next_noise_ms and self.manner.disturb:
            kind, sound = self.manner.disturb(self._rng)
            self._noise = sounds.onto_line(sound, self.manner.condition)
            length_ms = len(self._noise) * 1000 / sounds.RATE
            self.disturbances.append(Span(kind, self.now_ms, self.now_ms + length_ms))
            self._agent_ms, self._next_noise_ms = 0.0, float(self._rng.uniform(*BETWEEN_NOISES_MS))

    def _sound_of(self, line: str) -> bytes:
        """Return the sound of a line, and note where its pauses will be."""
        parts: list[Sound] = []
        at_ms = float(self.now_ms)
        texts = [text.strip() for text in _PAUSE.split(line)]
        for number, text in enumerate(texts):
            if number:
                length_ms = float(self._rng.uniform(*PAUSE_MS))
                parts.append(sounds.silence(length_ms))
                if any(texts[number:]):
                    self.pauses.append(Span(self.manner.name, at_ms, at_ms + length_ms))
                at_ms += length_ms
            if text:
                spoken = sounds.onto_line(self.manner.voice.say(text), self.manner.condition)
                parts.append(spoken)
                at_ms += len(spoken) * 1000 / sounds.RATE
        return sounds.to_ulaw(np.concatenate(parts))


def _rules(answers: dict[str, tuple[str, ...]], rng: np.random.Generator) -> list[Rule]:
    rules = []
    for topic, lines in answers.items():
        shuffled = tuple(str(line) for line in rng.permutation(np.array(lines)))
        patterns = ("*",) if topic == "*" else (topic, f"*.{topic}")
        rules.append(Rule(when=patterns, say=shuffled))
    return rules


def _script(answers: dict[str, tuple[str, ...]]) -> tuple[str, ...]:
    """Return the answers in the order in which an agent without marks asks."""
    return tuple(itertools.chain.from_iterable(lines[:1] for lines in answers.values()))


def _persona(rules: Sequence[Rule], script: Sequence[str]) -> Persona:
    return Persona(
        name="measured", about="", expected="", opening="", patience_ms=6000, most_turns=60,
        reaction_ms=350, rule=tuple(rules), script=tuple(script),
        fallback=("Could you repeat that, please?",),
    )  # fmt: skip


def who_pauses(voice: Voice, rng: np.random.Generator) -> Persona:
    """Return somebody who pauses in the middle of nearly every sentence."""
    answers = PAUSING_RECORDED if voice == RECORDED else PAUSING
    return _persona(_rules(answers, rng), _script(answers))


def who_breaks_in(voice: Voice, rng: np.random.Generator) -> Persona:
    """Return somebody who breaks into every turn of the agent that is long enough."""
    lines = BREAKING_IN_RECORDED if voice == RECORDED else BREAKING_IN
    said = [str(line) for _ in range(4) for line in rng.permutation(np.array(lines))]
    rules = [
        Rule(agent_turn=turn, interrupt_after_ms=int(rng.integers(*BREAK_IN_MS)), say=(line,))
        for turn, line in enumerate(said, 1)
    ]
    return _persona(rules, said)


def who_listens(voice: Voice, rng: np.random.Generator) -> Persona:
    """Return somebody who only answers."""
    return _persona(_rules(ANSWERS, rng), _script(ANSWERS))
