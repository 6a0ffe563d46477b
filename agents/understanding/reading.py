"""One turn of the lead, understood: intents, answers, objections, times, each with a confidence."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol
from zoneinfo import ZoneInfo

from agents.interface import Slot
from agents.playbook import Question, Script
from agents.understanding.answers import Answer, answer_to, corrected_part, is_question
from agents.understanding.choices import Choice, choice_of
from agents.understanding.intents import Intent, intents_in
from agents.understanding.languages import other_language
from agents.understanding.near_misses import mended as near_miss
from agents.understanding.persons import somebody_else
from agents.understanding.questions import asks_question
from agents.understanding.times import Named, named_time
from agents.understanding.wish import Wish
from agents.understanding.wishes import wish_in
from agents.understanding.words import first_trigger, normalised

ENOUGH = 0.5
"""Confidence from which a reading is acted on."""


@dataclass(frozen=True, slots=True)
class Context:
    """What the words are an answer to."""

    script: Script
    now: datetime
    zone: ZoneInfo
    expecting: str = ""
    """The topic of the question that is open, such as "ask.timeframe" or "offer_slot"."""
    offered: tuple[Slot, ...] = ()
    last_answered: str = ""
    """The slot that was filled last; "I said three, not two" is about it."""
    answers: Mapping[str, Any] = field(default_factory=dict)
    """Slot -> value, as known so far."""
    appointment: Slot | None = None
    """The one the lead has; "an hour later" is meant from there."""
    first_name: str = ""
    """The lead's, to hear "I am not Maria"."""

    @property
    def asked(self) -> Question | None:
        """The playbook's question that is open, if one is."""
        kind, _, slot = self.expecting.partition(".")
        if kind not in ("ask", "clarify", "recall"):
            return None
        return next((each for each in self.script.questions if each.slot == slot), None)


@dataclass(frozen=True, slots=True)
class Reading:
    """What a turn was understood to mean. Empty if nothing was understood."""

    words: str
    intents: Mapping[Intent, float] = field(default_factory=dict)
    answers: Mapping[str, Answer] = field(default_factory=dict)
    objection: str = ""
    fact: str = ""
    question: bool = False
    """Whether it asks something that is none of the above."""
    language: str = ""
    """The ISO 639-1 code of the language it is in, where that is clearly not English."""
    human: bool = False
    choice: Choice | None = None
    time: Named = field(default_factory=Named)
    wish: Wish = field(default_factory=Wish)
    """Which times for a meeting would suit, where that is talked about."""

    def has(self, intent: Intent) -> bool:
        """Tell whether the turn does `intent`, surely enough to act on."""
        return self.intents.get(intent, 0.0) >= ENOUGH

    @property
    def understood(self) -> bool:
        """Whether anything at all was understood."""
        return bool(
            self.intents
            or self.answers
            or self.objection
            or self.fact
            or self.question
            or self.choice
            or self.time
            or self.wish
        )


_MEETING = frozenset((Intent.MEET, Intent.RESCHEDULE, Intent.CANCEL))


class Reader(Protocol):
    """Understands a turn. One that asks a model wraps the rules and helps where they are unsure."""

    async def read(self, text: str, context: Context) -> Reading:
        """Return what `text` means in `context`."""


class RuleReader:
    """Understands by rules alone: no model, no waiting, the same words always mean the same."""

    async def read(self, text: str, context: Context) -> Reading:
        """Return what `text` means in `context`."""
        return read_by_rules(text, context)


def read_by_rules(text: str, context: Context) -> Reading:
    """Return what `text` means; what rules cannot read is tried once more with near misses."""
    words = normalised(text)
    reading = _read(words, context, tolerant=False)
    if reading.understood or len(words) < 4:
        return reading
    mended = " ".join(map(near_miss, words.split()))
    return _read(mended, context, tolerant=True)


def _read(words: str, context: Context, *, tolerant: bool) -> Reading:
    tokens = words.split()
    script = context.script
    intents = intents_in(words)
    if (somebody := somebody_else(words, context.first_name)) is not None:
        intents[somebody] = 0.9
    answers = _answers(words, context, intents, tolerant)
    if answers and re.search(r"\b(rent|renter|renting|tenant|own)\b", words):
        # Who rents cannot sell; to a playbook that asks for it, it is an answer.
        intents.pop(Intent.WRONG_NUMBER, None)
    objection = next(
        (
            each.key
            for each in script.objections
            if first_trigger(each.triggers, tokens, tolerant=tolerant)
        ),
        "",
    )
    fact = next(
        (
            each.key
            for each in script.facts
            if first_trigger(each.triggers, tokens, tolerant=tolerant)
        ),
        "",
    )
    if objection or fact:
        asks = bool(fact) and is_question(words)
        answers = {
            slot: answer
            for slot, answer in answers.items()
            if not (answer.guess or (asks and script.question(slot).type in _IN_WORDS))
        }
    choosing = context.expecting in ("offer_slot", "clarify.offer_slot", "confirm_slot")
    offered = [slot.starts_at for slot in context.offered]
    anchor = context.appointment.starts_at if context.appointment else None
    choice = (
        choice_of(words, offered, now=context.now, zone=context.zone, anchor=anchor)
        if choosing
        else None
    )
    about_meeting = context.expecting.startswith("appointment") or not _MEETING.isdisjoint(intents)
    wish = (
        wish_in(words, now=context.now, zone=context.zone, offered=offered, anchor=anchor)
        if about_meeting
        else Wish()
    )
    about_time = (
        context.expecting.startswith(("callback", "clarify.callback", "greet", "clarify.greet"))
        or Intent.CALLBACK in intents
        or Intent.BUSY in intents
    )
    named = Named()
    if about_time:
        bare_hour = "callback" in context.expecting
        named = named_time(words, now=context.now, zone=context.zone, bare_hour=bare_hour)
        # "It is dinner time" tells why not now, not when to call.
        if (
            Intent.BUSY in intents
            and Intent.CALLBACK not in intents
            and named.part in ("dinner", "lunch", "lunchtime", "night")
            and not (named.day or named.clock or re.search(r"\b(after|before|around|at)\b", words))
        ):
            named = Named()
    return Reading(
        words=words,
        intents=intents,
        answers=answers,
        objection=objection,
        fact=fact,
        question=not (fact or objection) and asks_question(words),
        language=other_language(words),
        human=Intent.HUMAN in intents
        or (first_trigger(script.transfer_triggers, tokens) is not None and not fact),
        choice=choice,
        time=named,
        wish=wish,
    )


def _answers(
    words: str, context: Context, intents: Mapping[Intent, float], tolerant: bool
) -> dict[str, Answer]:
    """Return every slot the words fill: that of the open question, and any other on the way."""
    today = context.now.astimezone(context.zone).date()
    asked = context.asked
    if Intent.CORRECTION in intents and (meant := corrected_part(words)) is not None:
        target = _correction_target(meant, context)
        before = words[: words.rfind(meant)]
        if asked is not None and answer_to(
            asked, before, today=today, expected=True, intents={}, tolerant=tolerant
        ):
            target = asked  # "buying, no wait, both": what was just said is put right
        if target is not None:
            answer = answer_to(
                target, meant, today=today, expected=True, intents=intents, tolerant=tolerant
            )
            if answer is not None:
                corrected = {target.slot: answer}
                if asked is None or asked.slot == target.slot or asked.type not in _ONE_EACH:
                    return corrected
                # "Not six months, a year, and it is a townhouse" answers what was asked, too.
                also = answer_to(
                    asked, words, today=today, expected=False, intents=intents, tolerant=tolerant
                )
                return corrected if also is None else {**corrected, asked.slot: also}
    found: dict[str, Answer] = {}
    known = dict(context.answers)
    told: set[str] = set()
    for question in context.script.questions:
        is_asked = asked is not None and asked.slot == question.slot
        # A follow-up is open only after its condition; a condition may be met in this very turn.
        rule = question.only_if
        if rule is not None and not (rule.slot in known and rule.holds(known[rule.slot])):
            continue
        # Who said that they let a home do not look for one because of a word by the way.
        if not is_asked and question.slot in known and question.type in ("choice", "yes_no"):
            continue
        # Of two questions of one kind, the one that is asked takes the answer, else the first.
        if (
            not is_asked
            and question.type in _ONE_EACH
            and (question.type in told or (asked is not None and asked.type == question.type))
        ):
            continue
        answer = answer_to(
            question,
            words,
            today=today,
            expected=is_asked,
            intents=intents,
            tolerant=tolerant,
        )
        if answer is not None:
            found[question.slot] = answer
            known[question.slot] = answer.value
            told.add(question.type)
    return found


_IN_WORDS = frozenset({"choice", "yes_no", "text"})
"""Kinds of answers that the words of a question to the agent can hold by chance."""
_ONE_EACH = frozenset({"months", "property", "money", "rent", "count"})
"""Kinds of answers that cannot be told apart by their words."""


def _correction_target(meant: str, context: Context) -> Question | None:
    """Return the question a correction is about: one its words name, or the one answered last."""
    today = context.now.astimezone(context.zone).date()
    for question in context.script.questions:
        if question.type in ("months", "property", "money") and answer_to(
            question, meant, today=today, expected=False, intents={}, tolerant=False
        ):
            return question
    if not context.last_answered:
        return None
    return next((q for q in context.script.questions if q.slot == context.last_answered), None)
