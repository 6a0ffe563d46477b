"""What a script has to fulfil beyond its form: the law, sense, and that everything is reachable."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from agents.playbook.faults import Fault
from agents.playbook.parts import Condition, Question
from agents.playbook.places import Path, dotted, in_words, lines_with_paths
from agents.playbook.script import Script
from agents.playbook.text import PLACEHOLDER
from agents.understanding.opt_out import is_opt_out
from agents.understanding.words import normalised

ALWAYS: Final = frozenset({"business", "agent", "first_name"})
"""Placeholders that any line may hold."""
EXTRA: Final[Mapping[str, frozenset[str]]] = {
    "scheduling.offer": frozenset({"slot_1", "slot_2"}),
    "scheduling.offer_again": frozenset({"slot_1", "slot_2"}),
    "scheduling.offer_one": frozenset({"slot_1"}),
    "scheduling.clarify": frozenset({"slot_1", "slot_2"}),
    "scheduling.confirm": frozenset({"slot_1"}),
    "scheduling.booked": frozenset({"slot_1", "rep"}),
    "scheduling.nearest": frozenset({"slot_1", "slot_2"}),
    "scheduling.nearest_one": frozenset({"slot_1"}),
    "scheduling.move_offer": frozenset({"slot_1", "slot_2"}),
    "scheduling.move_confirm": frozenset({"slot_1"}),
    "scheduling.moved": frozenset({"slot_1", "rep"}),
    "scheduling.cancel_confirm": frozenset({"slot_1"}),
    "scheduling.kept": frozenset({"slot_1"}),
    "greeting.booked": frozenset({"slot_1", "rep"}),
    "greeting.still_so": frozenset({"answer"}),
    "callback.confirm": frozenset({"time"}),
    "callback.done": frozenset({"time"}),
    "transfer.connect": frozenset({"rep"}),
}
REQUIRED: Final[Mapping[str, frozenset[str]]] = {
    "disclosure.identity": frozenset({"business"}),
    "scheduling.offer": frozenset({"slot_1", "slot_2"}),
    "scheduling.offer_again": frozenset({"slot_1", "slot_2"}),
    "scheduling.offer_one": frozenset({"slot_1"}),
    "scheduling.confirm": frozenset({"slot_1"}),
    "scheduling.nearest": frozenset({"slot_1", "slot_2"}),
    "scheduling.nearest_one": frozenset({"slot_1"}),
    "scheduling.move_offer": frozenset({"slot_1", "slot_2"}),
    "scheduling.move_confirm": frozenset({"slot_1"}),
    "callback.confirm": frozenset({"time"}),
}
MOST_WORDS: Final[Mapping[str, int]] = {
    "disclosure": 45, "voicemail": 80, "answer": 60, "filler": 6,
}  # fmt: skip
"""The longest that may be said in one go, in words: about three a second."""
TOO_COMMON: Final = frozenset(
    (
        *("yes", "yeah", "yep", "no", "nope", "not", "okay", "ok", "sure", "right", "well", "so"),
        *("and", "but", "the", "it", "is", "i", "you", "we", "that", "this", "what", "hello", "hi"),
        *("please", "thanks", "maybe", "good", "fine", "do", "have", "want", "to", "of", "in"),
    )
)
HOMES: Final = frozenset(
    {"house", "condo", "apartment", "townhouse", "multi_family", "mobile_home", "land"}
)
_AI = re.compile(r"\b(A\.?I\.?|artificial|automated|virtual)\b", re.IGNORECASE)


def faults_in(script: Script) -> Iterator[Fault]:
    """Yield what is wrong with a script whose parts are each well formed."""
    data = script.model_dump()
    for rule in (_lines, _disclosure, _names, _questions, _objections, _phrases, _limits):
        for path, text in rule(script):
            yield Fault(path, text, in_words(path, data, Script))


Found = Iterator[tuple[Path, str]]


def _lines(script: Script) -> Found:
    """Placeholders, forbidden words, and what is too long to be said in one go."""
    for path, line in lines_with_paths(script):
        place = dotted(path)
        named = set(PLACEHOLDER.findall(line))
        allowed = ALWAYS | EXTRA.get(place, frozenset())
        for unknown in sorted(named - allowed):
            known = ", ".join("{" + name + "}" for name in sorted(allowed))
            yield path, f"{{{unknown}}} is not known here; you can use {known}"
        for missing in sorted(REQUIRED.get(place, frozenset()) - named):
            yield path, f"the line has to contain {{{missing}}}"
        for phrase in script.never_say:
            if re.search(rf"\b{re.escape(phrase)}\b", line.lower()):
                yield (
                    path,
                    f"says “{phrase}”, which is on the list of things never to say: "
                    "change the line, or take the word off the list",
                )
    told = script.disclosure
    yield from _too_long(
        ("disclosure",), (told.identity, told.recorded, told.opt_out), MOST_WORDS["disclosure"]
    )
    yield from _too_long(("voicemail",), script.voicemail, MOST_WORDS["voicemail"])
    for number, objection in enumerate(script.objections):
        said = (*objection.answer, objection.reengage)
        yield from _too_long(("objections", number, "answer"), said, MOST_WORDS["answer"])
    for number, fact in enumerate(script.facts):
        yield from _too_long(("facts", number, "answer"), fact.answer, MOST_WORDS["answer"])
    for number, line in enumerate(script.fillers):
        # The answer waits until it has been heard.
        yield from _too_long(("fillers", number), (line,), MOST_WORDS["filler"])


def _too_long(path: Path, lines: Sequence[str], most: int) -> Found:
    words = sum(len(line.split()) for line in lines)
    if words > most:
        yield path, f"too long to listen to in one go ({words} words, at most {most}): shorten it"


def _disclosure(script: Script) -> Found:
    """What the law asks of the first sentences (COMPLIANCE: identification, 47 CFR 64.1200(b) and
    FCC 24-17)."""
    if not _AI.search(script.disclosure.identity):
        yield ("disclosure", "identity"), "say that the caller is an AI assistant"
    if not re.search(r"\brecord", script.disclosure.recorded, re.IGNORECASE):
        yield ("disclosure", "recorded"), "say that the call is recorded"
    opt_out = script.disclosure.opt_out.lower()
    if "stop" not in opt_out or not re.search(r"\b(nine|9)\b", opt_out):
        yield ("disclosure", "opt_out"), "tell how to opt out: “say stop” and “press nine”"
    robot = script.fact("robot")
    if robot is None:
        yield ("facts",), "add one called “robot” that says the caller is an AI"
    elif not any(_AI.search(line) for line in robot.answer):
        path = ("facts", script.facts.index(robot), "answer")
        yield path, "the answer has to say that the caller is an AI"
    message = " ".join(script.voicemail)
    if "{business}" not in message or not _AI.search(message):
        yield ("voicemail",), "name {business} and say that the caller is an AI assistant"


def _names(script: Script) -> Found:
    """Every question, objection and fact has a name of its own."""
    named = {
        "questions": ("slot", [question.slot for question in script.questions]),
        "objections": ("key", [objection.key for objection in script.objections]),
        "facts": ("key", [fact.key for fact in script.facts]),
    }
    for part, (field, names) in named.items():
        for number, name in enumerate(names):
            if name in names[:number]:
                text = f"“{_spaced(name)}” is there more than once; give each its own name"
                yield (part, number, field), text


def _questions(script: Script) -> Found:
    """That a lead can qualify, and that every question and answer can be reached."""
    if not any(question.required for question in script.questions):
        yield ("questions",), "mark at least one as required, or no lead can ever qualify"
    for number, question in enumerate(script.questions):
        path: Path = ("questions", number)
        for field in ("objection_on_yes", "objection_on_no"):
            key = getattr(question, field)
            if key and not script.objection(key):
                yield (
                    (*path, field),
                    f"there is no such objection as “{_spaced(key)}”: add it or choose one",
                )
        if question.only_if is not None:
            earlier = {each.slot: each for each in script.questions[:number]}
            for text in _unreachable(question.only_if, earlier):
                yield (*path, "only_if"), f"this question is never asked: {text}"
        taken: dict[str, str] = {}
        for position, option in enumerate(question.options):
            words = {normalised(phrase): phrase for phrase in option.triggers}
            if all(word in taken for word in words):
                text = "this answer is never chosen: all its words belong to answers above it"
                yield (*path, "options", position), f"{text}; give it words of its own"
            for word in words:
                taken.setdefault(word, option.value)


def _unreachable(condition: Condition, earlier: Mapping[str, Question]) -> Iterator[str]:
    """Yield why the condition of a follow-up can never be met."""
    question, asked = earlier.get(condition.slot), _spaced(condition.slot)
    if question is None:
        known = _spaced(", ".join(f"“{slot}”" for slot in earlier)) or "none"
        yield (
            f"it waits for “{asked}”, which is not asked before it (before it: {known}); "
            "choose an earlier question or move this one down"
        )
        return
    possible = _answers_to(question)
    if possible is None:
        low, high = condition.at_least, condition.at_most
        if condition.any_of or (low is None and high is None):
            yield f"the answer to “{asked}” is a number: say at least or at most how much"
        elif low is not None and high is not None and low > high:
            yield f"no answer is at least {low} and at most {high}: swap the two"
        return
    if not condition.any_of:
        yield f"say after which answers to “{asked}”: {_spaced(', '.join(sorted(possible)))}"
    for wanted in condition.any_of:
        if possible and wanted not in possible:
            answers = _spaced(", ".join(sorted(possible)))
            yield f"“{_spaced(wanted)}” is no answer to “{asked}”; its answers are {answers}"


def _answers_to(question: Question) -> frozenset[str] | None:
    """Return the answers a condition can name, empty for any words, None for numbers."""
    match question.type:
        case "choice":
            options = {option.value for option in question.options}
            return frozenset({*options, "other"} if question.other else options)
        case "yes_no":
            return frozenset({"yes", "no"})
        case "property":
            return HOMES
        case "text":
            return frozenset()
    return None


def _objections(script: Script) -> Found:
    for number, objection in enumerate(script.objections):
        if "?" not in objection.reengage:
            text = "the agent waits for an answer after this line: make it a question"
            yield ("objections", number, "reengage"), text


def _phrases(script: Script) -> Found:
    """That no two objections or facts wait for the same words, nor for words never left to them."""
    waiting: list[tuple[Path, str, Sequence[str]]] = [
        (("objections", number, "triggers"), f"objection “{_spaced(each.key)}”", each.triggers)
        for number, each in enumerate(script.objections)
    ]
    waiting += [
        (("facts", number, "triggers"), f"fact “{_spaced(each.key)}”", each.triggers)
        for number, each in enumerate(script.facts)
    ]
    person = script.transfer_triggers
    waiting.append((("transfer_triggers",), "the words that ask for a person", person))
    first: dict[str, str] = {}
    for path, name, phrases in waiting:
        for phrase in phrases:
            words = normalised(phrase)
            if words in TOO_COMMON or not words:
                yield path, f"“{phrase}” is in many answers that mean other things: say more words"
            elif is_opt_out(phrase):
                yield path, f"“{phrase}” always takes the lead off the list: no answer can follow"
            elif words in first and first[words] != name:
                yield path, f"“{phrase}” is already in {first[words]}: keep it in one place"
            first.setdefault(words, name)


def _limits(script: Script) -> Found:
    longest = sum(1 for question in script.questions if question.only_if is None)
    if script.limits.turns < longest + 2:
        yield (
            ("limits", "turns"),
            f"too few to ask {longest} questions and agree on a time: allow {longest + 2} or more",
        )


def _spaced(name: str) -> str:
    return name.replace("_", " ")
