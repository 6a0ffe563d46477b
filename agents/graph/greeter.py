"""The greeter: opens, says who calls and why, and finds out whether it is a good time."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

from langgraph.runtime import Runtime
from langgraph.types import Command

from agents.graph import closer, intake
from agents.graph.lines import question_again, say
from agents.graph.state import STOP, Opening, Setting, State, Talk
from agents.interface import Item, Say
from agents.understanding import Intent, Reading

AGENT = "greeter"
Next = Literal["qualifier", "scheduler", "__end__"]
MOST_HELLOS = 2
MOST_TOLD = 2
MOST_ASKED = 3
"""Who asks the same so often, and says nothing else, is let go."""


async def greeter(state: State, runtime: Runtime[Setting]) -> Command[Next]:
    """Open the talk, answer who and why, go on when the time is right."""
    talk, reading, setting, items = (
        state["talk"],
        state["reading"],
        runtime.context,
        state["items"],
    )
    if isinstance(state["event"], Opening):
        return _opened(talk, setting, items)
    if reading is None:
        return Command(goto=STOP)
    if reading.fact and not reading.answers and not told_often(talk, reading.fact):
        if talk.tried(f"asked:{reading.fact}") >= MOST_ASKED:
            said = fact_lines(talk, reading.fact, setting)
            talk, last = closer.not_interested(talk, setting, "asks only the same, over and over")
            return Command(goto=STOP, update={"talk": talk, "items": (*said, *last)})
        return _fact_stated(talk, reading, setting, items)
    if (talk.human_heard and reading.answers) or reading.has(Intent.YES):
        talk = replace(talk, stage="qualify", human_heard=True).step(AGENT, "a good time")
        return Command(goto="qualifier", update={"talk": talk})
    if reading.has(Intent.NO):
        talk = replace(talk, human_heard=True).step(AGENT, "not a good time")
        return Command(goto="scheduler", update={"talk": replace(talk, stage="callback")})
    if reading.has(Intent.HELLO) and talk.tried("hello") < MOST_HELLOS:
        tries = {**talk.tries, "hello": talk.tried("hello") + 1}
        talk = replace(talk, tries=tries, expecting="greet").step(AGENT, "greets back")
        again = _greeting(setting)
        return Command(goto=STOP, update={"talk": talk, "items": (*items, again)})
    return _not_understood(talk, setting, items)


def _opened(talk: Talk, setting: Setting, items: tuple[Item, ...]) -> Command[Next]:
    brief = setting.brief
    why = "the lead calls us" if brief.inbound else "the line is open"
    if brief.stranger:
        talk, asked = intake.opened(talk, setting)
        return Command(goto=STOP, update={"talk": talk, "items": (*items, *asked)})
    if brief.appointment is not None:
        talk = replace(talk, expecting="appointment.keep").step(
            AGENT, f"{why}, with an appointment"
        )
        again = question_again(talk, setting)
        return Command(goto=STOP, update={"talk": talk, "items": (*items, *again)})
    talk = replace(talk, expecting="greet").step(AGENT, why)
    return Command(goto=STOP, update={"talk": talk, "items": (*items, _greeting(setting))})


def _greeting(setting: Setting) -> Item:
    greeting, brief = setting.script.greeting, setting.brief
    line = greeting.ask[0]
    if brief.inbound:
        line = greeting.inbound
    elif brief.memory.get("calls"):
        line = greeting.returning or line
    return say(line, "greet", AGENT, setting)


def told_often(talk: Talk, about: str) -> bool:
    """Tell whether a question was answered as often as makes sense. What the law wants said, that
    it is an AI and that the call is recorded, is said as often as it is asked."""
    return about not in ("robot", "recorded") and talk.tried(f"asked:{about}") >= MOST_TOLD


def fact_lines(talk: Talk, key: str, setting: Setting) -> tuple[Say, ...]:
    """Return what the playbook states of a fact, on this call."""
    fact = setting.script.fact(key)
    lines = fact.answer if fact else ()
    recorded = setting.brief.recorded and not talk.signals.get("recording_stopped")
    if key == "recorded" and not recorded:
        lines = (setting.script.not_recorded,)
    return tuple(say(line, f"fact.{key}", AGENT, setting) for line in lines)


def _fact_stated(
    talk: Talk, reading: Reading, setting: Setting, items: tuple[Item, ...]
) -> Command[Next]:
    """State what was asked for, then put the open question again."""
    key = reading.fact
    said = fact_lines(talk, key, setting)
    tries = {**talk.tries, f"asked:{key}": talk.tried(f"asked:{key}") + 1}
    talk = replace(talk.counted("questions_asked"), human_heard=True, tries=tries)
    if key == "robot":
        talk = talk.signal("asked_robot", True)
    talk = talk.step(AGENT, f"states a fact: {key}")
    if talk.stage == "greet" and reading.has(Intent.YES) and not reading.has(Intent.NO):
        # "Yeah, what is it about?": the time is good, and is not asked for again.
        talk = replace(talk, stage="qualify")
        update = {"talk": talk, "items": (*items, *said), "reading": None}
        return Command(goto="qualifier", update=update)
    again = question_again(talk, setting)
    return Command(goto=STOP, update={"talk": talk, "items": (*items, *said, *again)})


def _not_understood(talk: Talk, setting: Setting, items: tuple[Item, ...]) -> Command[Next]:
    """Ask once more in other words, then simply begin."""
    clarify = setting.script.greeting.clarify
    tried = talk.tried("clarify.greet")
    talk = talk.counted("not_understood")
    if tried < len(clarify):
        tries = {**talk.tries, "clarify.greet": tried + 1}
        talk = replace(talk, tries=tries, expecting="clarify.greet").step(AGENT, "not understood")
        line = say(clarify[tried], "clarify.greet", AGENT, setting)
        return Command(goto=STOP, update={"talk": talk, "items": (*items, line)})
    talk = replace(talk, stage="qualify").step(AGENT, "not understood, goes on")
    return Command(goto="qualifier", update={"talk": talk})
