"""Is it the person meant? By the lead's first name in normalised words."""

# ruff: noqa: E501  (a pattern is reviewed as one line; folding it hides its alternatives)
from __future__ import annotations

import re

from agents.understanding.intents import Intent
from agents.understanding.words import normalised


def somebody_else(words: str, first_name: str) -> Intent | None:
    """Hear "there is no Maria here", and "Maria is not home", which is something else."""
    name = re.escape(normalised(first_name))
    if not name:
        return None
    words = re.sub(rf"\b{name}'s\b", f"{name} is", words)
    if re.search(
        rf"\b{name} (is|has)( \w+)? (not (here|home|in|available|around|back|up|at home)|out|away|asleep|"
        rf"sleeping|at (work|school|church|the \w+)|gone|busy|left|stepped out|in (class|bed|the \w+))\b",
        words,
    ):
        return Intent.THIRD_PERSON
    if re.search(
        rf"\b(i am|this is|name is|it is) not {name}\b|\b(no|any) {name}\b.*\bhere\b|\bnot know (any|a) {name}\b",
        words,
    ) or re.search(
        rf"\b{name} (does not|is not|has not|no longer)\b.*\b(here|number|live)\b", words
    ):
        return Intent.WRONG_NUMBER
    return None
