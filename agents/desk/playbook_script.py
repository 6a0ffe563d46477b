"""A version of a playbook as a script to read: who says what, when."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from agents.desk.playbook_page import sections_of
from agents.playbook.form import LABELS, Node


@dataclass(frozen=True, slots=True)
class Entry:
    """A place in the script: its title and what stands there. `level` is how deep it lies."""

    level: int
    title: str
    lines: tuple[str, ...] = ()
    is_phrases: bool = False


@dataclass(frozen=True, slots=True)
class Chapter:
    """A section of the script."""

    key: str
    title: str
    entries: list[Entry]


def script_lines(data: Mapping[str, Any]) -> list[Chapter]:
    """Return a script's data as chapters to read, without what is empty."""
    chapters = []
    for section in sections_of(data):
        entries: list[Entry] = []
        for node in section.nodes:
            _read(node, 0, entries)
        chapters.append(Chapter(section.key, section.title, entries))
    return chapters


def _read(node: Node, level: int, entries: list[Entry]) -> None:
    if node.kind == "condition":
        _condition(node, level, entries)
    elif node.kind == "part":
        entries.append(Entry(level, node.title))
        for child in node.children.values():
            _read(child, level + 1, entries)
    elif node.kind == "parts":
        for item in node.items:
            entries.append(Entry(level, item.heading.capitalize()))
            for name, child in item.children.items():
                if name not in ("slot", "key", "value"):
                    _read(child, level + 1, entries)
    elif lines := _lines(node):
        entries.append(Entry(level, node.title, lines, node.kind == "phrases"))


def _condition(node: Node, level: int, entries: list[Entry]) -> None:
    slot = str(node.children["slot"].value)
    if not slot:
        return
    parts = [
        f"{node.children[name].title.removeprefix('when the answer is ')} "
        f"{node.children[name].value}"
        for name in ("any_of", "at_least", "at_most")
        if node.children[name].value
    ]
    entries.append(Entry(level, node.title, (f"{slot} is {', '.join(parts)}",)))


def _lines(node: Node) -> tuple[str, ...]:
    if node.kind == "flag":
        return ("yes" if node.value else "no",)
    if node.kind == "choices":
        return tuple(LABELS.get(each, each) for each in node.value)
    if node.kind == "choice":
        return (LABELS.get(str(node.value), str(node.value)),)
    text = str(node.value).replace("_", " ") if node.kind == "objection" else str(node.value)
    return tuple(text.split("\n")) if text else ()
