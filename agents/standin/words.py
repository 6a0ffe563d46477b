"""What the stand-in says, and how it counts it in tokens."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

_TOKEN = re.compile(r"\s*\S{1,6}")
_WORD = re.compile(r"[a-z]+")
_QUOTE = re.compile(r"[«“](.+)[»”]")
_COMMON = frozenset(
    _WORD.findall(
        "a an and are as at be but by can do does for from had has have how i if in is it me my no "
        "not of on one or our so that the there they this to us was we were what when where which "
        "who why will with would you your"
    )
)
UNKNOWN = "Our agent can tell you more about that."


def tokens(text: str) -> list[str]:
    """Return the text in pieces of at most six letters, as a tokenizer would; joined, the text."""
    pieces = _TOKEN.findall(text)
    rest = text[sum(len(piece) for piece in pieces) :]
    return [*pieces, rest] if rest else pieces


def answer_from(messages: Sequence[Mapping[str, Any]]) -> str:
    """Return the "- " line of the messages that shares most words with what the last one quotes.

    Without a quote it is the last line that counts.
    """
    last = str(messages[-1].get("content", "")).strip().rpartition("\n")[2] if messages else ""
    quoted = _QUOTE.search(last)
    question = _content_words(quoted[1] if quoted else last)
    lines = [
        line.removeprefix("- ").strip()
        for message in messages
        for line in str(message.get("content", "")).splitlines()
        if line.startswith("- ")
    ]
    best = max(lines, key=lambda line: len(_content_words(line) & question), default="")
    return best if _content_words(best) & question else UNKNOWN


def fitting(schema: Mapping[str, Any]) -> str:
    """Return the plainest JSON that fits a JSON schema."""
    return json.dumps(_fitting(schema, schema.get("$defs", {})))


def _fitting(schema: Mapping[str, Any], known: Mapping[str, Any]) -> Any:
    if "$ref" in schema:
        return _fitting(known[str(schema["$ref"]).rpartition("/")[2]], known)
    if "const" in schema:
        return schema["const"]
    if "enum" in schema:
        return schema["enum"][0]
    if options := schema.get("anyOf") or schema.get("oneOf"):
        nothing = any(option.get("type") == "null" for option in options)
        return None if nothing else _fitting(options[0], known)
    match schema.get("type"):
        case "object":
            parts = schema.get("properties", {})
            return {name: _fitting(part, known) for name, part in parts.items()}
        case "array":
            return []
        case "integer" | "number":
            return max(0, schema.get("minimum", 0))
        case "boolean":
            return False
        case "string":
            return "x" * schema.get("minLength", 0)
    return None


def _content_words(text: str) -> frozenset[str]:
    return frozenset(_WORD.findall(text.lower())) - _COMMON
