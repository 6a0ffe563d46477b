"""What a talk knows between turns. Never changed in place, so a fork costs nothing to drop."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Final, Literal, TypedDict
from uuid import UUID
from zoneinfo import ZoneInfo

from agents.interface import Brief, Event, Item, Say, Slot, Utterance
from agents.model import CallModel
from agents.playbook import Script
from agents.understanding import Reader, Reading, RuleReader
from agents.understanding.wish import Wish

STOP: Final[Literal["__end__"]] = "__end__"
"""LangGraph's name for the end of a turn, in a form its types accept."""
MOST_STEPS = 200
MOST_LINES = 60


@dataclass(frozen=True, slots=True)
class Opening:
    """The line is open: the agent speaks first."""


@dataclass(frozen=True, slots=True)
class Step:
    """One transition: which agent took the turn, and why."""

    turn: int
    agent: str
    why: str


@dataclass(frozen=True, slots=True)
class Reply:
    """What the agent said last, and what the lead heard of it (None: all of it)."""

    lines: tuple[Say, ...] = ()
    heard: str | None = None

    def unheard(self) -> tuple[Say, ...]:
        """Return the lines that were not heard to their end, in order."""
        if self.heard is None:
            return ()
        left = len(self.heard.split())
        for number, line in enumerate(self.lines):
            left -= len(line.text.split())
            if left < 0:
                return self.lines[number:]
        return ()


@dataclass(frozen=True, slots=True)
class Talk:
    """One call's talk so far. Plain values, all of them immutable or never changed."""

    turn: int = 0
    """How many turns the lead has had."""
    stage: str = "greet"
    """Where the talk goes on after a detour: greet, qualify, schedule or callback."""
    expecting: str = ""
    """The topic of the question that is open."""
    answers: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    last_answered: str = ""
    skipped: frozenset[str] = frozenset()
    tries: Mapping[str, int] = field(default_factory=dict)
    """How often each question was put."""
    objections: tuple[str, ...] = ()
    recovered: tuple[str, ...] = ()
    refusals: int = 0
    offered: tuple[Slot, ...] = ()
    gone: frozenset[Slot] = frozenset()
    """Slots that were refused or taken."""
    offers: int = 0
    wish: Wish = field(default_factory=Wish)
    """What the lead has said would suit, over all turns."""
    moving: bool = False
    """The times on offer are for the appointment that the lead has."""
    chosen: Slot | None = None
    booked: Slot | None = None
    callback_at: datetime | None = None
    callback_set: bool = False
    outcome: str = ""
    ended: bool = False
    opted_out: bool = False
    human_heard: bool = False
    machine_heard: bool = False
    last: Reply = Reply()
    due: tuple[Say, ...] = ()
    """Sentences of the disclosure that were cut off and have to be said yet."""
    signals: Mapping[str, Any] = field(default_factory=dict)
    steps: tuple[Step, ...] = ()
    transcript: tuple[tuple[str, str], ...] = ()
    """(speaker, words) of the last turns; the agent's words only as far as they were heard."""

    @property
    def values(self) -> dict[str, Any]:
        """Slot -> value, as known so far."""
        return {slot: answer["value"] for slot, answer in self.answers.items()}

    def tried(self, topic: str) -> int:
        """Return how often a question was put."""
        return self.tries.get(topic, 0)

    def signal(self, name: str, value: Any) -> Talk:
        """Return the talk with one signal set."""
        return replace(self, signals={**self.signals, name: value})

    def counted(self, name: str) -> Talk:
        """Return the talk with one signal counted up."""
        return self.signal(name, self.signals.get(name, 0) + 1)

    def step(self, agent: str, why: str) -> Talk:
        """Return the talk with a transition noted, in words."""
        step = Step(self.turn, agent, why.replace("_", " "))
        return replace(self, steps=(*self.steps, step)[-MOST_STEPS:])


@dataclass(frozen=True, slots=True)
class Setting:
    """What does not change during a call: passed to every node, not part of the state."""

    brief: Brief
    zone: ZoneInfo
    reader: Reader
    model: CallModel | None = None

    @property
    def script(self) -> Script:
        """The playbook's script of this call."""
        return self.brief.script


def setting_with_nobody(script: Script, business_name: str) -> Setting:
    """Return the setting of a call with nobody: for lines that are the same on every call."""
    brief = Brief(
        call_id=UUID(int=0),
        script=script,
        business_name=business_name,
        lead_first_name="",
        lead_time_zone="UTC",
        recorded=True,
        now=datetime(2000, 1, 1, tzinfo=UTC),
    )
    return Setting(brief=brief, zone=ZoneInfo("UTC"), reader=RuleReader())


@dataclass(frozen=True, slots=True)
class Unanswered:
    """A question that is left to the model. Its answer comes before the item `before`.

    `instead` is said when the model gives none.
    """

    words: str
    instead: tuple[Say, ...]
    before: int


class State(TypedDict):
    """What flows through the graph in one turn."""

    talk: Talk
    event: Event | Opening
    reading: Reading | None
    items: tuple[Item, ...]
    unanswered: Unanswered | None


def fresh(brief: Brief) -> Talk:
    """Return the talk at the start of a call, with what earlier calls with this lead left."""
    earlier = brief.memory.get("answers") or {}
    slots = {question.slot for question in brief.script.questions}
    answers = {
        slot: {**answer, "earlier": True}
        for slot, answer in earlier.items()
        if slot in slots and isinstance(answer, Mapping) and "value" in answer
    }
    return Talk(answers=answers)


def hearing_settled(talk: Talk) -> Talk:
    """Return the talk with what was not heard of the last reply taken back.

    Cut-off sentences of the disclosure become due; a question of which no word was heard counts
    as not put.
    """
    unheard = talk.last.unheard()
    if not talk.last.lines:
        return talk
    cut_off = (line for line in unheard if line.topic == "disclosure")
    due = tuple(dict.fromkeys((*talk.due, *cut_off)))
    tries = dict(talk.tries)
    for line in unheard[1:]:
        if line.topic == talk.expecting and tries.get(line.topic, 0) > 0:
            tries[line.topic] -= 1
    return replace(talk, due=due, tries=tries)


def heard_words(reply: Reply) -> str:
    """Return the words of a reply that reached the lead."""
    if reply.heard is not None:
        return reply.heard
    return " ".join(line.text for line in reply.lines)


def lead_words(event: Event | Opening) -> str:
    """Return the lead's words of an event, if it has any."""
    return event.text if isinstance(event, Utterance) else ""
