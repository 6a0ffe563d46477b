"""Who picks up: personas are data files, read and checked here."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

PERSONAS = Path(__file__).parent / "personas"

_PAUSE = re.compile(r"\[(\d+)\]")


class PersonaError(ValueError):
    """A persona that does not exist or cannot be read; the message names the file and the line."""


class Rule(BaseModel):
    """What the person does when the agent's turn matches.

    A rule matches by topic (`when`, shell-style patterns) or by the agent's nth turn
    (`agent_turn`), or both. It is applied when the agent has finished speaking, or, with
    `interrupt_after_ms`, in the middle of the agent's turn. A rule without any action means:
    stay silent.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    when: tuple[str, ...] = ()
    agent_turn: int = 0
    uses: int = 0  # at most this often; 0: as often as it matches
    say: tuple[str, ...] = ()  # the nth use says the nth line, later uses the last one
    press: str = Field(default="", pattern=r"^[0-9A-D*#]*$")
    think_ms: int = 0
    interrupt_after_ms: int = 0
    hang_up: bool = False  # right after saying it
    hang_up_after_ms: int = 0  # of silence, unless the agent has hung up by then

    @model_validator(mode="after")
    def _matches_something(self) -> Rule:
        if not self.when and not self.agent_turn:
            raise ValueError("a rule needs `when` or `agent_turn`")
        return self


class Persona(BaseModel):
    """A simulated lead: how the line answers and how the person behaves.

    Attributes:
        expected: the outcome a correct agent reaches with this person.
        answer: what the telephone network reports for the number.
        ring_ms: how long it rings; 0 takes the carrier's. For `no_answer`, when the network gives
            up (the caller's own Timeout may come first; 0 waits for it).
        answered_by, amd_ms: the verdict of answering machine detection and how long it takes.
        reaction_ms: silence heard after the agent's speech before this person starts to answer.
        script: answers in order, for an agent whose marks say nothing.
        patience_ms: how long this person waits in silence before asking `patience_say`.
        message_ms: how long a machine records after its beep.
        beep_after_ms: how long a machine is silent between its greeting and its beep.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    about: str
    expected: str
    answer: Literal["human", "machine", "busy", "no_answer", "failed"] = "human"
    ring_ms: int = 0
    answered_by: Literal["human", "machine_start", "fax", "unknown"] = "human"
    amd_ms: int = 2400
    opening: str = ""
    opening_after_ms: int = 700
    reaction_ms: int = 400
    patience_ms: int = 9000
    patience_say: str = ""
    patience_times: int = 2
    greeting: str = ""
    message_ms: int = 20_000
    beep_after_ms: int = 300
    most_turns: int = 40
    script: tuple[str, ...] = ()
    fallback: tuple[str, ...] = ()
    rule: tuple[Rule, ...] = ()

    @classmethod
    def load(cls, name: str) -> Persona:
        """Return one of the personas of this folder.

        Raises:
            PersonaError: there is no such file, or it is not a persona.
        """
        return load_persona(name)

    def lines(self) -> list[str]:
        """Return every line this person can say, each once, in the order of the file."""
        lines = [self.opening, self.greeting, self.patience_say, *self.script, *self.fallback]
        lines += [line for rule in self.rule for line in rule.say]
        return list(dict.fromkeys(line for line in lines if line))


def segments(line: str) -> list[str | int]:
    """Split a line into sentences to speak and pauses in ms: `"Well [700] I am not sure."`."""
    parts = _PAUSE.split(line)
    return [
        int(part) if number % 2 else part.strip()
        for number, part in enumerate(parts)
        if part.strip()
    ]


def clip_name(sentence: str) -> str:
    """Return the file name of a recorded sentence: its words, lower case, joined by `_`."""
    return "_".join(re.findall(r"[a-z0-9]+", sentence.lower())) + ".wav"


def load_persona(name: str, folder: Path = PERSONAS) -> Persona:
    """Return the persona `name` from its file.

    Raises:
        PersonaError: there is no such file, or it is not a persona.
    """
    path = folder / f"{name}.toml"
    if not re.fullmatch(r"[a-z0-9_]+", name) or not path.is_file():
        known = ", ".join(persona_names(folder))
        raise PersonaError(f"no persona called {name!r}; there are: {known}")
    try:
        return Persona(name=name, **tomllib.loads(path.read_text(encoding="utf-8")))
    except (tomllib.TOMLDecodeError, ValidationError, TypeError) as error:
        raise PersonaError(f"{path.name}: {error}") from error


def persona_names(folder: Path = PERSONAS) -> list[str]:
    """Return the names of all personas in a folder, sorted."""
    return sorted(path.stem for path in folder.glob("*.toml"))
