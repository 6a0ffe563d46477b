"""What a row changes about a lead that is known, and how to take it back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

TEXT_FIELDS: Final = (
    "first_name", "last_name", "email", "street", "city", "state", "postal_code",
)  # fmt: skip
FIELDS: Final = (*TEXT_FIELDS, "kind", "source", "tags", "custom_fields", "time_zones")
"""The fields of a lead that an import may touch."""
_CUSTOM: Final = "custom_fields."

Changes = dict[str, list[Any]]
"""Field, or "custom_fields.<name>": the value before and the value after."""


def changes_of(now: Mapping[str, Any], said: Mapping[str, Any], *, overwrite: bool) -> Changes:
    """Return what a row changes. An empty cell changes nothing, ever.

    Args:
        now: the lead's fields as they are.
        said: the fields of the row.
        overwrite: whether a filled field takes the file's value, too.
    """
    changes: Changes = {}
    for name in TEXT_FIELDS:
        new = said.get(name, "")
        if new and new != now[name] and (overwrite or not now[name]):
            changes[name] = [now[name], new]
    # Every lead has a kind, so that only an outright order replaces it. Where a lead first came
    # from stays what it was.
    if overwrite and said.get("kind", now["kind"]) != now["kind"]:
        changes["kind"] = [now["kind"], said["kind"]]
    if said.get("source") and not now["source"]:
        changes["source"] = ["", said["source"]]
    tags = [tag for tag in said.get("tags", ()) if tag not in now["tags"]]
    if tags:
        changes["tags"] = [list(now["tags"]), [*now["tags"], *tags]]
    for key, new in said.get("custom_fields", {}).items():
        old = now["custom_fields"].get(key)
        if new != old and (overwrite or not old):
            changes[_CUSTOM + key] = [old, new]
    if "state" in changes:
        # The old address may still be true: no zone is ever taken away, as the strictest counts.
        zones = list(dict.fromkeys([*said.get("time_zones", ()), *now["time_zones"]]))
        if zones != list(now["time_zones"]):
            changes["time_zones"] = [list(now["time_zones"]), zones]
    return changes


def changed(now: Mapping[str, Any], changes: Changes) -> dict[str, Any]:
    """Return the new values of the fields that a row changes."""
    values: dict[str, Any] = {}
    for name, (_, new) in changes.items():
        if name.startswith(_CUSTOM):
            custom = values.setdefault("custom_fields", dict(now["custom_fields"]))
            custom[name.removeprefix(_CUSTOM)] = new
        else:
            values[name] = new
    return values


def restored(now: Mapping[str, Any], changes: Changes) -> tuple[dict[str, Any], int]:
    """Return the values that undo a row, and how many fields stay because they changed since."""
    values: dict[str, Any] = {}
    kept = 0
    for name, (old, new) in changes.items():
        if name.startswith(_CUSTOM):
            key = name.removeprefix(_CUSTOM)
            custom = values.get("custom_fields", dict(now["custom_fields"]))
            if custom.get(key) != new:
                kept += 1
                continue
            if old is None:
                del custom[key]
            else:
                custom[key] = old
            values["custom_fields"] = custom
        elif name in ("tags", "time_zones"):
            added = [item for item in new if item not in old]
            values[name] = [item for item in now[name] if item not in added]
        elif now[name] == new:
            values[name] = old
        else:
            kept += 1
    return values, kept
