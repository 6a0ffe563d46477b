"""The answerer: questions that no fact of the playbook answers. A model may; else a person can."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

from langgraph.runtime import Runtime
from langgraph.types import Command

from agents.graph.lines import question_again, say
from agents.graph.state import STOP, Setting, State, Unanswered, lead_words
from agents.understanding import Intent
from agents.understanding.questions import is_manipulation

AGENT = "answerer"
TOPIC = "answer"
INSTEAD = "no_answer"


async def answerer(
    state: State, runtime: Runtime[Setting]
) -> Command[Literal["qualifier", "__end__"]]:
    """Leave the question to the model, or say who can answer it; then go on where the talk was."""
    talk, reading, setting, items = (
        state["talk"],
        state["reading"],
        runtime.context,
        state["items"],
    )
    asked = lead_words(state["event"])
    instead = tuple(say(line, INSTEAD, AGENT, setting) for line in setting.script.no_answer)
    about = f"asked:{talk.expecting}"
    # What is asked over an offer uses up the patience for it, or two questions could loop.
    again = f"clarify.{talk.expecting.removeprefix('clarify.')}"
    tries = {**talk.tries, about: talk.tried(about) + 1}
    if talk.stage == "schedule":
        tries[again] = talk.tried(again) + 1
    talk = replace(talk.counted("questions_asked"), human_heard=True, tries=tries)
    unanswered: Unanswered | None = None
    if setting.model is not None and reading is not None and not is_manipulation(reading.words):
        unanswered = Unanswered(asked, instead=instead, before=len(items))
        talk = talk.step(AGENT, "a question for the model")
    else:
        items = (*items, *instead)
        talk = talk.step(AGENT, "a question for a person")
    if talk.stage == "greet" and reading is not None and reading.has(Intent.YES):
        # "Yes, but how long have you…": the time is good, and is not asked for again.
        talk = replace(talk, stage="qualify")
        update = {"talk": talk, "items": items, "reading": None, "unanswered": unanswered}
        return Command(goto="qualifier", update=update)
    items = (*items, *question_again(talk, setting))
    return Command(goto=STOP, update={"talk": talk, "items": items, "unanswered": unanswered})
