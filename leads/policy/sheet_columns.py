"""What the columns of a linked sheet hold: contacts as in an import, results, and the row's key."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from leads.policy.import_fields import FIELDS as CONTACTS
from leads.policy.import_fields import mapping_guess, mapping_problems, name_plain

KEY: Final = "key"
KEY_NAME: Final = "REAutomation key"

RESULTS: Final[Mapping[str, str]] = {
    "stage": "Stage",
    "score": "Score",
    "outcome": "Outcome of the last call",
    "last_call": "Last call",
    "summary": "Summary of the last call",
    "appointment": "Next appointment",
    "recording": "Recording of the last call",
    "cost": "Cost of all calls (USD)",
}
"""What is written into the sheet and never read from it."""

FIELDS: Final[Mapping[str, str]] = {**CONTACTS, **RESULTS, KEY: "Key of the row"}

# Told once, by the sheet; nothing of them is ever written back.
_READ_ONLY: Final = frozenset({"consent_text", "consent_seller", "consent_source", "consent_date",
                               "do_not_call"})  # fmt: skip
_BY_NAME: Final = {
    "stage": "stage", "leadstage": "stage", "status": "stage",
    "score": "score", "leadscore": "score",
    "outcome": "outcome", "calloutcome": "outcome", "outcomeofthelastcall": "outcome",
    "lastcall": "last_call", "lastcalled": "last_call",
    "summary": "summary", "callsummary": "summary", "summaryofthelastcall": "summary",
    "appointment": "appointment", "nextappointment": "appointment",
    "recording": "recording", "recordinglink": "recording", "recordingofthelastcall": "recording",
    "cost": "cost", "callcost": "cost", "costofallcallsusd": "cost",
    name_plain(KEY_NAME): KEY,
}  # fmt: skip

Wins = Literal["ours", "theirs", "ask"]
WINS: Final[Mapping[str, str]] = {
    "ask": "Ask me",
    "theirs": "The sheet counts",
    "ours": "The CRM counts",
}


@dataclass(frozen=True, slots=True)
class Column:
    """A column of the sheet that is used. `wins` decides where both sides changed a cell."""

    name: str
    field: str
    wins: Wins = "ask"

    @property
    def is_contact(self) -> bool:
        """Whether it holds something that both sides may change."""
        return self.field in CONTACTS and self.field not in _READ_ONLY

    @property
    def is_result(self) -> bool:
        """Whether it is written only."""
        return self.field in RESULTS


def columns_guess(
    header: Sequence[str], samples: Sequence[Sequence[str]], *, direction: str
) -> list[Column]:
    """Return what each named column of a sheet probably holds; unnamed ones are left out."""
    results = [
        _BY_NAME.get(name_plain(name), "") if direction != "in" or name == KEY_NAME else ""
        for name in header
    ]
    # What is a result cannot be a contact field too; the rest is guessed as for an import.
    plain = ["" if result else name for name, result in zip(header, results, strict=True)]
    contacts = mapping_guess(plain, samples)
    found: list[Column] = []
    for name, result, contact in zip(header, results, contacts, strict=True):
        field = result or (contact if name.strip() else "")
        used = {column.field for column in found}
        if name.strip() and field and (field == "custom" or field not in used):
            found.append(Column(name.strip(), field))
    return found


def columns_problems(columns: Sequence[Column], *, direction: str) -> list[str]:
    """Return what is wrong with a choice of columns, in words."""
    unknown = sorted({column.field for column in columns} - FIELDS.keys())
    if unknown:
        return [f"There is no field “{unknown[0]}”. Use one of: {', '.join(FIELDS)}."]
    names = [column.name for column in columns]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        return [f"Two columns are called “{twice[0]}”: rename one of them in the sheet."]
    contacts = [column.field for column in columns if column.field in CONTACTS]
    others = [column.field for column in columns if column.field not in CONTACTS]
    problems = mapping_problems(contacts)
    problems += [
        f"“{FIELDS[field]}” is chosen for two columns: choose one of them."
        for field in sorted({field for field in others if others.count(field) > 1})
    ]
    if direction == "in" and any(column.is_result for column in columns):
        problems.append("Results are only written when the direction is out, or both.")
    if direction == "out" and not any(column.is_result for column in columns):
        problems.append("Choose at least one result to write.")
    return problems


def text_of(field: str, values: Mapping[str, Any], column: str = "") -> str:
    """Return what a cell says of a contact field, the same for both sides.

    Args:
        values: a lead's fields, or those that were read from a row.
        column: name of the column, for custom fields.
    """
    if field == "full_name":
        names = (values.get("first_name") or "", values.get("last_name") or "")
        return " ".join(name for name in names if name)
    if field == "tags":
        return ", ".join(values.get("tags") or ())
    if field == "custom":
        return str((values.get("custom_fields") or {}).get(column[:80]) or "")
    return str(values.get(field) or "")


def taken(field: str, values: Mapping[str, Any], column: str = "") -> dict[str, Any]:
    """Return the fields of a lead that a cell sets, out of what was read from its row."""
    if field == "full_name":
        return {name: values.get(name, "") for name in ("first_name", "last_name")}
    if field == "custom":
        name = column[:80]
        return {"custom_fields": {name: values["custom_fields"][name]}}
    found = {field: values[field]}
    if field == "state":
        found["time_zones"] = values["time_zones"]
    return found
