"""Let a simulated lead and the agent talk by text, and keep all that was said and done."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from agents.evaluation.checks import Fault, faults_of
from agents.evaluation.lead import SimulatedLead
from agents.evaluation.scenario import Scenario
from agents.evaluation.world import World
from agents.interface import (
    Action,
    Do,
    Event,
    Filler,
    Item,
    KeyPress,
    MachineAnswered,
    Notes,
    Say,
    Silence,
    Unheard,
    Utterance,
)
from agents.playbook import Script

if TYPE_CHECKING:
    from agents.conversation import Conversation

MOST_TURNS = 45
SECONDS = 120.0
"""A scenario that takes longer hangs; it fails."""


@dataclass(frozen=True, slots=True)
class Turn:
    """One line of a talk's transcript."""

    speaker: str
    text: str
    topics: tuple[str, ...] = ()
    why: str = ""
    did: tuple[str, ...] = ()


@dataclass
class Talk:
    """A talk that was held: what was said, what was done, and what it left."""

    scenario: Scenario
    script: Script
    world: World
    turns: list[Turn] = field(default_factory=list)
    notes: Notes | None = None
    hang_ups: list[str] = field(default_factory=list)
    lead_hung_up: bool = False
    qualified_at: int | None = None
    """The lead's turn after which everything required was known."""

    @property
    def lead_turns(self) -> int:
        """How often the lead spoke."""
        return sum(1 for turn in self.turns if turn.speaker == "lead")

    @property
    def outcome(self) -> str:
        """What came of it."""
        return self.notes.outcome if self.notes else ""

    @property
    def said(self) -> str:
        """All the agent's words."""
        return " ".join(turn.text for turn in self.turns if turn.speaker == "agent")

    @property
    def topics(self) -> list[str]:
        """All the agent's topics, in order."""
        return [topic for turn in self.turns for topic in turn.topics]


@dataclass(frozen=True)
class Result:
    """A scenario's verdict: it passed if there are no faults."""

    talk: Talk
    faults: tuple[Fault, ...]

    @property
    def passed(self) -> bool:
        """Whether everything was as it should be."""
        return not self.faults


async def hold(scenario: Scenario, script: Script) -> Talk:
    """Let the scenario's lead and the agent talk to the end."""
    # LangGraph takes a second to load: every command would, as the admin's pages import this.
    from agents.conversation import Conversation

    world = World(scenario)
    talk = Talk(scenario, script, world)
    call = Conversation(world.brief(script))
    lead = SimulatedLead(scenario)
    says = await _heard(call.open(), talk, call)
    while len(talk.turns) < 2 * MOST_TURNS and not (talk.hang_ups or world.connected):
        event = lead.answer(says)
        if event is None:
            talk.lead_hung_up = True
            break
        talk.turns.append(Turn("lead", _in_words(event)))
        said = await _heard(call.respond(event), talk, call)
        says = said or says
        if talk.qualified_at is None and _is_qualified(call, script):
            talk.qualified_at = talk.lead_turns
    talk.notes = await call.close()
    return talk


async def _heard(items: AsyncIterator[Item], talk: Talk, call: Conversation) -> list[Say]:
    """Take what the agent says and does, and let the world answer what it waits for."""
    says: list[Say] = []
    did: list[str] = []
    done = None
    async for item in items:
        if isinstance(item, Filler):
            continue
        if isinstance(item, Say):
            says.append(item)
        elif isinstance(item, Do):
            did.append(str(item.action))
            if item.action is Action.HANG_UP:
                talk.hang_ups.append(str(item.args.get("outcome", "")))
            done = talk.world.do(item) or done
    if says or did:
        text = " ".join(say.text for say in says)
        topics = tuple(say.topic for say in says)
        why = says[-1].why if says else ""
        talk.turns.append(Turn("agent", text, topics, why, tuple(did)))
    if done is not None:
        says += await _heard(call.respond(done), talk, call)
    return says


def _is_qualified(call: Conversation, script: Script) -> bool:
    known = call.talk.values
    return all(each.slot in known for each in script.questions_for(known) if each.required)


def _in_words(event: Event) -> str:
    match event:
        case Utterance():
            return event.text
        case KeyPress():
            return f"[{event.digit}]"
        case Silence():
            return "(silence)"
        case Unheard():
            return "(nothing heard)"
        case MachineAnswered():
            return "(machine, with a beep)" if event.beep else "(machine)"
    return str(event)


async def judged(scenario: Scenario, script: Script) -> Result:
    """Hold a scenario's talk and judge it."""
    try:
        async with asyncio.timeout(SECONDS):
            talk = await hold(scenario, script)
    except TimeoutError:
        talk = Talk(scenario, script, World(scenario))
        return Result(talk, (Fault("broken", f"not over within {SECONDS:.0f} s"),))
    except Exception as error:
        talk = Talk(scenario, script, World(scenario))
        return Result(talk, (Fault("broken", f"{type(error).__name__}: {error}"),))
    return Result(talk, tuple(faults_of(talk)))


def evaluate(pairs: Iterable[tuple[Scenario, Script]]) -> list[Result]:
    """Hold and judge every scenario with its script, one after another."""

    async def all_of() -> list[Result]:
        return [await judged(scenario, script) for scenario, script in pairs]

    return asyncio.run(all_of())


def transcript_of(talk: Talk) -> list[dict[str, Any]]:
    """Return a talk's transcript as JSON can hold it."""
    return [
        {
            "speaker": turn.speaker,
            "text": turn.text,
            "topics": list(turn.topics),
            "why": turn.why,
            "did": list(turn.did),
        }
        for turn in talk.turns
    ]
