"""What is wrong with a script, each fault with its place and in words a manager understands."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ValidationError

from agents.playbook.places import Path, in_words


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing to change. `path` is the place in the script's data; `text` says what and how."""

    path: Path
    text: str
    where: str
    """The place in words, such as “Question timeframe, asked as, line 1”."""

    def __str__(self) -> str:
        return f"{self.where}: {self.text}" if self.where else self.text


class ScriptInvalid(ValueError):  # noqa: N818 - reads as what happened, like the others
    """A script that cannot be used. `faults` tell a manager what to change, one thing each."""

    def __init__(self, faults: Sequence[Fault | str]) -> None:
        self.faults = tuple(
            fault if isinstance(fault, Fault) else Fault((), fault, "") for fault in faults
        )
        self.messages = [str(fault) for fault in self.faults]
        super().__init__("; ".join(self.messages))


def faults_of(
    error: ValidationError, data: Mapping[str, Any], schema: type[BaseModel]
) -> list[Fault]:
    """Return what pydantic found in a script's data."""
    return [
        Fault(fault["loc"], _text(fault), in_words(fault["loc"], data, schema))
        for fault in error.errors()
    ]


def _text(fault: Any) -> str:
    kind, context = fault["type"], fault.get("ctx", {})
    match kind:
        case "missing":
            return "is missing; write it"
        case "extra_forbidden":
            return "is not something a playbook has; check the spelling"
        case "too_short":
            return f"write at least {context['min_length']}"
        case "too_long":
            return f"at most {context['max_length']}, leave some out"
        case "string_too_short":
            return f"is too short; write at least {context['min_length']} letters"
        case "string_too_long":
            return f"is too long; write at most {context['max_length']} letters"
        case "string_pattern_mismatch":
            return f"“{fault['input']}” is not a name; begin with a letter, then letters and digits"
        case "literal_error":
            return f"“{fault['input']}” is not one of {context['expected']}"
        case "greater_than_equal":
            return f"has to be {context['ge']} or more"
        case "less_than_equal":
            return f"has to be {context['le']} or less"
        case "int_parsing" | "int_type" | "int_from_float":
            return "has to be a whole number"
        case "string_type":
            return "has to be text"
        case "bool_type" | "bool_parsing":
            return "has to be yes or no"
    return str(fault["msg"]).removeprefix("Value error, ")
