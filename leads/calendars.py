"""Reads of the representatives' calendars: what is free, and what is in the way of a meeting."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from datetime import datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from django.contrib.auth import get_user_model
from django.contrib.auth.models import AbstractBaseUser

from leads.models import Appointment, BookingRules, Holiday, TimeOff, WorkingHours
from leads.policy.calendars import Booking, RepCalendar, Rules, Shift
from leads.policy.slots import FreeSlot, slots_possible, slots_spread
from leads.policy.windows import known_zone

# The longest meeting or buffer that could reach into a span from outside.
_MARGIN = timedelta(days=1)


def rep_name(rep: AbstractBaseUser) -> str:
    """Return how a representative is called in front of leads and colleagues."""
    full_name = getattr(rep, "get_full_name", str)()
    return str(full_name or rep.get_username())


def rep_calendars(
    *,
    since: datetime,
    until: datetime,
    rep_ids: Collection[int] | None = None,
    leave_out: UUID | None = None,
) -> list[RepCalendar]:
    """Return calendars that hold all that matters between two moments. Six queries.

    Args:
        rep_ids: whose; all active representatives with working hours if not given.
        leave_out: an appointment that is about to be moved and whose own time does not count.
    """
    hours = WorkingHours.objects.order_by("weekday", "starts")
    if rep_ids is None:
        hours = hours.filter(rep__is_active=True)
    else:
        hours = hours.filter(rep_id__in=rep_ids)
    shifts: dict[int, list[Shift]] = defaultdict(list)
    for row in hours:
        zone = known_zone(row.time_zone) or ZoneInfo("UTC")
        shifts[row.rep_id].append(Shift(row.weekday, row.starts, row.ends, zone))
    ids = list(shifts) if rep_ids is None else list(rep_ids)
    since, until = since - _MARGIN, until + _MARGIN
    within = {"rep_id__in": ids, "ends_at__gt": since, "starts_at__lt": until}
    meetings: dict[int, list[Booking]] = defaultdict(list)
    booked = Appointment.objects.filter(status=Appointment.Status.BOOKED, **within)
    if leave_out is not None:
        booked = booked.exclude(pk=leave_out)
    for rep_id, starts_at, ends_at in booked.order_by("starts_at").values_list(
        "rep_id", "starts_at", "ends_at"
    ):
        meetings[rep_id].append(Booking(starts_at, ends_at))
    away: dict[int, list[Booking]] = defaultdict(list)
    for off in TimeOff.objects.filter(**within).order_by("starts_at"):
        away[off.rep_id].append(Booking(off.starts_at, off.ends_at, off.reason))
    rules = {
        row.pk: Rules(
            length=timedelta(minutes=row.slot_minutes),
            before=timedelta(minutes=row.buffer_before),
            after=timedelta(minutes=row.buffer_after),
            notice=timedelta(minutes=row.notice_minutes),
        )
        for row in BookingRules.objects.filter(pk__in=ids)
    }
    days = Holiday.objects.filter(day__range=(since.date(), until.date()))
    holidays = dict(days.values_list("day", "name"))
    reps = get_user_model().objects.filter(pk__in=ids).order_by("first_name", "last_name", "pk")
    return [
        RepCalendar(
            rep_id=rep.pk,
            rep_name=rep_name(rep),
            shifts=tuple(shifts[rep.pk]),
            meetings=tuple(meetings[rep.pk]),
            away=tuple(away[rep.pk]),
            holidays=holidays,
            rules=rules.get(rep.pk, Rules()),
        )
        for rep in reps
    ]


def free_slots(
    *,
    now: datetime,
    limit: int = 6,
    duration: timedelta | None = None,
    horizon: timedelta = timedelta(days=7),
    time_zone: str,
    rep_ids: Collection[int] | None = None,
    prefer_rep_id: int | None = None,
    moving: UUID | None = None,
    earliest: datetime | None = None,
) -> list[FreeSlot]:
    """Return times that can be offered to a lead, spread over days, the earliest first.

    Out of the working hours of all active representatives, minus their meetings with buffers,
    their time off and the holidays, and no sooner than each wants to be told. Six queries.

    Args:
        duration: of the meeting; each representative's own length if not given.
        horizon: how far after `now` (or `earliest`) to look.
        time_zone: the lead's; nothing is offered in its night. UTC if it is not known.
        rep_ids: only these representatives.
        prefer_rep_id: offered before others who are free at the same time (the lead's owner).
        moving: the appointment that is to be moved; its own time counts as free.
        earliest: nothing before this moment.
    """
    until = max(now, earliest or now) + horizon
    calendars = rep_calendars(since=now, until=until, rep_ids=rep_ids, leave_out=moving)
    possible = slots_possible(
        calendars, now=now, duration=duration, horizon=until - now, earliest=earliest
    )
    return slots_spread(
        possible,
        limit=limit,
        zone=known_zone(time_zone) or ZoneInfo("UTC"),
        load={calendar.rep_id: len(calendar.meetings) for calendar in calendars},
        prefer_rep_id=prefer_rep_id,
    )
