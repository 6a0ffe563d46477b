"""The calendar as it is drawn: columns of a day or a week, with what is in them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from django.db.models import QuerySet

from leads.calendars import rep_calendars
from leads.models import Appointment
from leads.policy.calendars import RepCalendar

STEP = 30
"""Minutes between two places that can be clicked."""
_EARLY, _LATE = 8 * 60, 18 * 60
_DAY = 24 * 60
_MOST_COLUMNS = 15


@dataclass(frozen=True, slots=True)
class Block:
    """A stretch of a column, in minutes of its day on the viewer's clock."""

    begins: int
    ends: int

    @property
    def length(self) -> int:
        """Minutes."""
        return self.ends - self.begins


@dataclass(frozen=True, slots=True)
class Meeting(Block):
    """An appointment where it stands."""

    appointment: Appointment


@dataclass(frozen=True, slots=True)
class Away(Block):
    """Time off, or a holiday."""

    reason: str


@dataclass(frozen=True, slots=True)
class Place(Block):
    """Where a click books: `at` is on the viewer's clock, and `free` whether nothing hinders."""

    at: str
    free: bool


@dataclass(slots=True)
class Column:
    """One representative on one day."""

    name: str
    day: date
    rep_id: int
    today: bool
    open: list[Block] = field(default_factory=list)
    away: list[Away] = field(default_factory=list)
    meetings: list[Meeting] = field(default_factory=list)
    places: list[Place] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Agenda:
    """The columns, and the span of the day that is drawn."""

    columns: list[Column]
    begins: int
    ends: int
    now: int | None
    left_out: int

    @property
    def hours(self) -> list[tuple[int, str]]:
        """The full hours that are drawn: minute of the day, and what it is called."""
        return [(minute, f"{minute // 60}:00") for minute in range(self.begins, self.ends, 60)]

    @property
    def length(self) -> int:
        """Minutes that are drawn."""
        return self.ends - self.begins


def day_agenda(
    day: date, *, visible: QuerySet[Appointment], zone: ZoneInfo, now: datetime
) -> Agenda:
    """Return a day with a column for everybody who has working hours or a meeting then.

    Args:
        visible: the appointments that the viewer may see.
        zone: the viewer's, which decides when the day begins and ends.
    """
    since, until = _bounds(day, 1, zone)
    meetings = _meetings(visible, since, until)
    calendars = rep_calendars(since=since, until=until)
    known = {calendar.rep_id for calendar in calendars}
    extra = {row.rep_id for row in meetings} - known
    if extra:
        calendars += rep_calendars(since=since, until=until, rep_ids=extra)
    shown = calendars[:_MOST_COLUMNS]
    columns = [_column(each, day, each.rep_name, meetings, zone, now) for each in shown]
    return _agenda(columns, zone, now, left_out=len(calendars) - len(shown))


def week_agenda(
    day: date, *, rep_id: int, visible: QuerySet[Appointment], zone: ZoneInfo, now: datetime
) -> Agenda:
    """Return the week that a day is in, Monday first, of one representative."""
    monday = day - timedelta(days=day.weekday())
    since, until = _bounds(monday, 7, zone)
    meetings = _meetings(visible.filter(rep_id=rep_id), since, until)
    (calendar,) = rep_calendars(since=since, until=until, rep_ids=[rep_id])
    columns = []
    for offset in range(7):
        each = monday + timedelta(days=offset)
        columns.append(_column(calendar, each, f"{each:%a} {each.day}", meetings, zone, now))
    return _agenda(columns, zone, now, left_out=0)


def _bounds(day: date, days: int, zone: ZoneInfo) -> tuple[datetime, datetime]:
    return (
        datetime.combine(day, time(), tzinfo=zone),
        datetime.combine(day + timedelta(days=days), time(), tzinfo=zone),
    )


def _meetings(
    visible: QuerySet[Appointment], since: datetime, until: datetime
) -> list[Appointment]:
    rows = visible.filter(ends_at__gt=since, starts_at__lt=until)
    rows = rows.exclude(status=Appointment.Status.CANCELLED)
    return list(rows.select_related("lead", "rep").order_by("starts_at"))


def _column(
    calendar: RepCalendar,
    day: date,
    name: str,
    meetings: list[Appointment],
    zone: ZoneInfo,
    now: datetime,
) -> Column:
    column = Column(name, day, calendar.rep_id, today=day == now.astimezone(zone).date())

    def block(starts: datetime, ends: datetime) -> tuple[int, int] | None:
        begins, stops = _minute(starts, day, zone), _minute(ends, day, zone)
        return (begins, stops) if stops > begins else None

    for starts, ends in calendar.open_spans(day - timedelta(days=1), day + timedelta(days=1)):
        if span := block(starts, ends):
            column.open.append(Block(*span))
    for off in calendar.away:
        if span := block(off.starts_at, off.ends_at):
            column.away.append(Away(*span, off.reason or "Away"))
    if day in calendar.holidays:
        column.away.append(Away(0, _DAY, calendar.holidays[day]))
    for row in meetings:
        if row.rep_id == calendar.rep_id and (span := block(row.starts_at, row.ends_at)):
            column.meetings.append(Meeting(*span, row))
    taken = [(one.begins, one.ends) for one in column.meetings]
    for minute in range(0, _DAY, STEP):
        if any(begins < minute + STEP and minute < ends for begins, ends in taken):
            continue
        at = datetime.combine(day, time(minute // 60, minute % 60), tzinfo=zone)
        if at > now:
            free = calendar.problem(at, at + timedelta(minutes=STEP)) is None
            column.places.append(Place(minute, minute + STEP, f"{at:%Y-%m-%dT%H:%M}", free))
    return column


def _minute(moment: datetime, day: date, zone: ZoneInfo) -> int:
    """Return the minute of a day on a clock; 0 and 1440 for what lies before and after it."""
    local = moment.astimezone(zone)
    if local.date() < day:
        return 0
    if local.date() > day:
        return _DAY
    return local.hour * 60 + local.minute


def _agenda(columns: list[Column], zone: ZoneInfo, now: datetime, *, left_out: int) -> Agenda:
    spans: list[Block] = [block for column in columns for block in (*column.open, *column.meetings)]
    begins = min((block.begins for block in spans), default=_EARLY)
    ends = max((block.ends for block in spans), default=_LATE)
    begins, ends = begins // 60 * 60, min(_DAY, -(-ends // 60) * 60)
    for column in columns:
        column.places = [
            place for place in column.places if begins <= place.begins and place.ends <= ends
        ]
    local = now.astimezone(zone)
    minute = local.hour * 60 + local.minute
    return Agenda(columns, begins, ends, minute if begins <= minute <= ends else None, left_out)
