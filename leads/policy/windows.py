"""When calls may begin: the open spans of every plausible zone, and what they share."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from leads.policy.calling_rules import CallingRules

# Most answers are found in a day or two; the long look gets past any run of closed days, and
# beyond it nothing is promised.
_LOOKS = (2, 15)

Span = tuple[datetime, datetime]


@dataclass(frozen=True, slots=True)
class CampaignWindow:
    """The campaign's own local hours. They narrow what the law allows, never widen it."""

    opens: time | None = None
    closes: time | None = None


def known_zone(name: str) -> ZoneInfo | None:
    """Return the zone of a name, None when the tz database has none such."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None


def next_open(
    rules: CallingRules,
    *,
    zones: Sequence[ZoneInfo],
    states: Sequence[str],
    window: CampaignWindow,
    now: datetime,
) -> datetime | None:
    """Return the first moment from `now` on at which every zone is open.

    `now` itself when it is open now; None if nothing opens within two weeks.
    """
    for days in _LOOKS:
        shared: list[Span] | None = None
        for zone in zones:
            first = now.astimezone(zone).date() - timedelta(days=1)
            spans = list(_open_spans(rules, zone, states, window, first=first, days=days + 1))
            shared = spans if shared is None else _intersection(shared, spans)
        for start, end in shared or ():
            if end > now:
                return max(start, now)
    return None


def is_open(
    rules: CallingRules,
    *,
    zones: Sequence[ZoneInfo],
    states: Sequence[str],
    window: CampaignWindow,
    now: datetime,
) -> bool:
    """Whether every zone is open at `now`: what `next_open` would say, without looking ahead."""
    for zone in zones:
        today = now.astimezone(zone).date()
        spans = _open_spans(rules, zone, states, window, first=today, days=1)
        if not any(start <= now < end for start, end in spans):
            return False
    return True


def _open_spans(
    rules: CallingRules,
    zone: ZoneInfo,
    states: Sequence[str],
    window: CampaignWindow,
    *,
    first: date,
    days: int,
) -> Iterator[Span]:
    for offset in range(days):
        day = first + timedelta(days=offset)
        if rules.closed_on(states=states, day=day):
            continue
        hours = rules.hours_on(states=states, day=day)
        opens = max(hours.opens, window.opens or hours.opens)
        closes = min(hours.closes, window.closes or hours.closes)
        if opens < closes:
            # Of an hour that comes twice, opening counts the second and closing the first.
            span = _instant(day, opens, zone, fold=1), _instant(day, closes, zone, fold=0)
            if span[0] < span[1]:
                yield span


def _instant(day: date, at: time, zone: ZoneInfo, *, fold: int) -> datetime:
    return datetime.combine(day, at.replace(fold=fold), tzinfo=zone).astimezone(UTC)


def _intersection(left: Sequence[Span], right: Sequence[Span]) -> list[Span]:
    spans: list[Span] = []
    i = j = 0
    while i < len(left) and j < len(right):
        start = max(left[i][0], right[j][0])
        end = min(left[i][1], right[j][1])
        if start < end:
            spans.append((start, end))
        if left[i][1] <= right[j][1]:
            i += 1
        else:
            j += 1
    return spans
