"""The supervisor: settles what ends a call or only holds it up, and gives every other turn to the
agent it is for."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Literal

from langgraph.runtime import Runtime
from langgraph.types import Command

from agents.graph import closer, intake, machines, transfers
from agents.graph.lines import disclosure, question_again, say
from agents.graph.persons import somebody_else
from agents.graph.state import STOP, Opening, Setting, State, Talk, lead_words
from agents.graph.whose_turn import SURE, agent_for, gives_a_reason, told_by_the_way
from agents.interface import (
    Action,
    ActionDone,
    ForeignLanguage,
    Item,
    KeyPress,
    Silence,
    Unheard,
)
from agents.understanding import Intent
from agents.understanding.machines import Machine, machine_in

AGENT = "supervisor"
Agents = Literal["greeter", "qualifier", "objections", "scheduler", "answerer", "__end__"]
MOST_REPEATS = 2
MOST_UNHEARD = 3
MOST_AWAITED = 3
"""Turns of the lead after which no word of a booking under way is expected any more."""


async def supervisor(state: State, runtime: Runtime[Setting]) -> Command[Agents]:
    """Give the turn to an agent. What ends the call or only holds it up is settled here."""
    talk, event, reading, setting = (
        state["talk"],
        state["event"],
        state["reading"],
        runtime.context,
    )
    items = state["items"]
    if isinstance(event, ActionDone) and event.action is Action.TRANSFER:
        return _closed(*transfers.nobody_took_it(talk, setting))
    if isinstance(event, ActionDone):
        return _to("scheduler", talk, f"{event.action} {'done' if event.ok else 'failed'}")
    if transfers.is_waiting(talk):
        return _closed(*transfers.waited(talk, event, setting))
    if isinstance(event, Silence):
        return _silence(talk, event, setting, items)
    if isinstance(event, ForeignLanguage):
        return _closed(*closer.other_language(talk, setting, event.language))
    if isinstance(event, Unheard):
        return _unheard(talk, setting, items)
    if isinstance(event, KeyPress):
        if talk.expecting.endswith("offer_slot") and event.digit in ("1", "2"):
            return _to("scheduler", talk, f"key {event.digit}")
        return Command(goto=STOP, update={"talk": talk.step(AGENT, "a key without meaning here")})
    if talk.expecting == "booking":
        return _booking_awaited(talk, setting)
    if reading is None:
        return Command(goto=STOP)
    if not talk.human_heard:
        machine = machine_in(lead_words(event))
        if machine is None and reading.has(Intent.MACHINE):
            machine = Machine.VOICEMAIL
        if machine is not None:
            return _closed(*machines.answered(talk, machine, setting))
        if machines.is_screened(talk):
            # Whoever speaks now has heard nothing: the call begins here.
            update = {"talk": machines.came_through(talk), "event": Opening()}
            return Command(goto="greeter", update={**update, "items": disclosure(setting)})
    if (
        reading.language and reading.language not in setting.script.languages
    ) and not reading.answers:
        return _closed(*closer.other_language(talk, setting, reading.language))
    if said := somebody_else(talk, reading, setting):
        talk, lines = said
        return _closed(talk, lines if talk.ended else (*items, *lines))
    sure = talk.stage == "greet" and reading.intents.get(Intent.WRONG_NUMBER, 0.0) >= SURE
    if sure or (reading.has(Intent.WRONG_NUMBER) and not reading.answers):
        return _closed(*closer.wrong_number(talk, setting))
    has_sold = reading.has(Intent.SOLD) and not reading.objection
    if has_sold and talk.stage == "greet" and not gives_a_reason(reading, setting):
        return _closed(*closer.not_interested(talk, setting, "has sold already"))
    if reading.has(Intent.HOSTILE):
        talk = talk.signal("hostile", True)
        return _closed(*closer.not_interested(talk, setting, "the lead is hostile"))
    if talk.signals.get("recording_stopped") and not talk.signals.get("recording_noted"):
        talk = talk.signal("recording_noted", True)
        if not reading.answers:
            again = (*items, *question_again(talk, setting))
            return Command(goto=STOP, update={"talk": talk, "items": again})
    if reading.has(Intent.REPEAT) and not reading.answers and talk.tried("repeat") < MOST_REPEATS:
        return _repeated(talk, setting, items)
    if reading.has(Intent.HOLD):
        hold = say(setting.script.hold, "hold", AGENT, setting)
        talk = talk.step(AGENT, "the lead asks for a moment")
        return Command(goto=STOP, update={"talk": talk, "items": (*items, hold)})
    if intake.is_open(talk) and not reading.human and not reading.fact:
        talk, lines, known = intake.answered(talk, lead_words(event), setting)
        update = {"talk": talk, "items": (*items, *lines), "reading": None if known else reading}
        return Command(goto="qualifier" if known else STOP, update=update)
    if reading.human and transfers.may_be_tried(talk, setting):
        return _closed(*transfers.requested(talk, setting, items))
    told = told_by_the_way(talk, reading, setting)
    agent, why = agent_for(talk, reading, setting)
    return _to(agent, talk, why, (*items, *told))


def _booking_awaited(talk: Talk, setting: Setting) -> Command[Agents]:
    """Wait for what becomes of a booking, but not for ever: should its news be lost, a person
    will be in touch."""
    tried = talk.tried("booking")
    if tried >= MOST_AWAITED:
        return _closed(*closer.without_appointment(talk, setting, "no news of the booking"))
    tries = {**talk.tries, "booking": tried + 1}
    talk = replace(talk, tries=tries).step(AGENT, "waits for the booking")
    return Command(goto=STOP, update={"talk": talk})


def _repeated(talk: Talk, setting: Setting, items: tuple[Item, ...]) -> Command[Agents]:
    said = tuple(
        line for line in talk.last.lines if line.topic not in ("disclosure", "ack", "hold")
    ) or question_again(talk, setting)
    tries = {**talk.tries, "repeat": talk.tried("repeat") + 1}
    talk = replace(talk, tries=tries).step(AGENT, "asked to repeat")
    return Command(goto=STOP, update={"talk": talk, "items": (*items, *said)})


def _silence(
    talk: Talk, event: Silence, setting: Setting, items: tuple[Item, ...]
) -> Command[Agents]:
    """Ask again, each time differently, then end politely."""
    if machines.is_screened(talk) and not talk.machine_heard:
        return _closed(*machines.still_screened(talk, setting, event.count))
    if talk.machine_heard and not talk.human_heard:
        return _closed(*closer.voicemail(talk, setting, beep=True))
    talk = talk.counted("silences")
    reprompts = setting.script.reprompts
    if event.count > len(reprompts):
        return _closed(*closer.in_silence(talk, setting))
    line = say(reprompts[event.count - 1], "reprompt", AGENT, setting)
    again = question_again(talk, setting)
    talk = talk.step(AGENT, f"silence, {event.count} in a row")
    return Command(goto=STOP, update={"talk": talk, "items": (*items, line, *again)})


def _unheard(talk: Talk, setting: Setting, items: tuple[Item, ...]) -> Command[Agents]:
    """Ask for it again; where nothing can be heard at all, end politely."""
    if talk.expecting == "booking":
        return Command(goto=STOP, update={"talk": talk.step(AGENT, "waits for the booking")})
    tried = talk.tried("unheard")
    if tried >= MOST_UNHEARD:
        return _closed(*closer.in_silence(talk, setting))
    talk = replace(talk, tries={**talk.tries, "unheard": tried + 1}).step(AGENT, "not heard")
    line = say(setting.script.not_understood, "reprompt", AGENT, setting)
    return Command(
        goto=STOP, update={"talk": talk, "items": (*items, line, *question_again(talk, setting))}
    )


def _to(
    agent: Agents, talk: Talk, why: str, items: tuple[Item, ...] | None = None
) -> Command[Agents]:
    update: dict[str, Any] = {"talk": talk.step(AGENT, why)}
    return Command(goto=agent, update=update if items is None else {**update, "items": items})


def _closed(talk: Talk, items: tuple[Item, ...]) -> Command[Agents]:
    return Command(goto=STOP, update={"talk": talk, "items": items})
