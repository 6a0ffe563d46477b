"""The objection handler: answers once, re-engages once, and respects a second refusal."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Literal

from langgraph.runtime import Runtime
from langgraph.types import Command

from agents.graph import closer
from agents.graph.lines import question_again, say
from agents.graph.state import STOP, Setting, State, Talk
from agents.interface import Item
from agents.playbook import Objection
from agents.understanding import Intent, Reading

AGENT = "objections"
REFUSAL = "not_interested"
Next = Literal["qualifier", "scheduler", "__end__"]
MOST_OBJECTIONS = 5
MOST_TIMES = 2
"""An objection that comes a third time is taken for a no."""


async def objections(state: State, runtime: Runtime[Setting]) -> Command[Next]:
    """Answer an objection, or take up the answer to the re-engagement."""
    talk, reading, setting, items = (
        state["talk"],
        state["reading"],
        runtime.context,
        state["items"],
    )
    if reading is None:
        return Command(goto=STOP)
    talk = replace(talk, human_heard=True)
    objection = _objection(talk, reading, setting)
    if objection is None and talk.expecting.startswith("reengage."):
        return _reengaged(talk, reading, setting)
    if objection is None:
        return _closed(*closer.not_interested(talk, setting, "refuses"))
    refuses = objection.refusal or reading.has(Intent.NOT_INTERESTED)
    if refuses and talk.expecting.startswith("reengage."):
        return _closed(*closer.not_interested(talk, setting, "refuses the re-engagement"))
    if refuses:
        talk = replace(talk, refusals=talk.refusals + 1)
    times = talk.objections.count(objection.key)
    if 0 < times < MOST_TIMES and not refuses:
        return _answered_again(talk, objection, setting, items)
    if times or talk.refusals > 1 or len(talk.objections) >= MOST_OBJECTIONS:
        return _closed(*closer.not_interested(talk, setting, "a second refusal"))
    return _answered(talk, objection, setting, items)


def _objection(talk: Talk, reading: Reading, setting: Setting) -> Objection | None:
    """Return the objection raised in this turn, if one is."""
    script = setting.script
    if reading.intents.get(Intent.NOT_INTERESTED, 0.0) >= 0.5:
        specific = script.objection(reading.objection) if reading.objection else None
        if specific and specific.key not in talk.objections:
            return specific
        return script.objection(REFUSAL)
    if reading.objection:
        return script.objection(reading.objection)
    key = objection_answered(talk, setting)
    return script.objection(key) if key else None


def objection_answered(talk: Talk, setting: Setting) -> str:
    """Return the objection that an answer of this turn is, asked for or not; "" if none is."""
    for question in setting.script.questions:
        answer = talk.answers.get(question.slot)
        if answer and answer.get("turn") == talk.turn and not answer.get("earlier"):
            key = question.objection_for(answer["value"])
            if key and key not in talk.objections:
                return key
    return ""


def _answered(
    talk: Talk, objection: Objection, setting: Setting, items: tuple[Item, ...]
) -> Command[Next]:
    key = objection.key
    lines = [say(line, f"objection.{key}", AGENT, setting) for line in objection.answer]
    lines.append(say(objection.reengage, f"reengage.{key}", AGENT, setting))
    stage = "qualify" if talk.stage in ("greet", "callback") else talk.stage
    talk = replace(
        talk, objections=(*talk.objections, key), expecting=f"reengage.{key}", stage=stage
    )
    evidence = {**talk.signals.get("objected_in", {}), key: talk.turn}
    talk = talk.signal("objected_in", evidence).step(AGENT, f"answers {key}")
    return Command(goto=STOP, update={"talk": talk, "items": (*items, *lines)})


def _answered_again(
    talk: Talk, objection: Objection, setting: Setting, items: tuple[Item, ...]
) -> Command[Next]:
    """Say the point of the answer once more, and go on: it was no refusal then either."""
    point = objection.answer[-1]
    lines = (say(point, f"objection.{objection.key}", AGENT, setting),)
    talk = replace(talk, objections=(*talk.objections, objection.key))
    talk = talk.step(AGENT, f"answers {objection.key} again")
    if talk.stage == "schedule":
        again = question_again(talk, setting)
        return Command(goto=STOP, update={"talk": talk, "items": (*items, *lines, *again)})
    update = {"talk": talk, "items": (*items, *lines), "reading": None}
    return Command(goto="qualifier", update=update)


def _reengaged(talk: Talk, reading: Reading, setting: Setting) -> Command[Next]:
    """Go on where the talk was, unless the lead says no."""
    key = talk.expecting.partition(".")[2]
    # "No, that's okay" agrees to a question of the hour, and declines an offer.
    declines = re.match(r"(no|nope|nah)\b(?! (problem|worries|why not))", reading.words)
    if (reading.has(Intent.NO) or declines) and not reading.answers:
        talk = replace(talk, refusals=talk.refusals + 1)
        return _closed(*closer.not_interested(talk, setting, f"no after {key}"))
    wants_later = reading.has(Intent.BUSY) or reading.has(Intent.CALLBACK)
    if wants_later and not reading.answers:
        talk = replace(talk, expecting="", stage="callback")
        return Command(goto="scheduler", update={"talk": talk})
    talk = replace(talk, recovered=(*talk.recovered, key))
    goto: Next = "scheduler" if talk.stage == "schedule" else "qualifier"
    talk = replace(talk, expecting="").step(AGENT, f"{key} is settled, goes on")
    return Command(goto=goto, update={"talk": talk})


def _closed(talk: Talk, items: tuple[Item, ...]) -> Command[Next]:
    return Command(goto=STOP, update={"talk": talk, "items": items})
