"""Which free times to offer: possible ones from working hours, then a few spread over the days."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

BUFFER = timedelta(minutes=15)
NOTICE = timedelta(hours=2)
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


@dataclass(frozen=True, slots=True)
class Shift:
    """A span of a weekday (0 is Monday) in which a representative works, in local time."""

    rep_id: int
    rep_name: str
    weekday: int
    starts: time
    ends: time
    time_zone: ZoneInfo


@dataclass(frozen=True, slots=True)
class Busy:
    """A booked time of a representative."""

    rep_id: int
    starts_at: datetime
    ends_at: datetime


def slots_possible(
    shifts: Sequence[Shift],
    busy: Sequence[Busy],
    *,
    now: datetime,
    duration: timedelta,
    horizon: timedelta,
) -> list[FreeSlot]:
    """Return every bookable time of every representative, the earliest first.

    Times start in steps of `duration` from a shift's start, no sooner than two hours from `now`,
    and keep 15 minutes to any other appointment.
    """
    now = now.astimezone(UTC)
    found = {
        slot
        for shift in shifts
        for slot in _slots_of_shift(shift, now=now, duration=duration, horizon=horizon)
        if not any(_too_close(slot, other) for other in busy)
    }
    return sorted(found, key=lambda slot: (slot.starts_at, slot.rep_id))


def slots_spread(
    slots: Iterable[FreeSlot], *, limit: int, zone: ZoneInfo, load: dict[int, int]
) -> list[FreeSlot]:
    """Choose up to `limit` times that differ, over as many days as there are, the earliest first.

    Args:
        zone: the lead's: only times from 08:00 to 20:00 there are offered, and its days are
            what they are spread over, mornings and afternoons in turn.
        load: appointments per representative; of two at one time, the less busy one is offered.
    """
    by_start: dict[datetime, FreeSlot] = {}
    for slot in slots:
        local = slot.starts_at.astimezone(zone)
        if not (local.time() >= _EARLIEST and slot.ends_at.astimezone(zone).time() <= _LATEST):
            continue
        known = by_start.get(slot.starts_at)
        if known is None or load.get(slot.rep_id, 0) < load.get(known.rep_id, 0):
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


def _slots_of_shift(
    shift: Shift, *, now: datetime, duration: timedelta, horizon: timedelta
) -> Iterator[FreeSlot]:
    day = now.astimezone(shift.time_zone).date()
    last = (now + horizon).astimezone(shift.time_zone).date()
    while day <= last:
        if day.weekday() == shift.weekday:
            # Steps are counted in UTC: on the day a clock changes, none is lost or doubled.
            at = datetime.combine(day, shift.starts, tzinfo=shift.time_zone).astimezone(UTC)
            end = datetime.combine(day, shift.ends, tzinfo=shift.time_zone).astimezone(UTC)
            while at + duration <= end:
                if now + NOTICE <= at <= now + horizon:
                    yield FreeSlot(shift.rep_id, shift.rep_name, at, at + duration)
                at += duration
        day += timedelta(days=1)


def _too_close(slot: FreeSlot, other: Busy) -> bool:
    return (
        slot.rep_id == other.rep_id
        and slot.starts_at < other.ends_at + BUFFER
        and slot.ends_at + BUFFER > other.starts_at
    )
