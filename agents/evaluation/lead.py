"""A simulated lead: reacts to what the agent speaks about, and to nothing else."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from agents.evaluation.scenario import Scenario
from agents.interface import Event, KeyPress, MachineAnswered, Say, Silence, Unheard, Utterance

# Short names for the topics that most leads have something to say to.
SHORT: Mapping[str, tuple[str, ...]] = {
    "greet": ("greet", "clarify.greet"),
    "offer": ("offer_slot", "clarify.offer_slot"),
    "confirm": ("confirm_slot",),
    "callback": ("callback.ask", "clarify.callback"),
    "callback_confirm": ("callback.confirm",),
    "keep": ("appointment.keep",),
    "change": ("appointment.change",),
    "cancel": ("appointment.cancel",),
    "rebook": ("appointment.rebook",),
    "still_so": ("recall.*",),
    "reengage": ("reengage.*",),
}
FIRST, ANYTHING = "first", "anything"
"""What is said to the opening, whatever it was; and to whatever else nothing was written for."""
_UNPREPARED = "sorry i am not sure"
_HANG_UP = "(hangs up)"
_SPECIAL = re.compile(r"^\[([0-9*#])\]$")
_NOT_ASKED = frozenset(
    {"ack", "disclosure", "hold", "reprompt", "not_understood", "booking", "recording.stopped"}
)


@dataclass
class SimulatedLead:
    """Answers by the topic that the agent ended with, each rule's lines in their order."""

    scenario: Scenario

    def __post_init__(self) -> None:
        self._used: dict[str, int] = {}
        self._silences = 0
        self.last_rule = ""

    def answer(self, lines: Sequence[Say]) -> Event | None:
        """Return what the lead does after the agent's turn; None hangs up."""
        words = self._words(lines)
        if words == _HANG_UP:
            return None
        if words == "(silence)":
            self._silences += 1
            return Silence(self._silences)
        self._silences = 0
        if words == "(nothing heard)":
            return Unheard()
        if words.startswith("(machine"):
            return MachineAnswered(beep="beep" in words)
        if key := _SPECIAL.match(words):
            return KeyPress(key[1])
        return Utterance(words)

    def _words(self, lines: Sequence[Say]) -> str:
        says = self.scenario.says
        if FIRST in says and FIRST not in self._used:
            return self._line(FIRST)
        # The last topic is what is asked; then what stood before it.
        for line in reversed(lines):
            if line.topic in _NOT_ASKED and len(lines) > 1:
                continue
            if (rule := self._rule(line.topic)) is not None:
                return self._line(rule)
        return self._line(ANYTHING) if ANYTHING in says else _UNPREPARED

    def _rule(self, topic: str) -> str | None:
        """Return the rule for a topic: its own name first, then a short name, then a pattern."""
        slot = topic.partition(".")[2]
        says = self.scenario.says
        if topic in says:
            return topic
        if topic.startswith(("ask.", "clarify.")) and slot in says:
            return slot
        for name in says:
            patterns = SHORT.get(name, (name,))
            if any(fnmatchcase(topic, pattern) for pattern in patterns):
                return name
        return None

    def _line(self, rule: str) -> str:
        used = self._used.get(rule, 0)
        self._used[rule] = used + 1
        self.last_rule = rule
        lines = self.scenario.says[rule]
        return lines[min(used, len(lines) - 1)]
