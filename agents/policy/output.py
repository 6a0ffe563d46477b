"""May these words of a model be spoken to a lead? Decided clause by clause, by rules alone. Pure.

A model's text is untrusted. What the playbook itself says is the measure: a number, a price or a
promise is spoken only if a manager wrote it into the playbook; what no manager may write (that the
agent is human, who should live where) never is.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum

from agents.policy import output_words as words
from agents.understanding.words import digits, normalised

LEAK_WORDS = 5
"""So many words in a row of our instructions are no coincidence."""
LONGEST_WORD = 22
SAME_WORD = 3
SAME_PHRASE = 3


class Fault(StrEnum):
    """Why words must not be spoken."""

    UNSPEAKABLE = "unspeakable"
    """Markdown, links, emoji, code: nothing that a voice can say."""
    GARBAGE = "garbage"
    LANGUAGE = "wrong_language"
    LEAK = "leaks_prompt"
    HUMAN = "claims_to_be_human"
    NAME = "other_name"
    STEERING = "fair_housing"
    """Who lives where, and who should: the Fair Housing Act, 42 U.S.C. 3604(c)."""
    NEVER_SAY = "never_say"
    PRICE = "price"
    ADVICE = "advice"
    """Legal, tax or financial."""
    GUARANTEE = "guarantee"
    PROMISE = "promise"
    NUMBER = "unknown_number"
    REPEATS = "repeats"
    ASKS = "asks"
    """Only the playbook asks: the conversation would not know what an answer is about."""


@dataclass(frozen=True, slots=True)
class Allowed:
    """What the playbook itself says, in a form to compare with. See `allowed_by`."""

    lines: str
    """Every line that may be spoken, normalised, one after the other."""
    numbers: frozenset[str]
    never_say: tuple[str, ...]
    names: frozenset[str]
    """The agent's own."""
    instructions: frozenset[tuple[str, ...]] = field(repr=False, default=frozenset())
    """Our instructions to the model, in runs of `LEAK_WORDS` words that no line has."""


def allowed_by(
    lines: Iterable[str], *, never_say: Iterable[str], agent: str, instructions: str
) -> Allowed:
    """Return what a playbook allows.

    Args:
        lines: what the agent may state; placeholders filled.
        never_say: phrases that a manager has forbidden.
        agent: the agent's name.
        instructions: what the model is told and must keep to itself.
    """
    spoken = " | ".join(normalised(line) for line in lines)
    ours = _runs(spoken)
    return Allowed(
        lines=spoken,
        numbers=frozenset(_numbers(spoken)) | {"1"},
        never_say=tuple(normalised(phrase) for phrase in never_say),
        names=frozenset(normalised(agent).split()),
        instructions=frozenset(run for run in _runs(normalised(instructions)) if run not in ours),
    )


def fault_in(clause: str, *, before: str, allowed: Allowed) -> Fault | None:
    """Return why a clause must not be spoken, or None.

    Args:
        clause: the next words, as the model gave them.
        before: what was spoken of the same answer already: a sentence may be a fault as a whole.
    """
    if not words.SPEAKABLE.fullmatch(clause):
        strange = words.SPEAKABLE.sub("", clause)
        return Fault.LANGUAGE if strange.isalpha() else Fault.UNSPEAKABLE
    if words.NOT_SPOKEN.search(clause):
        return Fault.UNSPEAKABLE
    said = normalised(clause)
    if _is_garbage(said):
        return Fault.GARBAGE
    sentence = f"{normalised(_open_sentence(before))} {said}".strip()
    if _is_foreign(sentence.split()):
        return Fault.LANGUAGE
    if words.LEAK.search(said) or not allowed.instructions.isdisjoint(_runs(sentence)):
        return Fault.LEAK
    if fault := _fault_of_sense(sentence, allowed):
        return fault
    if any(number not in allowed.numbers for number in _numbers(said)):
        return Fault.NUMBER
    if _repeats(said, normalised(before)):
        return Fault.REPEATS
    return Fault.ASKS if clause.rstrip().endswith("?") else None


def written_fault_in(text: str, *, facts: Allowed, most_words: int) -> Fault | None:
    """Return why a sentence of a model must not be kept of a call, or None.

    It is read by a colleague, not heard by the lead: what was said may be told, prices too. What
    was not said may not: every number and every name in it has to be in `facts`.
    """
    if not words.SPEAKABLE.fullmatch(text) or words.NOT_SPOKEN.search(text):
        return Fault.UNSPEAKABLE
    said = normalised(text)
    if _is_garbage(said) or len(said.split()) > most_words:
        return Fault.GARBAGE
    if _is_foreign(said.split()):
        return Fault.LANGUAGE
    if not facts.instructions.isdisjoint(_runs(said)):
        return Fault.LEAK
    if words.STEERING.search(said):
        return Fault.STEERING
    if any(number not in facts.numbers for number in _numbers(said)):
        return Fault.NUMBER
    names = re.findall(r"(?<!^)(?<![.!?] )\b[A-Z][a-z]+\b", text)
    if any(not re.search(rf"\b{name.lower()}\b", facts.lines) for name in names):
        return Fault.NAME
    return None


def _fault_of_sense(sentence: str, allowed: Allowed) -> Fault | None:
    """Return what is wrong with the meaning of a sentence, as far as it is known."""
    if words.HUMAN.search(sentence):
        return Fault.HUMAN
    named = (match[1] or match[2] for match in words.NAMED.finditer(sentence))
    if any(name not in allowed.names for name in named):
        return Fault.NAME
    if words.STEERING.search(sentence):
        return Fault.STEERING
    if any(re.search(rf"\b{re.escape(phrase)}\b", sentence) for phrase in allowed.never_say):
        return Fault.NEVER_SAY
    if words.ADVISES.search(sentence) and words.EXPERT_TOPIC.search(sentence):
        return Fault.ADVICE
    in_digits = digits(sentence)
    for fault, pattern, text in (
        (Fault.PRICE, words.MONEY, in_digits),
        (Fault.PRICE, words.PRICE, sentence),
        (Fault.ADVICE, words.EXPERT_TOPIC, sentence),
        (Fault.GUARANTEE, words.GUARANTEE, sentence),
        (Fault.PROMISE, words.PROMISE, sentence),
    ):
        known = digits(allowed.lines) if pattern is words.MONEY else allowed.lines
        if any(match[0] not in known for match in pattern.finditer(text)):
            return fault
    return None


def _open_sentence(before: str) -> str:
    """Return the sentence that is not finished yet."""
    return re.split(r"(?<=[.!?])\s+", before.strip() + " ")[-1]


def _is_garbage(said: str) -> bool:
    tokens = said.split()
    if not re.search(r"[a-z]", said):
        return True
    if any(len(token) > LONGEST_WORD or re.search(r"([a-z])\1{3}", token) for token in tokens):
        return True
    odd = [token for token in tokens if len(token) > 3 and not re.search(r"[aeiouy\d]", token)]
    return len(odd) * 3 > len(tokens)


def _is_foreign(tokens: list[str]) -> bool:
    """Tell another language: none of the words that every English sentence is made with, or
    several that none is."""
    if sum(token in words.FOREIGN for token in tokens) >= 2:
        return True
    return len(tokens) >= 5 and not any(token in words.ENGLISH for token in tokens)


def _repeats(said: str, before: str) -> bool:
    tokens = said.split()
    if len(tokens) >= 3 and f" {said} " in f" {before} ":
        return True
    if any(len(set(tokens[at : at + SAME_WORD])) == 1 for at in range(len(tokens) - SAME_WORD + 1)):
        return True
    everything = f"{before} {said}".split()
    phrases = [tuple(everything[at : at + 3]) for at in range(len(everything) - 2)]
    return any(phrases.count(phrase) >= SAME_PHRASE for phrase in set(phrases))


def _numbers(said: str) -> list[str]:
    return re.findall(r"\d+(?:\.\d+)?", digits(said))


def _runs(said: str) -> set[tuple[str, ...]]:
    tokens = re.findall(r"[a-z0-9']+", said)
    return {tuple(tokens[at : at + LEAK_WORDS]) for at in range(len(tokens) - LEAK_WORDS + 1)}
