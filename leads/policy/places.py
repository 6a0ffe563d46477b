"""States of the United States: their time zones, and the area codes that belong to them."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

_RULES = Path(__file__).parent / "rules"
_POSTAL_CODE = re.compile(r"(\d{3})\d{2}(?:-?\d{4})?")


@dataclass(frozen=True, slots=True)
class State:
    """A state, district or territory: name and every IANA zone some part of it keeps."""

    code: str
    name: str
    time_zones: tuple[str, ...]


@cache
def states() -> Mapping[str, State]:
    """Return all states by their two-letter code."""
    return {
        code: State(code=code, name=row["name"], time_zones=tuple(row["zones"]))
        for code, row in _data()["states"].items()
    }


def zones_of_state(code: str) -> tuple[str, ...]:
    """Return the zones of a state; nothing for an unknown code or an empty one."""
    state = states().get(code.upper())
    return state.time_zones if state else ()


def states_of_number(e164: str) -> frozenset[str]:
    """Return the states that a number's area code belongs to; nothing outside the plan of +1."""
    if not e164.startswith("+1") or len(e164) != 12:
        return frozenset()
    code = _state_by_area_code().get(int(e164[2:5]))
    return frozenset({code}) if code else frozenset()


def state_of_postal_code(code: str) -> str:
    """Return the state of a US postal code, such as 78701 or 78701-1234; "" if it is none."""
    match = _POSTAL_CODE.fullmatch(code.strip())
    return _state_by_prefix().get(int(match[1]), "") if match else ""


def plausible_states(*, number: str, state: str, postal_code: str) -> frozenset[str]:
    """Return every state that a lead may be in: address and number may each tell the truth.

    Args:
        number: E.164.
        state: two-letter code of the address; "" if unknown.
    """
    found = states_of_number(number) | ({state.upper()} if state else set())
    if number.startswith("+1") or state:
        found |= {state_of_postal_code(postal_code)} - {""}
    return frozenset(found)


@cache
def _state_by_prefix() -> Mapping[int, str]:
    data = tomllib.loads((_RULES / "us_postal.toml").read_text(encoding="utf-8"))
    found: dict[int, str] = {}
    for state, spans in data["states"].items():
        for span in spans:
            first, _, last = span.partition("-")
            found |= dict.fromkeys(range(int(first), int(last or first) + 1), state)
    return found


@cache
def _state_by_area_code() -> Mapping[int, str]:
    return {
        area_code: code
        for code, row in _data()["states"].items()
        for area_code in row.get("area_codes", ())
    }


@cache
def _data() -> dict[str, Any]:
    return tomllib.loads((_RULES / "us_places.toml").read_text(encoding="utf-8"))
