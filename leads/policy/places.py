"""States of the United States: their time zones, and the area codes that belong to them."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

_FILE = Path(__file__).parent / "rules" / "us_places.toml"


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


@cache
def _state_by_area_code() -> Mapping[int, str]:
    return {
        area_code: code
        for code, row in _data()["states"].items()
        for area_code in row.get("area_codes", ())
    }


@cache
def _data() -> dict[str, Any]:
    return tomllib.loads(_FILE.read_text(encoding="utf-8"))
