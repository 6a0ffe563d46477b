"""Understand a turn with a model's help, where the rules are unsure. Its word is never enough.

What the model reads counts only if the lead's own words say it: every answer comes with a quote,
which must be in what was said, and goes through the playbook's rules like any other answer. A model
can neither opt a lead out nor in, and cannot end a call.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from agents.llm.errors import ModelError
from agents.playbook import Question
from agents.understanding import Context, Intent, Reading, RuleReader
from agents.understanding.answers import Answer, answer_to
from agents.understanding.questions import is_manipulation
from agents.understanding.words import digits, normalised

CONFIDENCE: Final = 0.6
"""Of what a model reads: enough to act on, less than any rule that is sure."""
SETTLES_S: Final = 0.12
"""A turn that is guessed at while it is still being heard seldom stands so long."""
LEAST_WORDS: Final = 2
MOST_WORDS: Final = 60

Kind = Literal[
    "answers",
    "asks_something",
    "yes",
    "no",
    "not_interested",
    "busy_now",
    "call_later",
    "repeat_please",
    "does_not_know",
    "will_not_say",
    "unclear",
]
_INTENTS: Final[dict[str, Intent]] = {
    "yes": Intent.YES,
    "no": Intent.NO,
    "not_interested": Intent.NOT_INTERESTED,
    "busy_now": Intent.BUSY,
    "call_later": Intent.CALLBACK,
    "repeat_please": Intent.REPEAT,
    "does_not_know": Intent.DO_NOT_KNOW,
    "will_not_say": Intent.DECLINES,
}


class ReadAnswer(BaseModel):
    """One question that was answered."""

    model_config = ConfigDict(extra="forbid")

    question: str = Field(max_length=40)
    answer: str = Field(max_length=80)
    quote: str = Field(max_length=200)


class Read(BaseModel):
    """What a model makes of a turn."""

    model_config = ConfigDict(extra="forbid")

    means: Kind
    answers: list[ReadAnswer] = Field(max_length=6)


Ask = Callable[[str, Context, float], Awaitable[Read]]
"""Asks the model: the words, their context, and until when. Raises `ModelError`."""


class ModelReader:
    """Reads by rules first; asks the model only about what they make nothing of.

    Args:
        ask: asks the model.
        within_s: how long it may take.
    """

    def __init__(self, ask: Ask, *, within_s: float) -> None:
        self._rules = RuleReader()
        self._ask = ask
        self._within_s = within_s

    async def read(self, text: str, context: Context) -> Reading:
        """Return what `text` means in `context`."""
        reading = await self._rules.read(text, context)
        if not unsure(reading):
            return reading
        until = time.monotonic() + self._within_s
        await asyncio.sleep(SETTLES_S)  # if other words come meanwhile, nobody is asked
        try:
            read = await self._ask(text, context, until)
        except ModelError:
            return reading
        return merged(reading, read, context)


def unsure(reading: Reading) -> bool:
    """Return whether the rules make nothing of a turn that a model may make something of."""
    if reading.understood or is_manipulation(reading.words):
        return False
    return LEAST_WORDS <= len(reading.words.split()) <= MOST_WORDS


def merged(reading: Reading, read: Read, context: Context) -> Reading:
    """Return the rules' reading with what of the model's the lead's own words bear out."""
    answers = dict(reading.answers)
    for given in read.answers:
        question = next((q for q in context.script.questions if q.slot == given.question), None)
        if question is None or question.slot in answers:
            continue
        answer = _borne_out(given, question, reading.words, context)
        if answer is not None:
            answers[question.slot] = answer
    intents = dict(reading.intents)
    if intent := _INTENTS.get(read.means):
        intents[intent] = CONFIDENCE
    asks = read.means == "asks_something" and not answers
    return replace(reading, answers=answers, intents=intents, question=reading.question or asks)


def _borne_out(
    given: ReadAnswer, question: Question, words: str, context: Context
) -> Answer | None:
    """Return a model's answer as the rules understand it, if the quote is the lead's and bears
    its numbers."""
    quote = normalised(given.quote)
    if not quote or not re.search(rf"(?<!\w){re.escape(quote)}(?!\w)", words):
        return None
    # What a text question wants are the lead's words, not the model's.
    told = given.quote if question.type == "text" else given.answer
    answer = _by_rules(told, question, context)
    if answer is None:
        return None
    if question.type in ("money", "rent", "count") and not _bears(quote, answer.value):
        return None
    return replace(answer, confidence=CONFIDENCE)


def _by_rules(text: str, question: Question, context: Context) -> Answer | None:
    if question.type == "choice":
        wanted = normalised(text).replace(" ", "_")
        chosen = next((o for o in question.options if o.value == wanted), None)
        return None if chosen is None else Answer(chosen.value, CONFIDENCE, chosen.strength)
    words = normalised(text)
    if question.type == "text":
        return Answer(words, CONFIDENCE) if words else None
    intents = {"yes": {Intent.YES: 1.0}, "no": {Intent.NO: 1.0}}.get(words, {})
    today = context.now.astimezone(context.zone).date()
    return answer_to(question, words, today=today, expected=True, intents=intents, tolerant=False)


def _bears(quote: str, value: int) -> bool:
    """Tell whether a number was said: itself, or its leading figures ("four fifty" for 450 000)."""
    said = [float(number) for number in re.findall(r"\d+(?:\.\d+)?", digits(quote))]
    joined = re.sub(r"\D", "", digits(quote))
    wanted = str(value).rstrip("0") or "0"
    return any(str(int(n)).rstrip("0") == wanted for n in said if n == int(n)) or (
        bool(joined) and joined.rstrip("0") == wanted
    )
