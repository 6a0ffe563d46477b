"""A whole script: all that one playbook says and asks."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, ValidationError

from agents.playbook.faults import ScriptInvalid, faults_of
from agents.playbook.files import toml_read
from agents.playbook.lines import (
    CallbackLines,
    Closing,
    Disclosure,
    Greeting,
    IntakeLines,
    MachineLines,
    Scheduling,
    TransferLines,
)
from agents.playbook.parts import Fact, Limits, Objection, Persona, Question
from agents.playbook.text import Language, Line, Lines, Part, Phrases
from agents.playbook.turn_taking import TurnTaking


class Script(Part):
    """All that one playbook says and asks."""

    persona: Persona = Field(title="The agent")
    languages: Annotated[tuple[Language, ...], Field(min_length=1)] = Field(
        default=("en",), title="Languages spoken"
    )
    other_language: Line = Field(
        default="I am sorry, I only speak English. I will ask one of our agents to call you.",
        title="To a lead who speaks another language",
    )
    disclosure: Disclosure = Field(title="Disclosure")
    greeting: Greeting = Field(title="Opening")
    questions: Annotated[tuple[Question, ...], Field(min_length=1, max_length=20)] = Field(
        title="Questions"
    )
    acknowledgements: Annotated[tuple[Line, ...], Field(max_length=12)] = Field(
        default=(), title="Said after an answer", description="In turn, before the next question."
    )
    sympathy: Line = Field(
        default="I am sorry to hear that.",
        title="To sad news",
        description="Once a call, in place of the words after an answer.",
    )
    congratulations: Line = Field(
        default="Congratulations.",
        title="To good news",
        description="A wedding, a child. Once a call, in place of the words after an answer.",
    )
    left_open: Line = Field(
        default="That is all right.", title="When the lead cannot or will not say"
    )
    objections: Annotated[tuple[Objection, ...], Field(max_length=40)] = Field(
        default=(), title="Objections"
    )
    facts: Annotated[tuple[Fact, ...], Field(max_length=60)] = Field(default=(), title="Facts")
    scheduling: Scheduling = Field(title="Appointment")
    callback: CallbackLines = Field(title="Calling again")
    machines: MachineLines = Field(default=MachineLines(), title="When a machine answers")
    intake: IntakeLines = Field(default=IntakeLines(), title="When somebody unknown calls us")
    transfer: TransferLines = Field(default=TransferLines(), title="Putting through to a person")
    closing: Closing = Field(title="Closing")
    opt_out_confirm: Line = Field(title="After an opt-out")
    recording_stopped: Line = Field(title="When a lead refuses the recording")
    not_recorded: Line = Field(
        default="No, this call is not being recorded.", title="“Is this recorded?”, when it is not"
    )
    hold: Line = Field(title="“Wait a moment”")
    fillers: Annotated[tuple[Line, ...], Field(min_length=1, max_length=8)] = Field(
        default=("Let me see.", "Let me think."),
        title="While an answer is looked for",
        description="A few words, once a turn at most.",
    )
    no_answer: Lines = Field(
        default=("I do not have that at hand.", "Our agent can tell you."),
        title="To a question that nobody can answer",
        description="Neither a fact of the playbook nor the language model.",
    )
    reprompts: Annotated[tuple[Line, ...], Field(min_length=2, max_length=5)] = Field(
        title="When the lead is silent", description="The first time, the second time, and so on."
    )
    not_understood: Line = Field(title="When the agent did not understand")
    voicemail: Lines = Field(title="Message on voicemail")
    transfer_triggers: Phrases = Field(
        default=(), title="Words that ask for a person", description="One wording a line."
    )
    never_say: Phrases = Field(
        default=(),
        title="Never say",
        description="Words that no line and no model may say. One a line.",
    )
    turn_taking: TurnTaking = Field(default=TurnTaking(), title="Taking turns")
    limits: Limits = Field(default=Limits(), title="Limits")

    @classmethod
    def checked(cls, data: Mapping[str, Any]) -> Script:
        """Return the script in `data`.

        Raises:
            ScriptInvalid: with every fault in words a manager understands.
        """
        # The rules read phrases as the agents understand them, and those read scripts.
        from agents.playbook.rules import faults_in

        try:
            script = cls.model_validate(data)
        except ValidationError as error:
            raise ScriptInvalid(faults_of(error, data, cls)) from error
        if faults := list(faults_in(script)):
            raise ScriptInvalid(faults)
        return script

    @classmethod
    def from_toml(cls, path: Path) -> Script:
        """Return the script in a TOML file. Raises `ScriptInvalid`."""
        return cls.checked(toml_read(path.read_bytes(), name=path.name))

    def question(self, slot: str) -> Question:
        """Return the question that fills `slot`. Raises KeyError."""
        for question in self.questions:
            if question.slot == slot:
                return question
        raise KeyError(slot)

    def questions_for(self, answers: Mapping[str, Any]) -> tuple[Question, ...]:
        """Return the questions to ask a lead, given slot -> value as known so far.

        A follow-up whose condition is not met, or not known yet, is not among them, nor is what
        follows up on it.
        """
        asked: list[Question] = []
        known: dict[str, Any] = {}
        for question in self.questions:
            rule = question.only_if
            if rule is None or (rule.slot in known and rule.holds(known[rule.slot])):
                asked.append(question)
                if question.slot in answers:
                    known[question.slot] = answers[question.slot]
        return tuple(asked)

    def objection(self, key: str) -> Objection | None:
        """Return the objection called `key`, if the playbook knows it."""
        return next((each for each in self.objections if each.key == key), None)

    def fact(self, key: str) -> Fact | None:
        """Return the fact called `key`, if the playbook states it."""
        return next((each for each in self.facts if each.key == key), None)
