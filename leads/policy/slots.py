"""Which free times to offer: possible ones from the calendars, then a few spread over the days."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from leads.policy.calendars import RepCalendar, Shift

# Nobody is offered a meeting in the night of the place where they live.
_EARLIEST, _LATEST = time(8), time(20)
_NOON = time(12)


@dataclass(frozen=True, slots=True)
class FreeSlot:
    """A time in which a representative can be booked. Aware, in UTC."""

    rep_id: int
    rep_name: str
    starts_at: datetime
    ends_at: datetime
    time_zone: str = ""
    """The representative's."""


def slots_possible(
    calendars: Sequence[RepCalendar],
    *,
    now: datetime,
    duration: timedelta | None = None,
    horizon: timedelta,
    earliest: datetime | None = None,
) -> list[FreeSlot]:
    """Return every bookable time of every representative, the earliest first.

    Times start in steps of a meeting's length from a shift's start, and keep the representative's
    notice, buffers, time off and the holidays.

    Args:
        duration: of a meeting; each representative's own if not given.
        horizon: how far after `now` a meeting may start.
        earliest: nothing before this is returned; the notice holds anyway.
    """
    now = now.astimezone(UTC)
    found: set[FreeSlot] = set()
    for calendar in calendars:
        length = duration or calendar.rules.length
        first = max(now + calendar.rules.notice, earliest or now)
        for shift in calendar.shifts:
            for at in _starts(shift, first=first, last=now + horizon, length=length):
                if calendar.taken(at, at + length) is None:
                    zone = shift.time_zone.key
                    found.add(FreeSlot(calendar.rep_id, calendar.rep_name, at, at + length, zone))
    return sorted(found, key=lambda slot: (slot.starts_at, slot.rep_id))


def slots_spread(
    slots: Iterable[FreeSlot],
    *,
    limit: int,
    zone: ZoneInfo,
    load: dict[int, int],
    prefer_rep_id: int | None = None,
) -> list[FreeSlot]:
    """Choose up to `limit` times that differ, over as many days as there are, the earliest first.

    Args:
        zone: the lead's: only times from 08:00 to 20:00 there are offered, and its days are
            what they are spread over, mornings and afternoons in turn.
        load: appointments per representative; of two at one time, the less busy one is offered.
        prefer_rep_id: of two at one time, this one is offered whatever the load.
    """

    def rank(slot: FreeSlot) -> tuple[bool, int, int]:
        return slot.rep_id != prefer_rep_id, load.get(slot.rep_id, 0), slot.rep_id

    by_start: dict[datetime, FreeSlot] = {}
    for slot in slots:
        local = slot.starts_at.astimezone(zone)
        if not (local.time() >= _EARLIEST and slot.ends_at.astimezone(zone).time() <= _LATEST):
            continue
        known = by_start.get(slot.starts_at)
        if known is None or rank(slot) < rank(known):
            by_start[slot.starts_at] = slot
    days: dict[date, list[FreeSlot]] = {}
    for start in sorted(by_start):
        days.setdefault(start.astimezone(zone).date(), []).append(by_start[start])
    chosen: list[FreeSlot] = []
    turn = 0
    while len(chosen) < limit and any(days.values()):
        for number, day in enumerate(list(days.values())):
            if day and len(chosen) < limit:
                chosen.append(_take(day, zone=zone, morning=(number + turn) % 2 == 0))
        turn += 1
    return sorted(chosen, key=lambda slot: slot.starts_at)


def _take(day: list[FreeSlot], *, zone: ZoneInfo, morning: bool) -> FreeSlot:
    wanted = [slot for slot in day if (slot.starts_at.astimezone(zone).time() < _NOON) is morning]
    slot = (wanted or day)[0]
    day.remove(slot)
    return slot


def _starts(
    shift: Shift, *, first: datetime, last: datetime, length: timedelta
) -> Iterator[datetime]:
    day = first.astimezone(shift.time_zone).date()
    while day <= last.astimezone(shift.time_zone).date():
        span = shift.on(day)
        if span is not None:
            at, end = span
            while at + length <= end:
                if first <= at <= last:
                    yield at
                at += length
        day += timedelta(days=1)
