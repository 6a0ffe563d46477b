"""One row of a file, made into what a lead can hold, with everything that was wrong with it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from leads.policy.phones import InvalidPhone, candidate_zones, phone_parse
from leads.policy.places import states

LENGTHS: Final = {
    "first_name": 80,
    "last_name": 80,
    "email": 254,
    "street": 160,
    "city": 80,
    "postal_code": 12,
    "source": 80,
}
"""The longest text of each field, in characters, as the database has them."""

_KINDS: Final = {
    "seller": "seller", "sell": "seller", "selling": "seller", "listing": "seller",
    "owner": "seller", "homeowner": "seller", "vendor": "seller", "fsbo": "seller",
    "buyer": "buyer", "buy": "buyer", "buying": "buyer", "purchaser": "buyer",
    "renter": "renter", "rent": "renter", "rental": "renter", "tenant": "renter",
    "lease": "renter",
    "investor": "investor", "invest": "investor", "investment": "investor",
}  # fmt: skip
_YES: Final = frozenset({"1", "y", "yes", "true", "t", "x", "dnc", "optout", "opted out", "stop"})
_NO: Final = frozenset({"", "0", "n", "no", "false", "f", "none", "ok"})
_EMAIL: Final = re.compile(r"[^@\s,;<>]+@[^@\s,;<>]+\.[A-Za-z][^@\s,;<>.]*")
_CONTROL: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")
_DATES: Final = (
    "%m/%d/%Y", "%m/%d/%Y %H:%M", "%m/%d/%Y %H:%M:%S", "%m/%d/%Y %I:%M %p",
    "%m/%d/%Y %I:%M:%S %p", "%m/%d/%y", "%m-%d-%Y", "%b %d, %Y", "%B %d, %Y", "%Y/%m/%d",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class CleanRow:
    """What a row says. `values` are fields of a lead; `consent` has text, seller, source, given_at.

    `problem` says why the row cannot be a lead at all, `notes` what of it was left out.
    """

    phone: str = ""
    values: dict[str, Any] = field(default_factory=dict)
    consent: dict[str, str] | None = None
    do_not_call: bool = False
    notes: tuple[str, ...] = ()
    problem: str = ""


def row_clean(
    cells: Sequence[str],
    mapping: Sequence[str],
    columns: Sequence[str],
    *,
    region: str = "US",
    evidence: str,
    now: datetime,
) -> CleanRow:
    """Return what a row of a file says about a lead.

    Args:
        cells: the row, as text.
        mapping: the field of each column, "" for none.
        columns: names of the columns, for custom fields.
        evidence: what a consent is traced to when the file does not say: file and row.
        now: a consent given later than this is a mistake.
    """
    notes: list[str] = []
    said: dict[str, str] = {}
    custom: dict[str, str] = {}
    for index, target in enumerate(mapping):
        cell = _plain(cells[index]) if index < len(cells) else ""
        if target == "custom":
            if cell:
                custom[columns[index][:80]] = cell[:500]
        elif target:
            said[target] = cell
    try:
        number = phone_parse(said.get("phone", ""), region=region)
    except InvalidPhone as error:
        return CleanRow(problem=f"Phone: {error.problem}")
    extra = [cell for cell in cells[len(columns) :] if cell.strip()]
    if extra:
        return CleanRow(
            problem=f"The row has {len(cells)} cells for {len(columns)} columns: "
            "a separator or a quote is out of place"
        )
    values: dict[str, Any] = {"raw_phone": said["phone"][:64]}
    _name(said)
    for name, longest in LENGTHS.items():
        text = said.get(name, "")
        if len(text) > longest:
            notes.append(f"{name.replace('_', ' ').capitalize()}: cut to {longest} characters")
            text = text[:longest]
        if text:
            values[name] = text
    email = values.get("email", "")
    if email and not _EMAIL.fullmatch(email):
        del values["email"]
        notes.append("E-mail: not an address, left out")
    state = _state(said.get("state", ""))
    if state is None:
        notes.append("State: not a US state, left out")
    elif state:
        values["state"] = state
    kind = said.get("kind", "").lower()
    if kind and kind not in _KINDS:
        notes.append("Kind: not seller, buyer, renter or investor, taken for seller")
    elif kind:
        values["kind"] = _KINDS[kind]
    tags = [tag.strip()[:40] for tag in re.split(r"[,;|]", said.get("tags", "")) if tag.strip()]
    if tags:
        values["tags"] = list(dict.fromkeys(tags))
    if custom:
        values["custom_fields"] = custom
    values["line_type"] = number.line_type
    american = state or number.e164.startswith("+1")
    values["time_zones"] = list(
        candidate_zones(
            number.time_zones,
            state=state or "",
            postal_code=values.get("postal_code", "") if american else "",
        )
    )
    return CleanRow(
        phone=number.e164,
        values=values,
        consent=_consent(said, notes, evidence=evidence, now=now),
        do_not_call=_do_not_call(said.get("do_not_call", ""), notes),
        notes=tuple(notes),
    )


def moment_parse(text: str) -> datetime | None:
    """Read a date, with or without a time, as ISO 8601 or as it is written in the US.

    Without a zone it is taken for UTC. None when it cannot be read.
    """
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        for pattern in _DATES:
            try:
                moment = datetime.strptime(text, pattern)  # noqa: DTZ007 - the zone is set below
            except ValueError:
                continue
            break
        else:
            return None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment


def _plain(cell: str) -> str:
    text = _CONTROL.sub("", cell).strip()
    # An apostrophe that was put before a formula's sign is not part of what it says.
    if len(text) > 1 and text[0] == "'" and text[1] in "=+-@":
        text = text[1:]
    return text


def _name(said: dict[str, str]) -> None:
    full = said.pop("full_name", "")
    if not full:
        return
    if "," in full:
        last, _, first = full.partition(",")
    else:
        first, _, last = full.partition(" ")
    if not said.get("first_name"):
        said["first_name"] = first.strip()
    if not said.get("last_name"):
        said["last_name"] = last.strip()


def _state(text: str) -> str | None:
    """Return the code of a state; "" for nothing said, None for no state."""
    if not text:
        return ""
    code = text.upper().replace(".", "")
    if code in states():
        return code
    return next((s.code for s in states().values() if s.name.lower() == text.lower()), None)


def _consent(
    said: dict[str, str], notes: list[str], *, evidence: str, now: datetime
) -> dict[str, str] | None:
    parts = {name: said.get(f"consent_{name}", "") for name in ("text", "seller", "date")}
    if not any(parts.values()):
        return None
    missing = [name for name, text in parts.items() if not text]
    if missing:
        notes.append(f"Consent not kept: no {' and no '.join(missing)}")
        return None
    given_at = moment_parse(parts["date"])
    if given_at is None:
        notes.append("Consent not kept: its date cannot be read, write 2026-01-31")
        return None
    if given_at > now:
        notes.append("Consent not kept: its date is in the future")
        return None
    if len(parts["seller"]) > 160:
        notes.append("Consent not kept: the business's name is longer than 160 characters")
        return None
    source = (said.get("consent_source") or evidence)[:200]
    return {
        "text": parts["text"],
        "seller": parts["seller"],
        "source": source,
        "given_at": given_at.isoformat(),
    }


def _do_not_call(text: str, notes: list[str]) -> bool:
    word = text.lower()
    if word in _NO:
        return False
    if word not in _YES:
        # The strict reading: whoever filled the cell meant something by it.
        notes.append("Do not call: neither yes nor no, taken for yes")
    return True
