"""A wish for a time to meet, on the lead's clock: what suits, and what does not."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from agents.understanding.times import Clock

Hours = tuple[time, time]
"""From and until: a meeting starts in it, the end excluded."""


@dataclass(frozen=True, slots=True)
class Wish:
    """Which times would suit. Every part that is set has to hold."""

    days: frozenset[date] = frozenset()
    weekdays: frozenset[int] = frozenset()
    first: date | None = None
    last: date | None = None
    hours: Hours | None = None
    clock: Clock | None = None
    about: bool = False
    """The clock time is meant roughly."""
    not_days: frozenset[date] = frozenset()
    not_weekdays: frozenset[int] = frozenset()
    not_hours: tuple[Hours, ...] = ()
    soonest: bool = False

    def __bool__(self) -> bool:
        return self != Wish()

    @property
    def positive(self) -> bool:
        """Whether it says what would suit, not only what would not."""
        return bool(
            self.days or self.weekdays or self.first or self.last or self.hours or self.clock
        )

    def fits_day(self, day: date) -> bool:
        """Tell whether a day suits."""
        return (
            (not self.days or day in self.days)
            and (not self.weekdays or day.weekday() in self.weekdays)
            and (self.first is None or day >= self.first)
            and (self.last is None or day <= self.last)
            and day not in self.not_days
            and day.weekday() not in self.not_weekdays
        )

    def fits_time(self, at: time) -> bool:
        """Tell whether a time of day suits."""
        if any(begins <= at < ends for begins, ends in self.not_hours):
            return False
        if self.hours and not self.hours[0] <= at < self.hours[1]:
            return False
        if self.clock is None:
            return True
        return self._apart(at) <= 30 if self.about else self.clock.fits(at)

    def fits(self, local: datetime) -> bool:
        """Tell whether a time in the lead's zone suits."""
        return self.fits_day(local.date()) and self.fits_time(local.time())

    def distance(self, local: datetime) -> tuple[int, float]:
        """Return how far a time is from suiting: days off, and minutes off on the day."""
        day, days = local.date(), 0
        if not self.fits_day(day):
            near = (n for n in range(1, 60) if self._fits_about(day, n))
            days = next(near, 60)
        at = local.time()
        minutes = 0.0 if self.fits_time(at) else 720.0
        if self.clock is not None:
            minutes = self._apart(at)
        elif self.hours and minutes:
            edges = (_minutes(self.hours[0]), _minutes(self.hours[1]))
            minutes = min(abs(_minutes(at) - edge) for edge in edges)
        return days, minutes

    def _fits_about(self, day: date, days: int) -> bool:
        span = timedelta(days=days)
        return self.fits_day(day + span) or self.fits_day(day - span)

    def also(self, newer: Wish) -> Wish:
        """Return this wish with a newer one: what was refused stays, what is wished is replaced."""
        days = newer if newer.days or newer.weekdays or newer.first or newer.last else self
        hours = newer if newer.hours or newer.clock else self
        return Wish(
            days=days.days - newer.not_days,
            weekdays=days.weekdays - newer.not_weekdays,
            first=days.first,
            last=days.last,
            hours=hours.hours,
            clock=hours.clock,
            about=hours.about,
            not_days=(self.not_days | newer.not_days) - newer.days,
            not_weekdays=(self.not_weekdays | newer.not_weekdays)
            - newer.weekdays
            - {day.weekday() for day in newer.days},
            not_hours=(*self.not_hours, *newer.not_hours)
            if not (newer.hours or newer.clock)
            else newer.not_hours,
            soonest=newer.soonest,
        )

    def _apart(self, at: time) -> float:
        wanted = self.clock
        if wanted is None:
            return 0.0
        halves = (
            (wanted.on_24h(),)
            if wanted.half or wanted.hour > 12
            else (wanted.hour % 12, wanted.hour % 12 + 12)
        )
        return min(abs(_minutes(at) - hour * 60 - wanted.minute) for hour in halves)


def _minutes(at: time) -> float:
    return at.hour * 60 + at.minute
