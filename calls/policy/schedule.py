"""When recurring work is due next. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo


@dataclass(frozen=True, slots=True)
class Every:
    """At a fixed distance, counted from the last time it was due."""

    interval: timedelta

    def after(self, now: datetime, *, zone: ZoneInfo) -> datetime:
        """Return the next moment."""
        return now + self.interval


@dataclass(frozen=True, slots=True)
class Daily:
    """Once a day at a time of the account's clock."""

    at: time

    def after(self, now: datetime, *, zone: ZoneInfo) -> datetime:
        """Return the next moment, in UTC.

        A time that the change to summer time leaves out falls an hour later on that day; one that
        the change back repeats is taken the first time.
        """
        local = now.astimezone(zone)
        for days in range(3):
            day = local.date() + timedelta(days=days)
            moment = datetime.combine(day, self.at, tzinfo=zone).astimezone(UTC)
            if moment > now:
                return moment
        raise AssertionError("a day has at most 25 hours")


Rhythm = Every | Daily
