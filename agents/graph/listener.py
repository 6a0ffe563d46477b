"""The listener: understands a turn, and keeps every answer in it with the words that gave it."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Any, Literal

from langgraph.runtime import Runtime
from langgraph.types import Command

from agents.graph.state import Setting, State, Talk
from agents.interface import Utterance
from agents.understanding import Context, Intent, Reading
from agents.understanding.spelled import contact_in


async def listener(state: State, runtime: Runtime[Setting]) -> Command[Literal["supervisor"]]:
    """Understand what was said and keep every answer in it, whoever takes the turn."""
    event, talk, setting = state["event"], state["talk"], runtime.context
    if not isinstance(event, Utterance):
        return Command(goto="supervisor", update={"reading": None})
    brief = setting.brief
    reading = await setting.reader.read(
        event.text,
        Context(
            script=brief.script,
            now=brief.now,
            zone=setting.zone,
            expecting=talk.expecting,
            offered=talk.offered,
            last_answered=talk.last_answered,
            answers=talk.values,
            first_name=brief.lead_first_name,
            appointment=brief.appointment.slot if brief.appointment else None,
        ),
    )
    if given := contact_in(event.text):
        told = {name: value for name, value in asdict(given).items() if value}
        talk = talk.signal("contact", {**talk.signals.get("contact", {}), **told})
    talk = talk.signal("words", talk.signals.get("words", 0) + len(event.text.split()))
    return Command(
        goto="supervisor",
        update={"talk": _answers_kept(talk, reading, event.text, setting), "reading": reading},
    )


def _answers_kept(talk: Talk, reading: Reading, said: str, setting: Setting) -> Talk:
    """Return the talk with the turn's answers, each with the lead's own words as evidence."""
    if reading.has(Intent.MACHINE) or reading.has(Intent.WRONG_NUMBER):
        return talk
    answers = dict(talk.answers)
    last = talk.last_answered
    asked = talk.expecting.partition(".")[2]
    for slot, answer in reading.answers.items():
        known = answers.get(slot)
        if (
            known
            and known["confidence"] > answer.confidence
            and not (reading.has(Intent.CORRECTION) or known.get("earlier") or slot == asked)
        ):
            continue
        value = answer.value
        if isinstance(value, dict) and known and isinstance(known["value"], dict):
            value = {**known["value"], **value}
        question = setting.script.question(slot)
        kept: dict[str, Any] = {
            "value": value,
            "said": said,
            "turn": talk.turn,
            "type": question.type,
            "confidence": answer.confidence,
            "strength": answer.strength,
        }
        if question.type == "yes_no" and (question.objection_on_yes or question.objection_on_no):
            kept["good"] = value is not bool(question.objection_on_yes)
        answers[slot] = kept
        last = slot
    heard = talk.human_heard or bool(reading.answers)
    return replace(talk, answers=answers, last_answered=last, human_heard=heard)
