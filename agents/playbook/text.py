"""Words in a script: what a line, a name and a phrase may be."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
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
