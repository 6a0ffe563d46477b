"""Whose turn it is: the rules by which what a lead says goes to one of the agents, and why."""

from __future__ import annotations

import re
from typing import Literal

from agents.graph.appointment import is_about_appointment
from agents.graph.greeter import MOST_TOLD, fact_lines, told_often
from agents.graph.lines import say
from agents.graph.state import Setting, Talk
from agents.interface import Item
from agents.understanding import Intent, Reading
from agents.understanding.answers import ASKS
from agents.understanding.questions import asks_question

Agent = Literal["greeter", "qualifier", "objections", "scheduler", "answerer"]
SURE = 0.9


def told_by_the_way(talk: Talk, reading: Reading, setting: Setting) -> tuple[Item, ...]:
    """Return the answer to what was asked along with an answer or a choice, which the turn goes
    on with: "a three bedroom house, and what do you charge?"."""
    chooses = _chooses(talk, reading)
    if not (chooses or reading.answers):
        return ()
    if reading.fact and ASKS.search(reading.words) and not told_often(talk, reading.fact):
        return fact_lines(talk, reading.fact, setting)
    objection = setting.script.objection(reading.objection) if reading.objection else None
    if objection is None or not chooses or objection.refusal:
        return ()
    topic = f"objection.{objection.key}"
    return tuple(say(line, topic, "objections", setting) for line in objection.answer)


def _chooses(talk: Talk, reading: Reading) -> bool:
    """Tell whether one of the offered times is taken, or the one repeated is confirmed."""
    if talk.expecting == "confirm_slot" and reading.has(Intent.YES) and not reading.has(Intent.NO):
        return True
    return reading.choice is not None and reading.choice.index is not None


def agent_for(talk: Talk, reading: Reading, setting: Setting) -> tuple[Agent, str]:
    """Return who takes a turn of the lead, and why."""
    in_callback = talk.stage == "callback"
    if is_about_appointment(talk, reading, setting) and not reading.fact:
        return "scheduler", "the lead speaks of the appointment"
    if reading.human:
        return "scheduler", "the lead wants a person"
    if _chooses(talk, reading) and not _refuses(talk, reading) and talk.stage == "schedule":
        return "scheduler", "the lead chooses a time"
    if reading.fact and not reading.answers and not told_often(talk, reading.fact):
        return "greeter", f"the lead asks a question: {_words(reading.fact)}"
    if _refuses(talk, reading):
        return "objections", "the lead does not want to"
    if reading.objection and not in_callback and _stands_alone(talk, reading, setting):
        return "objections", f"the lead objects: {_words(reading.objection)}"
    most = MOST_TOLD if setting.model is None else MOST_TOLD + 1
    if _only_asks(reading) and talk.tried(f"asked:{talk.expecting}") < most:
        return "answerer", "the lead asks what the playbook does not know"
    if talk.expecting.startswith("reengage"):
        return "objections", "the lead answers to the re-engagement"
    if not in_callback and _wants_later(talk, reading):
        return "scheduler", "the lead has no time now"
    if in_callback:
        return "scheduler", "the lead speaks of the callback"
    if reading.has(Intent.MEET) and talk.stage != "schedule":
        return "scheduler", "the lead asks for a meeting"
    by_stage: dict[str, Agent] = {
        "greet": "greeter",
        "qualify": "qualifier",
        "schedule": "scheduler",
    }
    return by_stage[talk.stage], _goes_on(talk, reading)


def _goes_on(talk: Talk, reading: Reading) -> str:
    """Return in words what a turn is that simply goes on where the talk was."""
    told = ", ".join(map(_words, reading.answers))
    if told:
        return f"the lead tells {told}"
    kind, _, slot = talk.expecting.partition(".")
    about = slot or kind or talk.stage
    return f"the lead answers about {_words(about)}"


def _words(name: str) -> str:
    return name.replace("_", " ")


def gives_a_reason(reading: Reading, setting: Setting) -> bool:
    """Tell whether the words answer a question of the playbook with one of its answers: to have
    sold one home is a reason to buy another."""
    return any(setting.script.question(slot).type == "choice" for slot in reading.answers)


def _refuses(talk: Talk, reading: Reading) -> bool:
    confidence = reading.intents.get(Intent.NOT_INTERESTED, 0.0)
    if confidence >= SURE:
        return True
    # "no thanks" to a question about an agent is an answer to it.
    return (
        confidence > 0
        and not reading.answers
        and not talk.expecting.startswith(
            ("callback", "clarify.callback", "confirm_slot", "offer_slot")
        )
    )


def _stands_alone(talk: Talk, reading: Reading, setting: Setting) -> bool:
    """Tell an objection from words of one inside an answer: "my wife is a realtor" to "have you
    an agent" is both, "we wait until spring" to "how soon" is only an answer."""
    asked = talk.expecting.partition(".")[2]
    if asked not in reading.answers:
        return True
    question = setting.script.question(asked)
    if question.objection_for(reading.answers[asked].value):
        return True
    # "No, and what do you charge?" answers, and wants to be answered; so does "yes, but …".
    return asks_question(reading.words) or _YET.search(reading.words) is not None


_YET = re.compile(r"\b(but|though|although|problem is|thing is|trouble is|only thing)\b")


_SAYS_SOMETHING_ELSE = (
    Intent.CALLBACK,
    Intent.BUSY,
    Intent.MEET,
    Intent.REPEAT,
    Intent.WHY,
    Intent.HELLO,
    Intent.CORRECTION,
    Intent.DECLINES,
    Intent.NOT_INTERESTED,
)


def _only_asks(reading: Reading) -> bool:
    """Tell a question that nothing else in the turn takes precedence over."""
    if not reading.question or reading.answers or reading.time:
        return False
    if reading.choice and (reading.choice.index is not None or reading.choice.wish):
        return False
    return not any(reading.has(intent) for intent in _SAYS_SOMETHING_ELSE)


def _wants_later(talk: Talk, reading: Reading) -> bool:
    if reading.answers and not reading.has(Intent.CALLBACK):
        return False
    if reading.choice and (reading.choice.index is not None or reading.choice.wish):
        return False
    likely = 0.5 if talk.stage == "greet" else SURE
    busy = reading.intents.get(Intent.BUSY, 0.0) >= likely
    callback = reading.intents.get(Intent.CALLBACK, 0.0) >= likely
    return busy or callback
