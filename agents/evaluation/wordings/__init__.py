"""Wordings that must be understood one way, whatever a playbook says: one a line, in text files."""

from __future__ import annotations

from functools import cache
from pathlib import Path

FOLDER = Path(__file__).parent


@cache
def wordings(name: str) -> tuple[str, ...]:
    """Return the lines of `name`.txt, without comments."""
    lines = (FOLDER / f"{name}.txt").read_text(encoding="utf-8").splitlines()
    return tuple(line for line in lines if line.strip() and not line.startswith("#"))
