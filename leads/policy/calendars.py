"""A representative's calendar: when they work, when they are away, and what is booked."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

Span = tuple[datetime, datetime]


@dataclass(frozen=True, slots=True)
class Shift:
    """A span of a weekday (0 is Monday) in which a representative works, in local time."""

    weekday: int
    starts: time
    ends: time
    time_zone: ZoneInfo

    def on(self, day: date) -> Span | None:
        """Return the span of a day in UTC, None on another weekday.

        Its length is counted in UTC: on the day a clock changes, no time is lost or doubled.
        """
        if day.weekday() != self.weekday:
            return None
        starts = datetime.combine(day, self.starts, tzinfo=self.time_zone).astimezone(UTC)
        ends = datetime.combine(day, self.ends, tzinfo=self.time_zone).astimezone(UTC)
        return starts, ends


@dataclass(frozen=True, slots=True)
class Booking:
    """A time that is taken: a meeting, or time off with its reason."""

    starts_at: datetime
    ends_at: datetime
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Rules:
    """How a representative wants to be booked."""

    length: timedelta = timedelta(minutes=30)
    before: timedelta = timedelta(minutes=15)
    after: timedelta = timedelta(minutes=15)
    notice: timedelta = timedelta(hours=2)


@dataclass(frozen=True, slots=True)
class RepCalendar:
    """Everything that decides whether a representative can be booked at a time.

    Args:
        meetings: what is booked, the earliest first; no two overlap.
        away: time off.
        holidays: days on which nobody is booked, by the representative's own date.
    """

    rep_id: int
    rep_name: str
    shifts: Sequence[Shift]
    meetings: Sequence[Booking] = ()
    away: Sequence[Booking] = ()
    holidays: Mapping[date, str] = field(default_factory=dict)
    rules: Rules = field(default_factory=Rules)

    @property
    def time_zone(self) -> ZoneInfo:
        """The zone in which the representative works; UTC without working hours."""
        return self.shifts[0].time_zone if self.shifts else ZoneInfo("UTC")

    def open_spans(self, first: date, last: date) -> list[Span]:
        """Return the working time from one of the representative's days to another, in UTC.

        Holidays are left out; spans that meet are one. Time off and meetings are not taken out.
        """
        spans: list[Span] = []
        for starts, ends in sorted(self._shifts_on(first, last)):
            if spans and starts <= spans[-1][1]:
                spans[-1] = (spans[-1][0], max(ends, spans[-1][1]))
            else:
                spans.append((starts, ends))
        return spans

    def problem(self, starts_at: datetime, ends_at: datetime) -> str | None:
        """Return why a meeting cannot be booked at a time, in words; None when it can."""
        taken = self.taken(starts_at, ends_at)
        if taken is not None:
            return taken
        day = starts_at.astimezone(self.time_zone).date()
        spans = self.open_spans(day - timedelta(days=1), day)
        if not any(opens <= starts_at and ends_at <= closes for opens, closes in spans):
            return f"It is outside the working hours of {self.rep_name}."
        return None

    def taken(self, starts_at: datetime, ends_at: datetime) -> str | None:
        """Return why a time within the working hours cannot be booked; None when it can."""
        if self.overlap(starts_at, ends_at) is not None:
            return f"{self.rep_name} has another appointment then."
        for off in self.away:
            if starts_at < off.ends_at and ends_at > off.starts_at:
                return f"{self.rep_name} is away then" + (f": {off.reason}." if off.reason else ".")
        day = starts_at.astimezone(self.time_zone).date()
        if day in self.holidays:
            return f"That day is a holiday: {self.holidays[day]}."
        # The time after one meeting may be the time before the next.
        gap = max(self.rules.before, self.rules.after)
        if gap and self.overlap(starts_at - gap, ends_at + gap) is not None:
            return (
                f"It is too close to another appointment of {self.rep_name}, who keeps "
                f"{int(gap.total_seconds() // 60)} minutes free between two."
            )
        return None

    def at_work(self, at: datetime) -> bool:
        """Whether the representative works at a moment, in a meeting or not."""
        if any(off.starts_at <= at < off.ends_at for off in self.away):
            return False
        day = at.astimezone(self.time_zone).date()
        spans = self.open_spans(day - timedelta(days=1), day)
        return any(opens <= at < closes for opens, closes in spans)

    def overlap(self, starts_at: datetime, ends_at: datetime) -> Booking | None:
        """Return the first meeting that overlaps a span."""
        index = bisect_left(self.meetings, ends_at, key=lambda meeting: meeting.starts_at)
        # Meetings do not overlap each other: of those that begin before the end, the last may.
        if index and self.meetings[index - 1].ends_at > starts_at:
            return self.meetings[index - 1]
        return None

    def _shifts_on(self, first: date, last: date) -> Iterator[Span]:
        for offset in range((last - first).days + 1):
            day = first + timedelta(days=offset)
            if day in self.holidays:
                continue
            for shift in self.shifts:
                span = shift.on(day)
                if span is not None:
                    yield span
