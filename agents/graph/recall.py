"""What a lead said on an earlier call, and whether it is still so. Asked once, of what changes."""

from __future__ import annotations

from dataclasses import replace

from agents.graph.lines import say, spoken_answer
from agents.graph.state import Setting, Talk
from agents.interface import Say
from agents.playbook import Question
from agents.understanding import Intent, Reading

AGENT = "qualifier"
KIND = "recall"
CHANGES = ("months", "money", "rent")
"""Kinds of answers that are worth asking again; who has four bedrooms has four bedrooms."""


def recalled(talk: Talk, setting: Setting) -> tuple[Talk, Say] | None:
    """Return the question whether an earlier answer still holds, if there is one to ask."""
    if talk.tried(KIND):
        return None
    question = _to_recall(talk, setting)
    if question is None:
        return None
    topic = f"{KIND}.{question.slot}"
    answer = spoken_answer(question.type, talk.answers[question.slot]["value"])
    line = say(setting.script.greeting.still_so, topic, AGENT, setting, values={"answer": answer})
    talk = replace(talk, expecting=topic, tries={**talk.tries, KIND: 1})
    return talk.step(AGENT, f"recalls {question.slot} of an earlier call"), line


def _to_recall(talk: Talk, setting: Setting) -> Question | None:
    for kind in CHANGES:
        for question in setting.script.questions:
            known = talk.answers.get(question.slot)
            if question.type == kind and known and known.get("earlier"):
                return question
    return None


def recall_answered(talk: Talk, reading: Reading) -> Talk:
    """Return the talk with the earlier answer confirmed, replaced, or open again."""
    slot = talk.expecting.partition(".")[2]
    known = talk.answers.get(slot)
    if known is None or not known.get("earlier"):
        return talk.step(AGENT, f"{slot} is different now")
    if reading.has(Intent.NO) and not reading.has(Intent.YES):
        answers = {name: answer for name, answer in talk.answers.items() if name != slot}
        return replace(talk, answers=answers).step(AGENT, f"{slot} holds no longer")
    return talk.step(AGENT, f"{slot} still holds")
