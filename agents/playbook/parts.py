"""The parts of a script. Titles and descriptions are what a manager reads beside each field."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Self

from pydantic import Field, StringConstraints, model_validator

from agents.playbook.text import (
    Line,
    Lines,
    Name,
    ObjectionName,
    Part,
    Phrases,
    SlotType,
    SomePhrases,
)


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


class Limits(Part):
    """Where the agent stops by itself. `turns` are the lead's."""

    turns: Annotated[int, Field(ge=5, le=200)] = Field(default=40, title="Turns of the lead")
    minutes: Annotated[int, Field(ge=1, le=30)] = Field(default=8, title="Minutes")
