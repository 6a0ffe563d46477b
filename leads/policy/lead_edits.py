"""What a change of a lead's data reads like in its timeline."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

LABELS: Final = {
    "phone": "number",
    "first_name": "first name",
    "last_name": "last name",
    "email": "e-mail",
    "kind": "kind",
    "street": "street",
    "city": "city",
    "state": "state",
    "postal_code": "postal code",
    "source": "source",
    "tags": "tags",
    "custom_fields": "custom fields",
}
"""The fields that a person may change, and how they are called."""


def edit_words(changes: Mapping[str, tuple[Any, Any]]) -> str:
    """Return what was changed in a sentence: field by field, before and after.

    Args:
        changes: of `LABELS`: value before, value after.
    """
    parts = []
    for name, (before, after) in changes.items():
        if name == "custom_fields":
            parts += [
                f"{key}: {_words(before.get(key))} → {_words(after.get(key))}"
                for key in dict.fromkeys((*before, *after))
                if before.get(key) != after.get(key)
            ]
        else:
            parts.append(f"{LABELS[name]}: {_words(before)} → {_words(after)}")
    return f"Edited. {'; '.join(parts)}."


def _words(value: Any) -> str:
    if isinstance(value, list | tuple):
        value = ", ".join(map(str, value))
    return str(value).strip() or "–" if value is not None else "–"
