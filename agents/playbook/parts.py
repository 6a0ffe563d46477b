"""The parts of a script. Titles and descriptions are what a manager reads beside each field."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    model_validator,
)

SENTENCE_WORDS: Final = 24
"""The longest sentence in words; longer ones are lost on a telephone."""
LINE_WORDS: Final = 55

PLACEHOLDER = re.compile(r"\{([^{}]*)\}")

LANGUAGES: Final[Mapping[str, str]] = {
    "en": "English",
    "es": "Spanish",
    "fr": "French",
    "de": "German",
    "it": "Italian",
    "pt": "Portuguese",
    "zh": "Chinese",
    "vi": "Vietnamese",
    "ko": "Korean",
    "ru": "Russian",
}
"""Languages a playbook can name, by ISO 639-1 code."""


def _speakable(line: str) -> str:
    line = " ".join(line.split())
    if not line:
        raise ValueError("the line is empty: write what is to be said")
    if re.search(r"[*_#<>\[\]|\\]|https?:", PLACEHOLDER.sub("", line)):
        raise ValueError(
            "the line holds signs that cannot be spoken, such as * # [ ] or a link: "
            "write it as you would say it"
        )
    if len(line.split()) > LINE_WORDS:
        raise ValueError(
            f"the line is too long to say ({len(line.split())} words, at most {LINE_WORDS}): "
            "shorten it"
        )
    for sentence in re.split(r"(?<=[.!?])\s+", line):
        if len(sentence.split()) > SENTENCE_WORDS:
            raise ValueError(
                f"the sentence “{sentence[:40]}…” is too long to follow on the telephone "
                f"({len(sentence.split())} words, at most {SENTENCE_WORDS}): split it"
            )
    return line


def _name(value: Any) -> Any:
    """Return a name as it is kept: "Has an agent" -> "has_an_agent"."""
    if not isinstance(value, str):
        return value
    return re.sub(r"[^a-z0-9]+", "_", value.strip().lower()).strip("_")


def _once_each(phrases: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(phrases))


Line = Annotated[str, AfterValidator(_speakable)]
Lines = Annotated[tuple[Line, ...], Field(min_length=1, max_length=8)]
Name = Annotated[str, BeforeValidator(_name), StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
Phrase = Annotated[
    str, StringConstraints(strip_whitespace=True, to_lower=True, min_length=2, max_length=80)
]
Phrases = Annotated[tuple[Phrase, ...], Field(max_length=100), AfterValidator(_once_each)]
SomePhrases = Annotated[
    tuple[Phrase, ...], Field(min_length=1, max_length=100), AfterValidator(_once_each)
]
ObjectionName = Annotated[str, BeforeValidator(_name), StringConstraints(max_length=40)]
SlotType = Literal["choice", "months", "property", "money", "rent", "count", "yes_no", "text"]
Language = Literal["en", "es", "fr", "de", "it", "pt", "zh", "vi", "ko", "ru"]


class Part(BaseModel):
    """A part of a script: nothing unknown in it, never changed."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Persona(Part):
    """Who speaks."""

    name: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=40)] = (
        Field(title="Name", description="What the agent calls itself.")
    )
    manner: Annotated[str, StringConstraints(strip_whitespace=True, max_length=300)] = Field(
        default="",
        title="Manner",
        description="How the agent talks, in a sentence or two, for the language model. "
        "What is written in the script is said as it is.",
    )


class Disclosure(Part):
    """The first thing said, always. `recorded` is left out on calls that are not recorded."""

    identity: Line = Field(
        title="Who is calling", description="Names {business} and says that it is an AI."
    )
    recorded: Line = Field(title="Recording", description="Left out when a call is not recorded.")
    opt_out: Line = Field(title="How to opt out", description="By voice and by key nine.")


class Greeting(Part):
    """Asks for a good time. `returning` replaces `ask` for a lead we have spoken with before."""

    ask: Lines = Field(title="Why we call, and is it a good time?")
    returning: Line | None = Field(
        default=None, title="The same, to a lead we have spoken with", description="Optional."
    )
    inbound: Line = Field(
        default="{first_name}, thank you for calling us back. Do you have two minutes now?",
        title="The same, to a lead who calls us",
    )
    booked: Line = Field(
        default="{first_name}, you have an appointment {slot_1}. Does that still suit you?",
        title="To a lead who has an appointment",
    )
    still_so: Line = Field(
        default="Last time you said {answer}. Is that still so?",
        title="Asking whether an earlier answer holds",
    )
    third_person: Line = Field(
        default="When would be a good time to reach {first_name}?",
        title="When somebody else answers",
    )
    child: Line = Field(
        default="Thank you. I will call again another time.", title="When a child answers"
    )
    clarify: Lines = Field(title="If the answer is not clear")


class Condition(Part):
    """Asks a question only after certain answers to an earlier one.

    `any_of` are an option's value, "other", "yes", "no" or a kind of home; `at_least` and
    `at_most` bound months, dollars and counts.
    """

    slot: Name = Field(title="Earlier question")
    any_of: Annotated[tuple[Name, ...], Field(max_length=20)] = Field(
        default=(), title="when the answer is one of"
    )
    at_least: Annotated[int, Field(ge=0)] | None = Field(default=None, title="or at least")
    at_most: Annotated[int, Field(ge=0)] | None = Field(default=None, title="and at most")

    def holds(self, value: Any) -> bool:
        """Tell whether an answer's value meets the condition."""
        match value:
            case bool():
                return ("yes" if value else "no") in self.any_of
            case int():
                low, high = self.at_least, self.at_most
                return (low is None or value >= low) and (high is None or value <= high)
            case Mapping():
                return value.get("kind") in self.any_of
        return value in self.any_of


class Option(Part):
    """One kind of answer to a `choice` question and the words that tell it.

    `strength` 0-3 is how much the answer says that the lead will act; the score uses it.
    """

    value: Name = Field(title="Answer")
    triggers: SomePhrases = Field(
        title="Words that tell it", description="One a line, in as many wordings as people use."
    )
    strength: Annotated[int, Field(ge=0, le=3)] = Field(
        default=1,
        title="Strength",
        description="0 to 3: how likely such a lead acts. The score uses it.",
    )


class Question(Part):
    """A question and the slot its answer fills.

    Types: `choice` (one of `options`, anything else is kept as "other"), `months` (how long from
    now), `property` (kind, bedrooms), `money` (USD), `rent` (USD a month), `count`, `yes_no`,
    `text` (the lead's own words). With `only_if` it is a follow-up.
    """

    slot: Name = Field(title="Name of the answer", description="Such as “timeframe”.")
    type: SlotType = Field(title="Kind of answer")
    required: bool = Field(
        default=True,
        title="Needed to qualify",
        description="A lead qualifies once these are answered.",
    )
    only_if: Condition | None = Field(default=None, title="Ask only if")
    ask: Lines = Field(title="Asked as")
    clarify: Lines = Field(title="If the answer is not clear")
    why: Line = Field(title="If the lead asks why we ask")
    options: Annotated[tuple[Option, ...], Field(max_length=20)] = Field(
        default=(), title="Answers"
    )
    other: bool = Field(
        default=True,
        title="Any other answer counts",
        description="It is kept as “other”, in the lead's words. Otherwise the agent asks again.",
    )
    yes_triggers: Phrases = Field(default=(), title="Words that mean yes")
    no_triggers: Phrases = Field(default=(), title="Words that mean no")
    objection_on_yes: ObjectionName = Field(
        default="",
        title="A yes is the objection",
        description="The agent then answers that objection.",
    )
    objection_on_no: ObjectionName = Field(default="", title="A no is the objection")
    cues: Phrases = Field(
        default=(),
        title="Words just before it",
        description="They tell the answer when it is given unasked, such as “house in”.",
    )

    @model_validator(mode="after")
    def _fits_its_type(self) -> Self:
        if self.type == "choice" and not self.options:
            raise ValueError("a question of type choice needs options: add the answers you expect")
        if self.type != "choice" and self.options:
            raise ValueError("only a question of type choice has options")
        if self.type != "yes_no" and (self.yes_triggers or self.no_triggers):
            raise ValueError("only a yes-or-no question has yes_triggers and no_triggers")
        if self.type != "yes_no" and (self.objection_on_yes or self.objection_on_no):
            raise ValueError("only a yes or a no can be an objection")
        if self.type != "text" and self.cues:
            raise ValueError("only a question for the lead's own words has cues")
        return self

    def objection_for(self, value: Any) -> str:
        """Return the objection that an answer is, "" if it is none."""
        if value is True:
            return self.objection_on_yes
        return self.objection_on_no if value is False else ""


class Objection(Part):
    """A reason against going on: how it sounds, the answer, and one line to get going again.

    With `refusal` it is a "no" to the whole matter, and a second "no" ends the call.
    """

    key: Name = Field(title="Name")
    triggers: SomePhrases = Field(
        title="How it sounds", description="One wording a line, as many as people use."
    )
    answer: Lines = Field(title="Answer")
    reengage: Line = Field(
        title="Then ask", description="One question that gets the talk going again."
    )
    refusal: bool = Field(
        default=False,
        title="A no to the whole matter",
        description="A second no ends the call politely.",
    )


class Fact(Part):
    """Something the agent may state when asked."""

    key: Name = Field(title="Name")
    triggers: Phrases = Field(
        default=(), title="How it is asked", description="One wording a line."
    )
    answer: Lines = Field(title="Answer")


class Scheduling(Part):
    """Lines around the appointment."""

    offer: Line = Field(title="Offering two times")
    offer_one: Line = Field(title="Offering one time")
    offer_again: Line = Field(title="Offering other times")
    clarify: Lines = Field(title="If it is not clear which")
    confirm: Line = Field(title="Repeating the time")
    booking: Line = Field(title="While it is booked")
    booked: Line = Field(title="Booked")
    taken: Line = Field(title="The time was taken meanwhile")
    none_left: Line = Field(title="No time left to offer")
    nearest: Line = Field(
        default="I have nothing free then. The nearest are {slot_1}, or {slot_2}.",
        title="Nothing suits: the two nearest times",
    )
    nearest_one: Line = Field(
        default="I have nothing free then. The nearest is {slot_1}. Does that suit you?",
        title="Nothing suits: the nearest time",
    )
    move_or_cancel: Line = Field(
        default="Would you like another time, or shall I cancel it?",
        title="An appointment does not suit any more",
    )
    move_offer: Line = Field(
        default="I can move it to {slot_1}, or {slot_2}. Which is better for you?",
        title="Offering to move an appointment",
    )
    move_confirm: Line = Field(
        default="So that is {slot_1} instead, your time. Shall I move it?",
        title="Repeating where it is moved to",
    )
    moved: Line = Field(
        default="It is moved. {rep} will see you {slot_1}.", title="The appointment is moved"
    )
    cancel_confirm: Line = Field(
        default="Shall I cancel your appointment {slot_1}?", title="Asking before it is cancelled"
    )
    cancelled: Line = Field(default="It is cancelled.", title="The appointment is cancelled")
    rebook: Line = Field(
        default="Would you like to find another time instead?", title="Asking for another time"
    )
    kept: Line = Field(default="Good. Then it stays {slot_1}.", title="The appointment stays")
    no_appointment: Line = Field(
        default="I do not see an appointment under this number.",
        title="There is no appointment to change",
    )
    not_changed: Line = Field(
        default="I could not change it just now. One of our agents will call you about it.",
        title="The appointment could not be changed",
    )


class CallbackLines(Part):
    """Lines around calling again."""

    ask: Lines = Field(title="Asking when")
    clarify: Lines = Field(title="If it is not clear when")
    confirm: Line = Field(title="Repeating the time")
    done: Line = Field(title="Arranged")
    hours: Line = Field(title="When the time is too early or too late")


class IntakeLines(Part):
    """Lines for somebody who calls us and whom we do not know."""

    name: Line = Field(default="May I have your name, please?", title="Asking for the name")
    name_again: Line = Field(
        default="Sorry, I did not get your name. What is it, please?", title="If it is not clear"
    )
    need: Line = Field(
        default="Thank you. Are you thinking of selling, of buying, or of renting?",
        title="Asking what it is about",
    )
    need_again: Line = Field(
        default="Is it about selling a home, buying one, or renting one?",
        title="If that is not clear",
    )
    thanks: Line = Field(default="Thank you. I have a few short questions.", title="Then")
    other: Line = Field(
        default="Thank you. One of our agents can help you with that, and will call you.",
        title="If it is about something else",
        description="Then the agent asks when to call.",
    )


class TransferLines(Part):
    """Lines around putting a lead through to a person."""

    ring: Line = Field(
        default="Let me see whether one of our agents is free. One moment please.",
        title="While somebody is looked for",
    )
    wait: Lines = Field(
        default=("Thank you for waiting. I am still trying to reach someone.",),
        title="When it takes longer",
        description="In turn, at each longer silence.",
    )
    connect: Line = Field(
        default="Thank you for waiting. I am putting you through to {rep} now.",
        title="Somebody takes the call",
    )
    nobody: Line = Field(
        default="I am sorry, nobody is free just now.",
        title="Nobody takes it",
        description="Then the agent asks when to call.",
    )


class Closing(Part):
    """Last lines, by what the call came to."""

    goodbye: Line = Field(title="Goodbye")
    qualified: Line = Field(title="All answered, no appointment")
    not_interested: Line = Field(title="Not interested")
    wrong_number: Line = Field(title="Wrong number")
    silence: Line = Field(title="Nobody speaks")
    out_of_time: Line = Field(title="Out of time or money")


class Limits(Part):
    """Where the agent stops by itself. `turns` are the lead's."""

    turns: Annotated[int, Field(ge=5, le=200)] = Field(default=40, title="Turns of the lead")
    minutes: Annotated[int, Field(ge=1, le=30)] = Field(default=8, title="Minutes")
