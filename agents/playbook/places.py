"""Places in a script: where each line stands, and how a place is called."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, get_args

from pydantic import BaseModel

Path = tuple[str | int, ...]
"""Keys and indices from the script down, such as ("questions", 2, "ask", 0)."""

_NOT_SPOKEN: Final = frozenset(
    {
        *("triggers", "yes_triggers", "no_triggers", "transfer_triggers", "never_say", "cues"),
        *("slot", "type", "key", "only_if", "objection_on_yes", "objection_on_no"),
        *("options", "persona", "limits", "languages"),
    }
)
_KINDS: Final = {"questions": "question", "objections": "objection", "facts": "fact"}


def lines_with_paths(value: Any, path: Path = ()) -> Iterator[tuple[Path, str]]:
    """Yield every line the agent can say, with its place, from a script or its data."""
    if isinstance(value, BaseModel):
        value = value.model_dump()
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, Mapping):
        for key, item in value.items():
            if key not in _NOT_SPOKEN:
                yield from lines_with_paths(item, (*path, key))
    elif isinstance(value, list | tuple):
        for number, item in enumerate(value):
            yield from lines_with_paths(item, (*path, number))


def spoken_lines(script: BaseModel) -> Iterator[tuple[str, str]]:
    """Yield every line the agent can say with the place it stands, such as `closing.goodbye`."""
    for path, line in lines_with_paths(script):
        yield dotted(path), line


def dotted(path: Path) -> str:
    """Return a place by its names alone: ("closing", "goodbye") -> "closing.goodbye"."""
    return ".".join(str(step) for step in path if isinstance(step, str))


def in_words(path: Path, data: Any, schema: type[BaseModel]) -> str:
    """Return a place as a manager would say it: “Question timeframe, asked as, line 1”."""
    words: list[str] = []
    model: Any = schema
    value, kind = data, ""
    for step in path:
        value = _inside(value, step)
        if isinstance(step, int):
            named = _name_of(value)
            if kind:
                words[-1] = f"{kind} {named or step + 1}"
            else:
                words.append(named or f"line {step + 1}")
            kind = ""
            continue
        title, model = _titled(model, step)
        words.append(title)
        kind = _KINDS.get(step, "answer" if step == "options" else "")
    where = ", ".join(words)
    return where[:1].upper() + where[1:]


def _inside(value: Any, step: str | int) -> Any:
    try:
        return value[step]
    except (KeyError, IndexError, TypeError):
        return None


def _name_of(value: Any) -> str:
    if not isinstance(value, Mapping):
        return ""
    return str(value.get("slot") or value.get("key") or value.get("value") or "").replace("_", " ")


def _titled(model: Any, name: str) -> tuple[str, Any]:
    """Return a field's title in a sentence, and the part it holds, if it holds one."""
    field = getattr(model, "model_fields", {}).get(name)
    if field is None:
        return name.replace("_", " "), None
    title = field.title or name.replace("_", " ")
    return title[:1].lower() + title[1:], part_in(field.annotation)


def part_in(annotation: Any) -> Any:
    """Return the part that a field's type holds, alone or in a list, None if it holds none."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    inner: Sequence[Any] = get_args(annotation)
    return next((part for each in inner if (part := part_in(each)) is not None), None)
