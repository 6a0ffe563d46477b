"""Jobs as a person sees them: waiting, running, done, given up, discarded."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import QuerySet

from calls.formats import in_words
from calls.models import OutboxItem, ScheduledWork

JOB_STATES = {
    "waiting": "Waiting",
    "running": "Running",
    "dead": "Given up",
    "discarded": "Discarded",
    "done": "Done",
}
LATE = timedelta(minutes=5)
"""Due work that nobody has taken for so long: no worker runs."""


@dataclass(frozen=True, slots=True)
class Planned:
    """A kind of work that recurs."""

    name: str
    next_due: datetime
    last_promised: datetime | None


@dataclass(frozen=True, slots=True)
class JobsOverview:
    """What stands above the list of jobs."""

    counts: list[tuple[str, str, int]]
    """State's key, its label, how many; done ones are not counted, there are too many."""
    late: int
    """Jobs that should have been begun more than five minutes ago."""
    planned: list[Planned]


def jobs_in(state: str, jobs: QuerySet[OutboxItem], *, now: datetime) -> QuerySet[OutboxItem]:
    """Return the jobs that are in a state of `JOB_STATES`."""
    open_jobs = jobs.filter(done_at__isnull=True, dead_at__isnull=True)
    if state == "waiting":
        return open_jobs.exclude(running_since__isnull=False, due_at__gt=now)
    if state == "running":
        return open_jobs.filter(running_since__isnull=False, due_at__gt=now)
    if state == "dead":
        return jobs.filter(dead_at__isnull=False, discarded_at__isnull=True)
    if state == "discarded":
        return jobs.filter(discarded_at__isnull=False)
    return jobs.filter(done_at__isnull=False)


def job_state(item: OutboxItem, *, now: datetime) -> str:
    """Return a job's state, a key of `JOB_STATES`.

    One whose claim has run out waits again: the process that had it is gone.
    """
    if item.done_at:
        return "done"
    if item.dead_at:
        return "discarded" if item.discarded_at else "dead"
    return "running" if item.running_since and item.due_at > now else "waiting"


def jobs_overview(now: datetime) -> JobsOverview:
    """Return the counts by state and the schedule."""
    jobs = OutboxItem.objects.all()
    return JobsOverview(
        counts=[
            (state, JOB_STATES[state], jobs_in(state, jobs, now=now).count())
            for state in ("waiting", "running", "dead")
        ],
        late=jobs_in("waiting", jobs, now=now).filter(due_at__lt=now - LATE).count(),
        planned=[
            Planned(in_words(work.kind), work.next_due, work.last_promised)
            for work in ScheduledWork.objects.all()
        ],
    )
