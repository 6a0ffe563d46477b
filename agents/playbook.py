"""What a playbook holds: persona, lines, questions, objections, limits; checked before it is kept.

A script is data a manager writes. Every line is meant to be spoken: short, one idea a sentence.
Lines may hold placeholders in braces; which ones depends on where the line is spoken.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    model_validator,
)

SENTENCE_WORDS = 24
"""The longest sentence in words; longer ones are lost on a telephone."""
LINE_WORDS = 55

ALWAYS = frozenset({"business", "agent", "first_name"})
PLACEHOLDER = re.compile(r"\{([^{}]*)\}")

Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
Phrase = Annotated[str, StringConstraints(strip_whitespace=True, min_length=2, max_length=80)]


class ScriptInvalid(ValueError):  # noqa: N818 - reads as what happened, like the others
    """A script that cannot be used. `messages` tell a manager what to change, one thing each."""

    def __init__(self, messages: list[str]) -> None:
        super().__init__("; ".join(messages))
        self.messages = messages


def _speakable(line: str) -> str:
    line = " ".join(line.split())
    if not line:
        raise ValueError("the line is empty: write what is to be said")
    if re.search(r"[*_#<>\[\]|\\]|https?:", PLACEHOLDER.sub("", line)):
        raise ValueError("the line holds signs that cannot be spoken, such as * # [ ] or a link")
    if len(line.split()) > LINE_WORDS:
        raise ValueError(
            f"the line is too long to say ({len(line.split())} words, at most {LINE_WORDS})"
        )
    for sentence in re.split(r"(?<=[.!?])\s+", line):
        if len(sentence.split()) > SENTENCE_WORDS:
            raise ValueError(
                f"the sentence “{sentence[:40]}…” is too long to follow on the telephone "
                f"({len(sentence.split())} words, at most {SENTENCE_WORDS}): split it"
            )
    return line


Line = Annotated[str, AfterValidator(_speakable)]
Lines = Annotated[tuple[Line, ...], Field(min_length=1)]


class Part(BaseModel):
    """A part of a script: nothing unknown in it, never changed."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Persona(Part):
    """Who speaks."""

    name: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=40)]


class Disclosure(Part):
    """The first thing said, always. `recorded` is left out on calls that are not recorded."""

    identity: Line
    recorded: Line
    opt_out: Line


class Greeting(Part):
    """Asks for a good time. `returning` replaces `ask` for a lead we have spoken with before."""

    ask: Lines
    returning: Line | None = None
    clarify: Lines


class Option(Part):
    """One kind of answer to a `choice` question and the words that tell it.

    `strength` 0-3 is how much the answer says that the lead will act; the score uses it.
    """

    value: Name
    triggers: Annotated[tuple[Phrase, ...], Field(min_length=1)]
    strength: Annotated[int, Field(ge=0, le=3)] = 1


class Question(Part):
    """A question and the slot its answer fills.

    Types: `choice` (one of `options`, anything else is kept as "other"), `months` (how long from
    now), `property` (kind, bedrooms), `money` (USD), `count`, `yes_no`.
    """

    slot: Name
    type: Literal["choice", "months", "property", "money", "count", "yes_no"]
    required: bool = True
    ask: Lines
    clarify: Lines
    why: Line
    options: tuple[Option, ...] = ()
    yes_triggers: tuple[Phrase, ...] = ()
    no_triggers: tuple[Phrase, ...] = ()
    objection_on_yes: str = ""

    @model_validator(mode="after")
    def _fits_its_type(self) -> Self:
        if self.type == "choice" and not self.options:
            raise ValueError("a question of type choice needs options")
        if self.type != "choice" and self.options:
            raise ValueError("only a question of type choice has options")
        if self.type != "yes_no" and (self.yes_triggers or self.no_triggers):
            raise ValueError("only a yes-or-no question has yes_triggers and no_triggers")
        return self


class Objection(Part):
    """A reason against going on: how it sounds, the answer, and one line to get going again.

    With `refusal` it is a "no" to the whole matter, and a second "no" ends the call.
    """

    key: Name
    triggers: Annotated[tuple[Phrase, ...], Field(min_length=1)]
    answer: Lines
    reengage: Line
    refusal: bool = False


class Fact(Part):
    """Something the agent may state when asked."""

    key: Name
    triggers: tuple[Phrase, ...] = ()
    answer: Lines


class Scheduling(Part):
    """Lines around the appointment."""

    offer: Line
    offer_one: Line
    offer_again: Line
    clarify: Lines
    confirm: Line
    booking: Line
    booked: Line
    taken: Line
    none_left: Line


class CallbackLines(Part):
    """Lines around calling again."""

    ask: Lines
    clarify: Lines
    confirm: Line
    done: Line
    hours: Line


class Closing(Part):
    """Last lines, by what the call came to."""

    goodbye: Line
    qualified: Line
    not_interested: Line
    wrong_number: Line
    silence: Line
    out_of_time: Line


class Limits(Part):
    """Where the agent stops by itself. `turns` are the lead's."""

    turns: Annotated[int, Field(ge=5, le=200)] = 40
    minutes: Annotated[int, Field(ge=1, le=30)] = 8


class Script(Part):
    """All that one playbook says and asks."""

    persona: Persona
    disclosure: Disclosure
    greeting: Greeting
    questions: Annotated[tuple[Question, ...], Field(min_length=1, max_length=12)]
    acknowledgements: tuple[Line, ...] = ()
    objections: tuple[Objection, ...] = ()
    facts: tuple[Fact, ...] = ()
    scheduling: Scheduling
    callback: CallbackLines
    closing: Closing
    opt_out_confirm: Line
    recording_stopped: Line
    not_recorded: Line = "No, this call is not being recorded."
    hold: Line
    fillers: Annotated[tuple[Line, ...], Field(min_length=1)] = ("Let me see.", "Let me think.")
    """Said while an answer is being looked for: a few words, once a turn at most."""
    no_answer: Lines = ("I do not have that at hand.", "Our agent can tell you.")
    """Said to a question that neither the playbook nor a model can answer."""
    reprompts: Annotated[tuple[Line, ...], Field(min_length=2)]
    not_understood: Line
    voicemail: Lines
    transfer_triggers: tuple[Phrase, ...] = ()
    never_say: tuple[Phrase, ...] = ()
    limits: Limits = Limits()

    @classmethod
    def checked(cls, data: Mapping[str, Any]) -> Script:
        """Return the script in `data`.

        Raises:
            ScriptInvalid: with every fault in words a manager understands.
        """
        try:
            script = cls.model_validate(data)
        except ValidationError as error:
            raise ScriptInvalid([_message(fault, data) for fault in error.errors()]) from error
        if faults := list(_faults(script)):
            raise ScriptInvalid(faults)
        return script

    @classmethod
    def from_toml(cls, path: Path) -> Script:
        """Return the script in a TOML file. Raises `ScriptInvalid`."""
        try:
            data = tomllib.loads(path.read_text(encoding="utf-8"))
        except tomllib.TOMLDecodeError as error:
            raise ScriptInvalid([f"{path.name} is not readable TOML: {error}"]) from error
        return cls.checked(data)

    def question(self, slot: str) -> Question:
        """Return the question that fills `slot`. Raises KeyError."""
        for question in self.questions:
            if question.slot == slot:
                return question
        raise KeyError(slot)

    def objection(self, key: str) -> Objection | None:
        """Return the objection called `key`, if the playbook knows it."""
        return next((each for each in self.objections if each.key == key), None)

    def fact(self, key: str) -> Fact | None:
        """Return the fact called `key`, if the playbook states it."""
        return next((each for each in self.facts if each.key == key), None)


_EXTRA: Mapping[str, frozenset[str]] = {
    "scheduling.offer": frozenset({"slot_1", "slot_2"}),
    "scheduling.offer_again": frozenset({"slot_1", "slot_2"}),
    "scheduling.offer_one": frozenset({"slot_1"}),
    "scheduling.clarify": frozenset({"slot_1", "slot_2"}),
    "scheduling.confirm": frozenset({"slot_1"}),
    "scheduling.booked": frozenset({"slot_1", "rep"}),
    "callback.confirm": frozenset({"time"}),
    "callback.done": frozenset({"time"}),
}
_REQUIRED: Mapping[str, frozenset[str]] = {
    "disclosure.identity": frozenset({"business"}),
    "scheduling.offer": frozenset({"slot_1", "slot_2"}),
    "scheduling.offer_again": frozenset({"slot_1", "slot_2"}),
    "scheduling.offer_one": frozenset({"slot_1"}),
    "scheduling.confirm": frozenset({"slot_1"}),
    "callback.confirm": frozenset({"time"}),
}
_NOT_SPOKEN = ("triggers", "never_say", "yes_triggers", "no_triggers", "transfer_triggers")


def spoken_lines(script: Script) -> Iterator[tuple[str, str]]:
    """Yield every line the agent can say with the place it stands, such as `closing.goodbye`."""
    yield from _strings(script.model_dump(), "")


def _strings(value: Any, place: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        yield place, value
    elif isinstance(value, Mapping):
        for key, item in value.items():
            skipped = key in _NOT_SPOKEN or key in ("slot", "type", "key", "objection_on_yes")
            if not skipped and key not in ("options", "persona", "limits"):
                yield from _strings(item, f"{place}.{key}" if place else key)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _strings(item, place)


def _faults(script: Script) -> Iterator[str]:
    """Yield what is wrong with a script whose parts are each well formed."""
    for place, line in spoken_lines(script):
        named = set(PLACEHOLDER.findall(line))
        allowed = ALWAYS | _EXTRA.get(place, frozenset())
        for unknown in sorted(named - allowed):
            known = ", ".join("{" + name + "}" for name in sorted(allowed))
            yield f"{place}: {{{unknown}}} is not known here; you can use {known}"
        for missing in sorted(_REQUIRED.get(place, frozenset()) - named):
            yield f"{place}: the line has to contain {{{missing}}}"
        for phrase in script.never_say:
            if re.search(rf"\b{re.escape(phrase.lower())}\b", line.lower()):
                yield f"{place}: says “{phrase}”, which is on the list of things never to say"
    yield from _disclosure_faults(script)
    for name, keys in (
        ("questions", [question.slot for question in script.questions]),
        ("objections", [objection.key for objection in script.objections]),
        ("facts", [fact.key for fact in script.facts]),
    ):
        for key in sorted({key for key in keys if keys.count(key) > 1}):
            yield f"{name}: “{key}” is there more than once; give each its own name"
    if not any(question.required for question in script.questions):
        yield "questions: mark at least one as required, or no lead can ever qualify"
    for question in script.questions:
        if question.objection_on_yes and not script.objection(question.objection_on_yes):
            yield (
                f"question {question.slot}: objection_on_yes names "
                f"“{question.objection_on_yes}”, and there is no such objection"
            )
    if not script.fact("robot"):
        yield "facts: add one called “robot” that says the caller is an AI"


def _disclosure_faults(script: Script) -> Iterator[str]:
    """Yield what the law asks of the first sentences and is not there (COMPLIANCE: identification,
    47 CFR 64.1200(b) and FCC 24-17)."""
    ai = re.compile(r"\b(A\.?I\.?|artificial|automated|virtual)\b", re.IGNORECASE)
    if not ai.search(script.disclosure.identity):
        yield "disclosure.identity: say that the caller is an AI assistant"
    if not re.search(r"\brecord", script.disclosure.recorded, re.IGNORECASE):
        yield "disclosure.recorded: say that the call is recorded"
    opt_out = script.disclosure.opt_out.lower()
    if "stop" not in opt_out or not re.search(r"\b(nine|9)\b", opt_out):
        yield "disclosure.opt_out: tell how to opt out: “say stop” and “press nine”"
    robot = script.fact("robot")
    if robot and not any(ai.search(line) for line in robot.answer):
        yield "fact robot: the answer has to say that the caller is an AI"
    message = " ".join(script.voicemail)
    if "{business}" not in message or not ai.search(message):
        yield "voicemail: name {business} and say that the caller is an AI assistant"


_KINDS = {"questions": "question", "objections": "objection", "facts": "fact"}


def _message(fault: Any, data: Mapping[str, Any]) -> str:
    """Return one pydantic fault as a sentence that names the place in the playbook."""
    place: list[str] = []
    value: Any = data
    for step in fault["loc"]:
        try:
            value = value[step]
        except (KeyError, IndexError, TypeError):
            value = None
        if isinstance(step, int) and place and place[-1] in _KINDS:
            named = value.get("slot") or value.get("key") if isinstance(value, Mapping) else None
            place[-1] = f"{_KINDS[place[-1]]} {named or step + 1}"
        else:
            place.append(f"line {step + 1}" if isinstance(step, int) else str(step))
    where = ", ".join(place)
    kind = fault["type"]
    if kind == "missing":
        return f"{where} is missing"
    if kind == "extra_forbidden":
        return f"{where} is not something a playbook has; check the spelling"
    if kind == "too_short":
        return f"{where}: write at least {fault['ctx']['min_length']}"
    if kind == "string_pattern_mismatch":
        return f"{where}: “{fault['input']}” is not a name; use small letters, digits and _"
    return f"{where}: {str(fault['msg']).removeprefix('Value error, ')}"
