"""Answers to a playbook's questions, found in recognised words."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from agents.playbook import Question
from agents.understanding.homes import count_in, property_in
from agents.understanding.intents import Intent
from agents.understanding.money import money_in
from agents.understanding.months import months_in
from agents.understanding.own_words import after_cue, own_words
from agents.understanding.rents import rent_in
from agents.understanding.words import first_trigger, specificity, stem, trigger_found


@dataclass(frozen=True, slots=True)
class Answer:
    """A slot's value as understood, 0-1 how surely, and how much it says (see `Option`).

    A guess takes whatever was said for the answer; it gives way to any other meaning of the words.
    """

    value: Any
    confidence: float
    strength: int = 0
    guess: bool = False


def answer_to(
    question: Question,
    words: str,
    *,
    today: date,
    expected: bool,
    intents: Mapping[Intent, float],
    tolerant: bool,
) -> Answer | None:
    """Return the answer to `question` in normalised words, if they hold one.

    `expected` is whether it was just asked: then bare answers ("three", "yes") count, otherwise
    only words that can mean nothing else.
    """
    sure = 0.9 if expected else 0.7
    match question.type:
        case "choice":
            return _choice(question, words, expected, intents, tolerant)
        case "yes_no":
            return _yes_no(question, words, expected, intents)
        case "months":
            months = months_in(words, today=today, expected=expected)
            return None if months is None else Answer(months, sure)
        case "money":
            amount = money_in(words, expected=expected)
            return None if amount is None else Answer(amount, sure)
        case "property":
            home = property_in(words, expected=expected)
            return None if home is None else Answer(home, sure)
        case "count":
            number = count_in(words) if expected else None
            return None if number is None else Answer(number, sure)
        case "rent":
            rent = rent_in(words, expected=expected)
            return None if rent is None else Answer(rent, sure)
        case "text":
            return _text(question, words, expected, intents)


_NO_REASON = (
    Intent.REPEAT,
    Intent.HELLO,
    Intent.HOLD,
    Intent.WHY,
    Intent.BUSY,
    Intent.CALLBACK,
    Intent.NOT_INTERESTED,
    Intent.DO_NOT_KNOW,
    Intent.DECLINES,
    Intent.WRONG_NUMBER,
    Intent.HUMAN,
    Intent.HOSTILE,
    Intent.NO_RECORDING,
    Intent.MACHINE,
    Intent.GOODBYE,
)
_REASON = re.compile(r"\b(because|we|i|my|our|us|me|want|need|have|moving|would)\b")


def _choice(
    question: Question,
    words: str,
    expected: bool,
    intents: Mapping[Intent, float],
    tolerant: bool,
) -> Answer | None:
    tokens = words.split()
    # Of several answers in one sentence, the one with the more telling word: in "we are moving to
    # a retirement home", that is the retirement.
    heard = [
        (specificity(trigger), -number, option)
        for number, option in enumerate(question.options)
        for trigger in option.triggers
        if trigger_found(trigger, tokens, tolerant=tolerant and expected)
    ]
    if heard:
        option = max(heard, key=lambda each: each[:2])[2]
        return Answer(option.value, 0.9 if expected else 0.7, option.strength)
    if expected and len(tokens) <= 2:
        for option in question.options:
            name = option.value.replace("_", " ")
            if any(len(token) >= 3 and name.startswith(stem(token)) for token in tokens):
                return Answer(option.value, 0.8, option.strength)
    # Any real sentence is a reason; the lead's own words are kept with it.
    if (
        expected
        and question.other
        and len(tokens) >= 4
        and _REASON.search(words)
        and not any(intent in intents for intent in _NO_REASON)
        and not is_question(words)
    ):
        return Answer("other", 0.5, 1, guess=True)
    return None


def _text(
    question: Question, words: str, expected: bool, intents: Mapping[Intent, float]
) -> Answer | None:
    if (said := after_cue(words, question.cues)) is not None:
        return Answer(said, 0.8)
    # "Maybe the west side" is an answer, "I have no idea" is none.
    told = {intent for intent, sure in intents.items() if sure >= 0.9 or len(words.split()) < 3}
    if not expected or not told.isdisjoint(_NO_REASON) or is_question(words):
        return None
    said = own_words(words)
    return None if said is None else Answer(said, 0.6, guess=True)


ASKS = re.compile(
    r"\b(who|what|how|where|when|which|why|(are|does|did|can|could|will)(?! not)|"
    r"(am|is|was|do|would|have|has) (i|you|this|that|it|we|they|there|he|she|anyone))\b"
)


def is_question(words: str) -> bool:
    """Tell whether normalised words ask something."""
    return ASKS.match(words) is not None


def _yes_no(
    question: Question, words: str, expected: bool, intents: Mapping[Intent, float]
) -> Answer | None:
    tokens = words.split()
    if first_trigger(question.no_triggers, tokens) and (
        expected or (len(tokens) > 2 and not _common_no(tokens))
    ):
        return Answer(False, 0.9 if expected else 0.7)
    if first_trigger(question.yes_triggers, tokens):
        return Answer(True, 0.9 if expected else 0.7)
    if not expected:
        return None
    if any(
        intent in intents
        for intent in (
            Intent.NOT_INTERESTED,
            Intent.WHY,
            Intent.DECLINES,
            Intent.REPEAT,
            Intent.HOSTILE,
        )
    ):
        return None
    if intents.get(Intent.BUSY, 0.0) >= 0.9:
        return None
    if Intent.NO in intents and (Intent.DO_NOT_KNOW not in intents or _says_no_first(words)):
        return Answer(False, intents[Intent.NO])
    if Intent.YES in intents:
        return Answer(True, intents[Intent.YES])
    return None


def _says_no_first(words: str) -> bool:
    return re.match(r"(no|nope|nah)\b(?! idea| clue)", words) is not None


def _common_no(tokens: list[str]) -> bool:
    """Tell a bare "not yet", "nobody", which answers whatever was asked, not this question."""
    return not {"agent", "realtor", "broker", "listed", "owner", "signed", "own"} & set(tokens)


def corrected_part(words: str) -> str | None:
    """Return what a correction puts in place: "i said three not two" -> "three"."""
    match = re.search(
        r"\b(?:i said|we said|i meant|we meant|i mean|actually|correction|make that|sorry|no wait|"
        r"it is|that is|no|told you)\b(?: (?:it is|it was|that|i said|i meant|we want|was))* (.+)",
        words,
    )
    meant = match[1] if match else words
    meant = re.sub(r"\b(and |but )?not (a |an |in |for )?(\w+)( \w+){0,2}$", "", meant).strip()
    return meant or None
