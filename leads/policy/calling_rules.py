"""The calling rules as data: loaded from a dated file, asked by day and state."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, time, timedelta
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

from leads.policy.holidays import holiday, holidays_of

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
    """Weekdays (0 is Monday) and holidays (see `holidays.py`) on which nobody is called."""

    weekdays: frozenset[int]
    days: frozenset[str]
    observed: bool = False

    def covers(self, day: date) -> bool:
        """Whether calls are not allowed on a local day."""
        return day.weekday() in self.weekdays or day in holidays_of(
            self.days, day.year, observed=self.observed
        )


@dataclass(frozen=True, slots=True)
class ListAge:
    """How old a look-up in an outside list may be."""

    most: timedelta
    source: str


@dataclass(frozen=True, slots=True, eq=False)
class CallingRules:
    """A version of the rules. `states` below are two-letter codes.

    Compared by identity, so that what holds on a day can be remembered per version.
    """

    version: str
    rows: tuple[Row, ...]

    def rows_on(self, rule: str, *, states: Iterable[str], day: date) -> tuple[Row, ...]:
        """Return the rows of a rule that hold on a day, for everywhere and for some states."""
        return _rows_on(self, rule, frozenset(states), day)

    def hours_on(self, *, states: Iterable[str], day: date) -> Hours:
        """Return the strictest hours of a day: the latest opening, the earliest closing."""
        return _hours_on(self, frozenset(states), day)

    def closed_on(self, *, states: Iterable[str], day: date) -> bool:
        """Whether nobody is called in these states on a local day."""
        return any(
            _closed_days(row).covers(day) for row in self.rows_on("closed", states=states, day=day)
        )

    def attempt_caps(self, *, states: Iterable[str], day: date) -> tuple[AttemptCap, ...]:
        """Return the caps on attempts to one number; of two over the same span the lower one."""
        return _attempt_caps(self, frozenset(states), day)

    def blocked_states(self, *, states: Iterable[str], day: date) -> tuple[str, ...]:
        """Return those of the states that are not called without a documented override."""
        rows = self.rows_on("blocked", states=states, day=day)
        return tuple(sorted(row.region.removeprefix("US-") for row in rows))

    def all_party_states(self, *, states: Iterable[str], day: date) -> tuple[str, ...]:
        """Return those of the states where every party must know of a recording."""
        rows = self.rows_on("recording", states=states, day=day)
        return tuple(sorted(row.region.removeprefix("US-") for row in rows))

    def list_age(self, name: str, *, states: Iterable[str], day: date) -> ListAge | None:
        """Return how old a look-up may be; None where no rule asks for one."""
        rows = [row for row in self.rows_on("lists", states=states, day=day) if row.name == name]
        row = min(rows, key=lambda row: int(row.value["days"]), default=None)
        return ListAge(timedelta(days=int(row.value["days"])), row.source) if row else None


@lru_cache(maxsize=8192)
def _rows_on(rules: CallingRules, rule: str, states: frozenset[str], day: date) -> tuple[Row, ...]:
    regions = {"*", *(f"US-{state}" for state in states)}
    newest: dict[tuple[str, str], Row] = {}
    for row in rules.rows:
        if row.rule != rule or row.region not in regions or row.effective > day:
            continue
        known = newest.get((row.name, row.region))
        if known is None or known.effective < row.effective:
            newest[row.name, row.region] = row
    return tuple(newest.values())


@lru_cache(maxsize=8192)
def _hours_on(rules: CallingRules, states: frozenset[str], day: date) -> Hours:
    rows = _rows_on(rules, "hours", states, day)
    return Hours(
        opens=max(time.fromisoformat(row.value["opens"]) for row in rows),
        closes=min(time.fromisoformat(row.value["closes"]) for row in rows),
        source=", ".join(row.source for row in rows),
    )


@lru_cache(maxsize=8192)
def _attempt_caps(rules: CallingRules, states: frozenset[str], day: date) -> tuple[AttemptCap, ...]:
    lowest: dict[tuple[str, int], Row] = {}
    for row in _rows_on(rules, "attempts", states, day):
        key = (row.name, int(row.value["hours"]))
        known = lowest.get(key)
        # Of equal limits the state's own law is named, not the house's rule.
        order = (int(row.value["limit"]), row.region == "*")
        if known is None or order < (int(known.value["limit"]), known.region == "*"):
            lowest[key] = row
    return tuple(
        AttemptCap(
            name=row.name,
            limit=int(row.value["limit"]),
            span=timedelta(hours=int(row.value["hours"])),
            source=row.source,
        )
        for row in lowest.values()
    )


def _closed_days(row: Row) -> ClosedDays:
    return ClosedDays(
        weekdays=frozenset(row.value["weekdays"]),
        days=frozenset(row.value["days"]),
        observed=bool(row.value.get("observed", False)),
    )


def rules_parse(text: str) -> CallingRules:
    """Read a file of rules.

    Raises:
        ValueError: a row misses a field, names no holiday, or no row gives the hours for
            everywhere.
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
    if raw["rule"] == "closed":
        for name in raw["value"]["days"]:
            # A leap year with a general election: every holiday there is falls in it.
            if holiday(name, 2028) is None:
                raise ValueError(f"Calling rule {number}: there is no day “{name}”.")
    return Row(
        rule=raw["rule"],
        name=raw.get("name", ""),
        region=raw["region"],
        value=raw["value"],
        source=raw["source"],
        effective=raw["effective"],
    )
