"""A script as a form: fields made from the schema, filled with what was typed, read back from it.

The form follows the schema: a field added there is on the page, with its title, by itself. Names
of fields are places, such as `questions.0.ask`. What is typed is kept as it was typed: a fault
never costs a word.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from types import NoneType, UnionType
from typing import (
    Annotated,
    Any,
    Final,
    Literal,
    Protocol,
    Union,
    get_args,
    get_origin,
    get_type_hints,
)

from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from agents.playbook.faults import Fault
from agents.playbook.parts import Condition
from agents.playbook.places import Path
from agents.playbook.text import LANGUAGES, Line, Name, ObjectionName, Phrase

LABELS: Final[Mapping[str, str]] = {
    "choice": "One of several answers",
    "months": "How long from now",
    "property": "Kind of home and bedrooms",
    "money": "An amount of money",
    "rent": "A rent a month",
    "count": "A number",
    "yes_no": "Yes or no",
    "text": "In the lead's own words",
    "quick": "Quick: short pauses end a turn",
    "balanced": "Balanced",
    "patient": "Patient: for leads who think aloud",
    "easy": "Easy: a short word is enough",
    "hard": "Hard: only a lead who insists",
    **LANGUAGES,
}
"""What the choices of a field are called."""

ONLY_FOR: Final[Mapping[str, str]] = {
    "options": "choice",
    "other": "choice",
    "yes_triggers": "yes_no",
    "no_triggers": "yes_no",
    "objection_on_yes": "yes_no",
    "objection_on_no": "yes_no",
    "cues": "text",
}
"""Fields of a question that only one kind of answer has."""


class Typed(Protocol):
    """What was typed into a form: a value or several to a name, in the order of the page."""

    def __contains__(self, name: object) -> bool: ...
    def __iter__(self) -> Any: ...
    def get(self, name: str, /) -> Any: ...
    def getlist(self, name: str, /) -> list[str]: ...


@dataclass(slots=True)
class Node:
    """A place in the form. `kind` says how it is shown, `value` is what stands in it."""

    kind: str
    path: Path
    title: str = ""
    help: str = ""
    value: Any = ""
    choices: list[tuple[str, str]] = field(default_factory=list)
    children: dict[str, Node] = field(default_factory=dict)
    items: list[Node] = field(default_factory=list)
    blank: Node | None = None
    """A part as it would be added to the list; the script puts its place where `__1__` stands."""
    only_for: str = ""
    faults: list[str] = field(default_factory=list)

    @property
    def name(self) -> str:
        """The name of the field in the form."""
        return ".".join(str(step) for step in self.path)

    @property
    def id(self) -> str:
        """The id of the element in the page."""
        return "f-" + "-".join(str(step) for step in self.path)

    @property
    def has_faults(self) -> bool:
        """Whether something in it has to be changed."""
        inner = (*self.children.values(), *self.items)
        return bool(self.faults) or any(node.has_faults for node in inner)

    @property
    def last(self) -> str:
        """The name of the field in its part."""
        return str(self.path[-1]) if self.path else ""

    @property
    def heading(self) -> str:
        """What a part in a list is called."""
        for named in ("slot", "key", "value"):
            if named in self.children:
                return str(self.children[named].value)
        return self.title

    @property
    def first_line(self) -> str:
        """The line by which a part in a list is known."""
        for spoken in ("ask", "answer"):
            if spoken in self.children:
                return str(self.children[spoken].value).partition("\n")[0]
        return ""


def form_of(
    schema: type[BaseModel], data: Mapping[str, Any] | None, faults: Iterable[Fault] = ()
) -> Node:
    """Return the form of a script's data, well formed or not, with its faults in their places."""
    root = _part(schema, (), data or {}, "", "")
    for fault in faults:
        _put(root, fault)
    return root


def _part(schema: type[BaseModel], path: Path, data: Any, title: str, help_text: str) -> Node:
    kind = "condition" if schema is Condition else "part"
    node = Node(kind, path, title, help_text)
    values = data if isinstance(data, Mapping) else {}
    for name, hint in hints(schema).items():
        info = schema.model_fields[name]
        missing = "" if info.default is PydanticUndefined else info.default
        child = _node(
            hint,
            (*path, name),
            values.get(name, missing),
            info.title or name.replace("_", " ").capitalize(),
            info.description or "",
        )
        child.only_for = ONLY_FOR.get(name, "") if "type" in schema.model_fields else ""
        node.children[name] = child
    return node


def _node(hint: Any, path: Path, value: Any, title: str, help_text: str) -> Node:
    kind, inner = kind_of(hint)
    if kind == "part":
        return _part(inner, path, value, title, help_text)
    node = Node(kind, path, title, help_text)
    if kind == "parts":
        items = value if isinstance(value, list | tuple) else []
        node.items = [
            _part(inner, (*path, number), _dumped(item), "", "")
            for number, item in enumerate(items)
        ]
        node.blank = _part(inner, (*path, f"__{len(path)}__"), {}, "", "")
        return node
    if kind in ("choice", "choices"):
        node.choices = [(each, LABELS.get(each, each)) for each in get_args(inner)]
    node.value = _shown(kind, value)
    return node


def _dumped(value: Any) -> Any:
    return value.model_dump() if isinstance(value, BaseModel) else value


def _shown(kind: str, value: Any) -> Any:
    """Return a value as it stands in its field."""
    if kind == "flag":
        return bool(value) if not isinstance(value, str) else value not in ("", "False", "false")
    if kind == "choices":
        return list(value) if isinstance(value, list | tuple) else []
    if kind in ("lines", "phrases", "names"):
        joint = ", " if kind == "names" else "\n"
        parts = value if isinstance(value, list | tuple) else [value]
        words = [str(each) for each in parts if each is not None]
        return joint.join(_spaced(each) for each in words) if kind == "names" else joint.join(words)
    if value is None:
        return ""
    return _spaced(str(value)) if kind == "name" else str(value)


def _spaced(name: str) -> str:
    return name.replace("_", " ")


def _put(root: Node, fault: Fault) -> None:
    """Attach a fault to the deepest place that its path leads to."""
    node, number = root, ""
    for step in fault.path:
        if isinstance(step, int) and node.kind == "parts" and step < len(node.items):
            node = node.items[step]
        elif isinstance(step, str) and step in node.children:
            node = node.children[step]
        else:
            is_line = isinstance(step, int) and node.kind in ("lines", "phrases")
            number = f"line {int(step) + 1}: " if is_line else ""
            break
    node.faults.append(number + fault.text)


def data_from(typed: Typed, schema: type[BaseModel], prefix: str = "") -> dict[str, Any]:
    """Return the data of a script from what was typed.

    A field that the form did not have is left out, so that its default holds.
    """
    data: dict[str, Any] = {}
    kind_of_answer = str(typed.get(f"{prefix}type") or "")
    for name, hint in hints(schema).items():
        if "type" in schema.model_fields and ONLY_FOR.get(name, kind_of_answer) != kind_of_answer:
            continue
        place = prefix + name
        kind, inner = kind_of(hint)
        if kind == "part":
            value = data_from(typed, inner, f"{place}.")
            if inner is Condition:
                data[name] = value if value.get("slot") else None
            elif value:
                data[name] = value
        elif kind == "parts":
            data[name] = [
                data_from(typed, inner, f"{place}.{each}.") for each in _places(typed, place)
            ]
        elif kind == "flag":
            if f"{place}.shown" in typed:
                data[name] = place in typed
        elif (place in typed or kind == "choices") and (
            value := _read(kind, hint, typed, place)
        ) is not _LEFT_OUT:
            data[name] = value
    return data


_LEFT_OUT: Final = object()


def _read(kind: str, hint: Any, typed: Typed, place: str) -> Any:
    if kind == "choices":
        return typed.getlist(place)
    text = str(typed.get(place) or "").replace("\r\n", "\n")
    if kind == "names":
        return [each.strip() for each in text.replace("\n", ",").split(",") if each.strip()]
    if kind in ("lines", "phrases"):
        return [line.strip() for line in text.split("\n") if line.strip()]
    if not text.strip() and _is_optional(hint):
        return None
    if kind == "number":
        short = text.strip()[:20]
        return int(short) if short.isdecimal() else short or _LEFT_OUT
    return text


def _places(typed: Typed, list_name: str) -> list[str]:
    """Return the parts of a list, by the order in which they stand on the page."""
    start = f"{list_name}."
    found = (name[len(start) :].partition(".")[0] for name in typed if name.startswith(start))
    return [each for each in dict.fromkeys(found) if not each.startswith("__")]


@cache
def hints(schema: type[BaseModel]) -> dict[str, Any]:
    """Return a part's fields with their types as they are written, in the schema's order."""
    found = get_type_hints(schema, include_extras=True)
    return {name: found[name] for name in schema.model_fields}


def kind_of(hint: Any) -> tuple[str, Any]:
    """Return how a type is shown in the form, and what it is made of."""
    for alias, kind in ((Line, "line"), (Name, "name"), (ObjectionName, "objection")):
        if hint == alias:
            return kind, str
    origin = get_origin(hint)
    if origin is Annotated:
        return kind_of(get_args(hint)[0])
    if origin in (Union, UnionType):
        return kind_of(next(each for each in get_args(hint) if each is not NoneType))
    if origin is Literal:
        return "choice", hint
    if origin is tuple:
        item = get_args(hint)[0]
        for alias, several in ((Line, "lines"), (Name, "names"), (Phrase, "phrases")):
            if item == alias:
                return several, str
        kind, inner = kind_of(item)
        return {"part": ("parts", inner), "choice": ("choices", inner)}.get(kind, ("phrases", str))
    if isinstance(hint, type) and issubclass(hint, BaseModel):
        return "part", hint
    return {bool: "flag", int: "number", float: "decimal"}.get(hint, "text"), hint


def _is_optional(hint: Any) -> bool:
    args: Sequence[Any] = get_args(hint)
    return get_origin(hint) in (Union, UnionType) and NoneType in args
