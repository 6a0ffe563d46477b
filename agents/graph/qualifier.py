"""The qualifier: asks the playbook's questions, in whatever order the lead answers them."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

from langgraph.runtime import Runtime
from langgraph.types import Command

from agents.graph import recall
from agents.graph.lines import say
from agents.graph.objections import objection_answered
from agents.graph.state import STOP, Setting, State, Talk
from agents.interface import Item, Say
from agents.playbook import Question
from agents.understanding import Intent, Reading
from agents.understanding.feelings import is_glad, is_sad

AGENT = "qualifier"
Next = Literal["objections", "scheduler", "__end__"]
MOST_CLARIFICATIONS = 2


async def qualifier(state: State, runtime: Runtime[Setting]) -> Command[Next]:
    """Take the answers in, clarify or explain where needed, ask the next open question."""
    talk, reading, setting, items = (
        state["talk"],
        state["reading"],
        runtime.context,
        state["items"],
    )
    if reading is not None and talk.expecting.startswith(f"{recall.KIND}."):
        talk = recall.recall_answered(talk, reading)
    if reading is not None and objection_answered(talk, setting):
        return Command(goto="objections", update={"talk": talk})
    # Only an answer of this turn counts here: a resumed talk has none to judge.
    asked = _asked(talk, setting)
    before: Say | None = None
    if reading is not None and not _answered_already(items):
        talk, before = _acknowledged(talk, asked, reading, setting)
    if asked is not None and reading is not None:
        if line := _stays(talk, asked, reading, setting):
            talk, lines = line
            if before and talk.expecting == f"ask.{asked.slot}" and reading.answers:
                lines = (before, *lines)
            return Command(goto=STOP, update={"talk": talk, "items": (*items, *lines)})
        if asked.slot not in talk.answers:
            talk = replace(talk, skipped=talk.skipped | {asked.slot})
            talk = talk.step(AGENT, f"leaves {asked.slot} open")
    return asks_next(talk, setting, items, before=before)


def _answered_already(items: tuple[Item, ...]) -> bool:
    """Tell whether the turn began with the answer to what was asked along: that is enough."""
    return any(
        isinstance(item, Say) and item.topic.startswith(("fact.", "objection.")) for item in items
    )


def _acknowledged(
    talk: Talk, asked: Question | None, reading: Reading, setting: Setting
) -> tuple[Talk, Say | None]:
    """Return a word on what was said: of feeling where a person would have one, else the next of
    the playbook's."""
    script = setting.script
    if reading.answers and not talk.signals.get("felt"):
        sad = is_sad(reading.words)
        if sad or is_glad(reading.words):
            line = script.sympathy if sad else script.congratulations
            return talk.signal("felt", True), say(line, "ack", AGENT, setting)
    if reading.answers and script.acknowledgements:
        ack = script.acknowledgements[talk.turn % len(script.acknowledgements)]
        return talk, say(ack, "ack", AGENT, setting)
    if asked and (reading.has(Intent.DO_NOT_KNOW) or reading.has(Intent.DECLINES)):
        return talk, say(script.left_open, "ack", AGENT, setting)
    return talk, None


def asks_next(
    talk: Talk, setting: Setting, items: tuple[Item, ...], *, before: Say | None = None
) -> Command[Next]:
    """Ask the next question that is open, or hand over to the scheduler."""
    talk = replace(talk, stage="qualify")
    if asked := recall.recalled(talk, setting):
        talk, line = asked
        return Command(goto=STOP, update={"talk": talk, "items": (*items, line)})
    question = next(
        (each for each in setting.script.questions_for(talk.values) if _is_open(each, talk)), None
    )
    if question is None:
        talk = replace(talk, stage="schedule", expecting="").step(AGENT, "nothing left to ask")
        return Command(goto="scheduler", update={"talk": talk})
    half = question.slot in talk.answers
    topic = f"{'clarify' if half else 'ask'}.{question.slot}"
    tried = talk.tried(topic)
    wordings = question.clarify if half else question.ask
    wording = wordings[min(tried, len(wordings) - 1)]
    lines = (*((before,) if before else ()), say(wording, topic, AGENT, setting))
    talk = replace(talk, expecting=topic, tries={**talk.tries, topic: tried + 1})
    talk = talk.step(AGENT, f"asks {question.slot}")
    return Command(goto=STOP, update={"talk": talk, "items": (*items, *lines)})


def _is_open(question: Question, talk: Talk) -> bool:
    """Tell whether a question is to be asked: not answered yet, or, of a home, only its kind was
    said by the way."""
    if question.slot in talk.skipped:
        return False
    if question.slot not in talk.answers:
        return True
    put = talk.tried(f"ask.{question.slot}") + talk.tried(f"clarify.{question.slot}")
    return not put and _lacks_rooms(question, talk)


def _lacks_rooms(question: Question, talk: Talk) -> bool:
    if question.type != "property":
        return False
    value = talk.answers[question.slot]["value"]
    return "bedrooms" not in value and value.get("kind") != "land"


def _asked(talk: Talk, setting: Setting) -> Question | None:
    """Return the question that is open, unless an answer since then has made it pointless."""
    kind, _, slot = talk.expecting.partition(".")
    if kind not in ("ask", "clarify"):
        return None
    asked = setting.script.questions_for(talk.values)
    return next((each for each in asked if each.slot == slot), None)


def _stays(
    talk: Talk, asked: Question, reading: Reading, setting: Setting
) -> tuple[Talk, tuple[Say, ...]] | None:
    """Return what is said to stay with the question, or None to go on."""
    clarified = talk.tried(f"clarify.{asked.slot}")
    if asked.slot in talk.answers:
        return _rooms_asked(talk, asked, clarified, setting)
    if reading.has(Intent.WHY) and not talk.tried(f"why.{asked.slot}"):
        topic = f"ask.{asked.slot}"
        tries = {**talk.tries, f"why.{asked.slot}": 1}
        talk = replace(talk, tries=tries, expecting=topic).step(AGENT, f"says why {asked.slot}")
        return talk, (
            say(asked.why, f"why.{asked.slot}", AGENT, setting),
            say(asked.ask[0], topic, AGENT, setting),
        )
    if reading.has(Intent.DECLINES) or (
        reading.has(Intent.DO_NOT_KNOW) and (clarified or not asked.required)
    ):
        return None
    if clarified >= min(len(asked.clarify), MOST_CLARIFICATIONS):
        return None
    if reading.has(Intent.HELLO):
        topic = f"ask.{asked.slot}"
        tries = {**talk.tries, f"clarify.{asked.slot}": clarified + 1}
        talk = replace(talk, tries=tries, expecting=topic).step(AGENT, "asks again after a hello")
        return talk, (say(asked.ask[0], topic, AGENT, setting),)
    if reading.answers:  # something else was answered: simply ask on
        talk = replace(talk, tries={**talk.tries, f"clarify.{asked.slot}": clarified + 1})
        topic = f"ask.{asked.slot}"
        return replace(talk, expecting=topic), (say(asked.ask[0], topic, AGENT, setting),)
    lines = (
        []
        if reading.understood
        else [say(setting.script.not_understood, "not_understood", AGENT, setting)]
    )
    return _clarified(talk.counted("not_understood"), asked, clarified, setting, *lines)


def _clarified(
    talk: Talk, asked: Question, clarified: int, setting: Setting, *before: Say
) -> tuple[Talk, tuple[Say, ...]]:
    topic = f"clarify.{asked.slot}"
    line = say(asked.clarify[clarified], topic, AGENT, setting)
    talk = replace(talk, expecting=topic, tries={**talk.tries, topic: clarified + 1})
    return talk.step(AGENT, f"clarifies {asked.slot}"), (*before, line)


def _rooms_asked(
    talk: Talk, asked: Question, clarified: int, setting: Setting
) -> tuple[Talk, tuple[Say, ...]] | None:
    """Ask once for the bedrooms if only the kind of home was said."""
    if clarified or not _lacks_rooms(asked, talk):
        return None
    return _clarified(talk, asked, clarified, setting)
