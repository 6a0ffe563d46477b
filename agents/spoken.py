"""Answers in a reader's words: "3 months", "house, 3 bedrooms", "$400,000"."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def answer_text(kind: str, value: Any) -> str:
    """Return an answer of a question type as a person would write it."""
    if kind == "months" and isinstance(value, int):
        return "at once" if value == 0 else f"{value} month{'s' if value > 1 else ''}"
    if kind == "money" and isinstance(value, int):
        return f"${value:,}"
    if kind == "rent" and isinstance(value, int):
        return f"${value:,} a month"
    if kind == "text":
        return str(value)
    if kind == "property" and isinstance(value, Mapping):
        rooms = value.get("bedrooms")
        parts = [str(value["kind"]).replace("_", " ")] if value.get("kind") else []
        if rooms is not None:
            parts.append("studio" if rooms == 0 else f"{rooms} bedroom{'s' if rooms > 1 else ''}")
        return ", ".join(parts)
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value).replace("_", " ")
