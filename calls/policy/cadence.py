"""When a lead is called again, by what came of the last call. Pure.

Times are chosen inside the lead's permitted hours; a retry falls in another part of the lead's day
(morning, afternoon, evening), because who is never at home at ten may be at six.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Any, Literal, Self
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field

from leads.policy.calling_rules import CallingRules
from leads.policy.windows import CampaignWindow, next_open

Kind = Literal["no_answer", "busy", "voicemail", "failed", "callback", "hung_up"]

PARTS = ("morning", "afternoon", "evening")
_PART_ENDS = (time(12), time(17))
_LOOK_AHEAD = timedelta(days=8)
"""How far ahead another part of the day is looked for: past a weekend and a holiday."""
MOST_GAP = 60 * 24 * 90

# What an outcome is counted as. Others end the calling (see `calls.policy.lifecycle`).
_KIND_OF: dict[str, Kind] = {
    "no_answer": "no_answer",
    "canceled": "no_answer",
    "busy": "busy",
    "voicemail": "voicemail",
    "failed": "failed",
    "abandoned": "failed",
    "incomplete": "failed",
    "callback": "callback",
    "hung_up": "hung_up",
}


def kind_of(outcome: str) -> Kind | None:
    """Return what a call's outcome is counted as; None when nobody is called again after it."""
    return _KIND_OF.get(outcome)


class Rule(BaseModel):
    """What follows one kind of outcome: how long to wait at least, and how often to try again."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    gap_minutes: int = Field(ge=1, le=MOST_GAP)
    most: int = Field(ge=0, le=20)
    """How many calls may follow calls that ended so; 0: none."""
    other_part: bool = True
    """Whether the next call falls in another part of the lead's day."""


class Cadence(BaseModel):
    """A rule for every kind of outcome after which a lead may be called again."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    no_answer: Rule = Rule(gap_minutes=240, most=3)
    busy: Rule = Rule(gap_minutes=20, most=3, other_part=False)
    voicemail: Rule = Rule(gap_minutes=1440, most=2)
    failed: Rule = Rule(gap_minutes=240, most=2, other_part=False)
    callback: Rule = Rule(gap_minutes=1440, most=3, other_part=False)
    """When no time was agreed; an agreed one is kept to the minute."""
    hung_up: Rule = Rule(gap_minutes=2880, most=1)
    """Hung up before saying a word."""

    def rule(self, outcome: str) -> Rule | None:
        """Return the rule for a call's outcome; None when nobody is called again after it."""
        kind = kind_of(outcome)
        return getattr(self, kind) if kind else None

    @classmethod
    def steady(cls, *, gap_minutes: int, most: int) -> Self:
        """Return a cadence with one rule for everything."""
        rule = Rule(gap_minutes=gap_minutes, most=most, other_part=False)
        return cls(**dict.fromkeys(cls.model_fields, rule))


PRESETS: dict[str, Cadence] = {
    "Standard": Cadence(),
    "Gentle": Cadence(
        no_answer=Rule(gap_minutes=2880, most=2),
        busy=Rule(gap_minutes=120, most=2, other_part=False),
        voicemail=Rule(gap_minutes=4320, most=1),
        failed=Rule(gap_minutes=1440, most=1, other_part=False),
        callback=Rule(gap_minutes=2880, most=2, other_part=False),
        hung_up=Rule(gap_minutes=1440, most=0),
    ),
    "Persistent": Cadence(
        no_answer=Rule(gap_minutes=120, most=6),
        busy=Rule(gap_minutes=10, most=5, other_part=False),
        voicemail=Rule(gap_minutes=480, most=4),
        failed=Rule(gap_minutes=60, most=3, other_part=False),
        callback=Rule(gap_minutes=240, most=4, other_part=False),
        hung_up=Rule(gap_minutes=1440, most=2),
    ),
}


def cadence_default() -> dict[str, Any]:
    """Return the standard cadence as it is kept."""
    return Cadence().model_dump()


@dataclass(frozen=True, slots=True)
class LeadHours:
    """When a lead may be called, by law and by the campaign."""

    zones: tuple[ZoneInfo, ...]
    states: tuple[str, ...]
    window: CampaignWindow
    rules: CallingRules

    def first_open(self, at: datetime) -> datetime | None:
        """Return the first moment from `at` on; None if there is none in two weeks."""
        return next_open(
            self.rules, zones=self.zones, states=self.states, window=self.window, now=at
        )

    def part_of(self, at: datetime) -> int:
        """Return which part of the lead's day a moment is in: an index of `PARTS`."""
        local = at.astimezone(self.zones[0]).time()
        return sum(local >= end for end in _PART_ENDS)

    def next_part(self, at: datetime) -> datetime:
        """Return when the next part of the lead's day begins."""
        local = at.astimezone(self.zones[0])
        for end in _PART_ENDS:
            if local.time() < end:
                return datetime.combine(local.date(), end, self.zones[0]).astimezone(UTC)
        tomorrow = local.date() + timedelta(days=1)
        return datetime.combine(tomorrow, time(), self.zones[0]).astimezone(UTC)


def next_attempt(
    rule: Rule, *, times: int, called_at: Sequence[datetime], hours: LeadHours, now: datetime
) -> datetime | None:
    """Return when the lead is called again; None when it was called often enough.

    Never before the gap is over, and never outside the lead's hours as far as they are known (the
    gate asks again at that moment).

    Args:
        rule: for the outcome of the call that has just ended.
        times: calls to this lead that ended so, this one included.
        called_at: when the lead was called in this campaign, this time included.
        hours: the lead's.
        now: aware; when the call ended.
    """
    if times > rule.most:
        return None
    earliest = now.astimezone(UTC) + timedelta(minutes=rule.gap_minutes)
    if not hours.zones:
        return earliest
    first = hours.first_open(earliest)
    if first is None or not rule.other_part or not called_at:
        return first or earliest
    tries = Counter(hours.part_of(at) for at in called_at)
    last = hours.part_of(max(called_at))
    found = _first_in_each_part(first, hours)
    others = [part for part in found if part != last] or list(found)
    best = min(others, key=lambda part: (tries[part], found[part]))
    return found[best]


def _first_in_each_part(first: datetime, hours: LeadHours) -> dict[int, datetime]:
    """Return the first permitted moment of each part of the day that has one, from `first` on."""
    found: dict[int, datetime] = {}
    at: datetime | None = first
    while at is not None and at <= first + _LOOK_AHEAD and len(found) < len(PARTS):
        found.setdefault(hours.part_of(at), at)
        at = hours.first_open(hours.next_part(at))
    return found
