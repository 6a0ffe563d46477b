"""What differs between two scripts, place by place, in words a manager reads."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import SequenceMatcher
from typing import Any, Final, Literal

from agents.playbook.parts import Fact, Objection, Option, Question
from agents.playbook.places import Path, in_words
from agents.playbook.script import Script
from agents.playbook.text import Part

_NAMED_BY: Final = {"questions": "slot", "objections": "key", "facts": "key", "options": "value"}
"""Lists whose parts are the same part when they have the same name."""
_SCHEMAS: Final[Mapping[str, type[Part]]] = {
    "questions": Question,
    "objections": Objection,
    "facts": Fact,
    "options": Option,
}


@dataclass(frozen=True, slots=True)
class Run:
    """Some words, and whether they are in both scripts ("same"), or only in one of them."""

    text: str
    kind: Literal["same", "gone", "new"]


Runs = tuple[Run, ...]
Kind = Literal["changed", "added", "removed", "moved"]


@dataclass(frozen=True, slots=True)
class Change:
    """One difference. A part that was only moved has no words here: they are the same."""

    section: str
    where: str
    kind: Kind
    before: Runs = ()
    after: Runs = ()


def changes_between(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Change]:
    """Return what differs between the data of two scripts, in the order of the script.

    Both are read with today's defaults, so that a field which has come since is no difference.

    Raises:
        ValidationError: one of them is no script.
    """
    old, new = _complete(before), _complete(after)
    return list(_differences(old, new, _Place(old, new)))


def _complete(data: Mapping[str, Any]) -> dict[str, Any]:
    return Script.model_validate(data).model_dump(mode="json")


@dataclass(frozen=True, slots=True)
class _Place:
    """A place in both scripts. The same question may stand elsewhere in each."""

    old_script: Mapping[str, Any]
    new_script: Mapping[str, Any]
    old: Path = ()
    new: Path = ()

    def inside(self, old: str | int, new: str | int) -> _Place:
        """Return a place within it."""
        return replace(self, old=(*self.old, old), new=(*self.new, new))

    def change(self, kind: Kind, before: Runs = (), after: Runs = ()) -> Change:
        """Return a change here."""
        is_gone = kind == "removed"
        path, script = (self.old, self.old_script) if is_gone else (self.new, self.new_script)
        section = in_words(path[:1], script, Script)
        where = in_words(path, script, Script)
        return Change(section, where, kind, before, after)


def _differences(old: Any, new: Any, place: _Place) -> Iterator[Change]:
    if old == new:
        return
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        for key in new:
            yield from _differences(old.get(key), new[key], place.inside(key, key))
    elif place.new and place.new[-1] in _NAMED_BY:
        yield from _parts(old or [], new or [], place)
    else:
        before, after = runs(_text(old), _text(new))
        yield place.change("changed", before, after)


def _parts(
    old: Sequence[Mapping[str, Any]], new: Sequence[Mapping[str, Any]], place: _Place
) -> Iterator[Change]:
    name = _NAMED_BY[str(place.new[-1])]
    old_at = {part[name]: number for number, part in enumerate(old)}
    new_at = {part[name]: number for number, part in enumerate(new)}
    for key, number in old_at.items():
        if key not in new_at:
            gone = Run(_part_text(old[number], str(place.old[-1])), "gone")
            yield place.inside(number, number).change("removed", before=(gone,))
    in_place = _longest_in_order([old_at[key] for key in new_at if key in old_at])
    for key, number in new_at.items():
        if key not in old_at:
            added = Run(_part_text(new[number], str(place.new[-1])), "new")
            yield place.inside(number, number).change("added", after=(added,))
            continue
        here = place.inside(old_at[key], number)
        if old_at[key] not in in_place:
            yield here.change("moved")
        yield from _differences(old[old_at[key]], new[number], here)


def _longest_in_order(places: Sequence[int]) -> set[int]:
    """Return the most places that already stand in order: the others were moved."""
    rows: list[list[int]] = []
    for at in places:
        before = [row for row in rows if row[-1] < at]
        longest: list[int] = max(before, key=len) if before else []
        rows.append([*longest, at])
    best: list[int] = max(rows, key=len) if rows else []
    return set(best)


def _text(value: Any) -> str:
    """Return a value of a script as a manager reads it, each line on one."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Mapping):
        inner = {key.replace("_", " "): _text(each) for key, each in value.items()}
        return ", ".join(f"{key} {text}".replace("\n", ", ") for key, text in inner.items() if text)
    if isinstance(value, list | tuple):
        return "\n".join(_text(each) for each in value)
    return str(value)


def _part_text(part: Mapping[str, Any], name: str) -> str:
    """Return a whole question, objection, fact or answer: what its name does not tell already."""
    lines = []
    for key, field in _SCHEMAS[name].model_fields.items():
        value = part.get(key)
        if key == _NAMED_BY[name] or value in (field.default, None, "", []):
            continue
        if key in _SCHEMAS:
            lines += [f"{each[_NAMED_BY[key]]}: {_joined(each['triggers'])}" for each in value]
        else:
            lines.append(f"{field.title}: {_joined(value)}")
    return "\n".join(lines)


def _joined(value: Any) -> str:
    return _text(value).replace("\n", " · ")


def runs(before: str, after: str) -> tuple[Runs, Runs]:
    """Return two texts as runs of words, those that differ marked."""
    by_line = "\n" in before or "\n" in after
    old, new = _words(before, by_line), _words(after, by_line)
    left: list[Run] = []
    right: list[Run] = []
    for tag, i1, i2, j1, j2 in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if tag == "equal":
            left.append(Run("".join(old[i1:i2]), "same"))
            right.append(Run("".join(new[j1:j2]), "same"))
            continue
        if i2 > i1:
            left.append(Run("".join(old[i1:i2]), "gone"))
        if j2 > j1:
            right.append(Run("".join(new[j1:j2]), "new"))
    return tuple(left), tuple(right)


def _words(text: str, by_line: bool) -> list[str]:
    """Return words with the space after them; of a list, each line is one word."""
    if by_line:
        return [f"{line}\n" for line in text.splitlines()]
    return re.findall(r"\S+\s*", text)
