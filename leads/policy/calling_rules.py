"""The calling rules as data: loaded from a dated file, asked by day and state."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, time, timedelta
from functools import cache
from pathlib import Path
from typing import Any

_FILE = Path(__file__).parent / "rules" / "us_2026.toml"


@dataclass(frozen=True, slots=True)
class Row:
    """One rule: what holds in a region from a day on, and its source."""

    rule: str
    name: str
    region: str
    value: Mapping[str, Any]
    source: str
    effective: date


@dataclass(frozen=True, slots=True)
class Hours:
    """Local times from which and up to which (exclusive) a call may begin."""

    opens: time
    closes: time
    source: str = ""


@dataclass(frozen=True, slots=True)
class AttemptCap:
    """At most `limit` attempts in any `span`. `name` is the reason's code."""

    name: str
    limit: int
    span: timedelta
    source: str


@dataclass(frozen=True, slots=True)
class ClosedDays:
    """Weekdays (0 is Monday) and days of the year ("12-25") on which nobody is called."""

    weekdays: frozenset[int]
    days: frozenset[str]

    def covers(self, day: date) -> bool:
        """Whether calls are not allowed on a local day."""
        return day.weekday() in self.weekdays or f"{day:%m-%d}" in self.days


@dataclass(frozen=True, slots=True)
class CallingRules:
    """A version of the rules. `states` below are two-letter codes."""

    version: str
    rows: tuple[Row, ...]

    def rows_on(self, rule: str, *, states: Iterable[str], day: date) -> tuple[Row, ...]:
        """Return the rows of a rule that hold on a day, for everywhere and for some states."""
        regions = {"*", *(f"US-{state}" for state in states)}
        newest: dict[tuple[str, str], Row] = {}
        for row in self.rows:
            if row.rule != rule or row.region not in regions or row.effective > day:
                continue
            known = newest.get((row.name, row.region))
            if known is None or known.effective < row.effective:
                newest[row.name, row.region] = row
        return tuple(newest.values())

    def hours_on(self, *, states: Iterable[str], day: date) -> Hours:
        """Return the strictest hours of a day: the latest opening, the earliest closing."""
        rows = self.rows_on("hours", states=states, day=day)
        return Hours(
            opens=max(time.fromisoformat(row.value["opens"]) for row in rows),
            closes=min(time.fromisoformat(row.value["closes"]) for row in rows),
            source=", ".join(row.source for row in rows),
        )

    def closed_on(self, *, states: Iterable[str], day: date) -> bool:
        """Whether nobody is called in these states on a local day."""
        return any(
            ClosedDays(
                weekdays=frozenset(row.value["weekdays"]), days=frozenset(row.value["days"])
            ).covers(day)
            for row in self.rows_on("closed", states=states, day=day)
        )

    def attempt_caps(self, *, states: Iterable[str], day: date) -> tuple[AttemptCap, ...]:
        """Return the caps on attempts to one number."""
        return tuple(
            AttemptCap(
                name=row.name,
                limit=int(row.value["limit"]),
                span=timedelta(hours=int(row.value["hours"])),
                source=row.source,
            )
            for row in self.rows_on("attempts", states=states, day=day)
        )

    def blocked_states(self, *, states: Iterable[str], day: date) -> tuple[str, ...]:
        """Return those of the states that are not called without a documented override."""
        rows = self.rows_on("blocked", states=states, day=day)
        return tuple(sorted(row.region.removeprefix("US-") for row in rows))

    def all_party_states(self, *, states: Iterable[str], day: date) -> tuple[str, ...]:
        """Return those of the states where every party must know of a recording."""
        rows = self.rows_on("recording", states=states, day=day)
        return tuple(sorted(row.region.removeprefix("US-") for row in rows))


def rules_parse(text: str) -> CallingRules:
    """Read a file of rules.

    Raises:
        ValueError: a row misses a field, or no row gives the hours for everywhere.
    """
    data = tomllib.loads(text)
    rows = tuple(_row(number, raw) for number, raw in enumerate(data.get("rule", ()), start=1))
    if not any(row.rule == "hours" and row.region == "*" for row in rows):
        raise ValueError('The calling rules need a row with rule = "hours" and region = "*".')
    return CallingRules(version=str(data["version"]), rows=rows)


@cache
def current_rules() -> CallingRules:
    """Return the rules that ship with the product."""
    return rules_parse(_FILE.read_text(encoding="utf-8"))


def _row(number: int, raw: Mapping[str, Any]) -> Row:
    missing = {"rule", "region", "value", "source", "effective"} - raw.keys()
    if missing:
        raise ValueError(f"Calling rule {number} has no {', '.join(sorted(missing))}.")
    return Row(
        rule=raw["rule"],
        name=raw.get("name", ""),
        region=raw["region"],
        value=raw["value"],
        source=raw["source"],
        effective=raw["effective"],
    )
