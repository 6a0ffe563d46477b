"""What waits for people: tasks by when they are due, and where somebody is named."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import QuerySet

from leads.models import Appointment, Mention, Task

_MOST = 100


@dataclass(frozen=True, slots=True)
class TaskGroup:
    """Open tasks that are due in the same span, the earliest first."""

    key: str
    name: str
    tasks: list[Task]
    count: int


@dataclass(frozen=True, slots=True)
class Desk:
    """What the dashboard shows somebody of their own work."""

    overdue: list[Task]
    overdue_count: int
    today: list[Task]
    meetings: list[Appointment]
    mentions: list[Mention]

    @property
    def empty(self) -> bool:
        """Whether nothing waits."""
        return not (self.overdue or self.today or self.meetings or self.mentions)


def task_groups(tasks: QuerySet[Task], *, now: datetime) -> list[TaskGroup]:
    """Return open tasks in groups: overdue, today, the next seven days, later.

    Args:
        now: in the viewer's zone, as it says what "today" is.
    """
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
    week = midnight + timedelta(days=7)
    rows = tasks.filter(done_at__isnull=True).select_related("lead", "owner").order_by("due_at")
    spans = (
        ("overdue", "Overdue", rows.filter(due_at__lte=now)),
        ("today", "Today", rows.filter(due_at__gt=now, due_at__lt=midnight)),
        ("week", "Next 7 days", rows.filter(due_at__gte=midnight, due_at__lt=week)),
        ("later", "Later", rows.filter(due_at__gte=week)),
    )
    return [_group(key, name, found) for key, name, found in spans]


def _group(key: str, name: str, rows: QuerySet[Task]) -> TaskGroup:
    found = list(rows[: _MOST + 1])
    count = rows.count() if len(found) > _MOST else len(found)
    return TaskGroup(key, name, found[:_MOST], count)


def desk_of(user_id: int, *, now: datetime) -> Desk:
    """Return what waits for somebody. Five queries.

    Args:
        now: in the viewer's zone.
    """
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
    mine = Task.objects.filter(owner_id=user_id, done_at__isnull=True)
    mine = mine.select_related("lead").order_by("due_at")
    overdue = mine.filter(due_at__lte=now)
    meetings = Appointment.objects.filter(
        rep_id=user_id,
        status=Appointment.Status.BOOKED,
        ends_at__gt=now,
        starts_at__lt=midnight,
    )
    mentions = Mention.objects.filter(user_id=user_id, seen_at__isnull=True)
    return Desk(
        overdue=list(overdue[:8]),
        overdue_count=overdue.count(),
        today=list(mine.filter(due_at__gt=now, due_at__lt=midnight)[:8]),
        meetings=list(meetings.select_related("lead").order_by("starts_at")[:8]),
        mentions=list(
            mentions.select_related("entry__lead", "entry__actor").order_by("-entry__at")[:8]
        ),
    )
