"""The demo's simulated leads and the shipped playbook, at text level: no audio, no clock."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from fnmatch import fnmatchcase
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest

from agents.conversation import Conversation
from agents.interface import (
    Action,
    ActionDone,
    Brief,
    Do,
    Event,
    KeyPress,
    MachineAnswered,
    Say,
    Silence,
    Slot,
    Utterance,
)
from agents.playbook import Script
from agents.services.playbooks import DATA
from calls.simulator.persona import Persona, load_persona, persona_names, segments

ZONE = ZoneInfo("America/New_York")
NOW = datetime(2026, 11, 23, 10, 0, tzinfo=ZONE)  # a Monday
# Who hangs up, colleagues who are rung, who wants one of them, and menus: not for text alone.
NOT_BY_TEXT = {"hangs_up", "wants_person", "rep_accepts", "rep_declines", "rep_ignores", "menu"}
SPOKEN_TO = [
    name
    for name in persona_names()
    if load_persona(name).answer == "human" and name not in NOT_BY_TEXT
]


def slot(day: int, hour: int) -> Slot:
    starts = datetime(2026, 11, day, hour, tzinfo=ZONE).astimezone(UTC)
    return Slot(7, "Dana", starts, starts + timedelta(minutes=30))


class Acting:
    """A persona that answers the topics of an agent's turn as the simulated lead does."""

    def __init__(self, persona: Persona) -> None:
        self.persona = persona
        self.uses: dict[int, int] = {}

    def answer(self, topics: list[str]) -> Event | None:
        for topic in reversed(topics):
            for number, rule in enumerate(self.persona.rule):
                if rule.agent_turn and not rule.when and not rule.press:
                    continue
                used = self.uses.get(number, 0)
                matches = rule.agent_turn or any(fnmatchcase(topic, each) for each in rule.when)
                if not matches or (rule.uses and used >= rule.uses):
                    continue
                self.uses[number] = used + 1
                if rule.press:
                    return KeyPress(rule.press)
                if rule.say:
                    line = rule.say[min(used, len(rule.say) - 1)]
                    words = " ".join(part for part in segments(line) if isinstance(part, str))
                    return Utterance(words.lower().replace(".", "").replace("?", ""))
                return None
        return None


async def talk(persona: Persona) -> tuple[str, list[Say | Do]]:
    """Let a persona and the agent talk until the agent hangs up."""
    script = Script.from_toml(DATA / "seller.toml")
    slots = (slot(24, 10), slot(25, 14), slot(27, 11), slot(30, 9))
    call = Conversation(
        Brief(uuid4(), script, "Sunrise Realty", "Maria", "America/New_York", True, NOW, slots)
    )
    acting = Acting(persona)
    everything: list[Say | Do] = []
    items = [item async for item in call.open()]
    silences = 0
    for _ in range(40):
        everything += items
        if any(isinstance(item, Do) and item.action is Action.HANG_UP for item in items):
            break
        if any(isinstance(item, Do) and item.reports_back for item in items):
            items = [item async for item in call.respond(ActionDone(Action.BOOK, True))]
            continue
        event = acting.answer([item.topic for item in items if isinstance(item, Say)])
        silences = silences + 1 if event is None else 0
        items = [item async for item in call.respond(event or Silence(silences))]
    return (await call.close()).outcome, everything


@pytest.mark.parametrize("name", SPOKEN_TO)
async def test_every_simulated_lead_gets_the_outcome_it_was_written_for(name: str) -> None:
    persona = load_persona(name)
    outcome, items = await talk(persona)
    assert outcome == persona.expected
    hang_ups = [item for item in items if isinstance(item, Do) and item.action is Action.HANG_UP]
    assert [item.args["outcome"] for item in hang_ups] == [persona.expected]


async def test_a_machine_gets_the_message_and_nothing_else() -> None:
    script = Script.from_toml(DATA / "seller.toml")
    call = Conversation(
        Brief(uuid4(), script, "Sunrise Realty", "Maria", "America/New_York", True, NOW)
    )
    _ = [item async for item in call.open()]
    greeting = load_persona("voicemail").greeting
    assert [item async for item in call.respond(Utterance(greeting))] == []
    items = [item async for item in call.respond(MachineAnswered(beep=True))]
    assert {item.topic for item in items if isinstance(item, Say)} == {"voicemail"}
    assert (await call.close()).outcome == "voicemail"
