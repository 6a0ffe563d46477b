"""What the dialer does with a lead that may not be called now. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

# Nothing but a person's act (consent given, number taken off the list) can change these.
_FOR_GOOD = frozenset(
    {
        "do_not_call",
        "national_do_not_call",
        "number_reassigned",
        "no_consent",
        "consent_revoked",
        "state_blocked",
        "campaign_attempts",
        "no_time_zone",
    }
)
_WAIT = {
    "kill_switch": timedelta(seconds=5),
    "campaign_not_running": timedelta(seconds=30),
    "already_on_call": timedelta(minutes=2),
    "no_budget": timedelta(minutes=15),
    "no_price": timedelta(minutes=15),
    "outside_hours": timedelta(minutes=30),
    "attempts_day": timedelta(hours=1),
    "attempts_week": timedelta(hours=6),
    "national_scrub_stale": timedelta(hours=1),
    "reassigned_check_stale": timedelta(hours=1),
}
HELD_FOR = {
    "no_budget": timedelta(seconds=15),
    "no_number": timedelta(seconds=60),
    "no_playbook": timedelta(seconds=60),
    "number_cap": timedelta(days=1),
}
"""Reasons that hold for the whole campaign, and how long it is passed over (`number_cap`: until
the account's next day)."""


def is_for_good(codes: Iterable[str]) -> bool:
    """Whether waiting cannot help, so that the enrolment stops."""
    return any(code in _FOR_GOOD for code in codes)


def look_again_at(codes: Iterable[str], *, opens_at: datetime | None, now: datetime) -> datetime:
    """Return when to ask again: when the window opens, else after the longest wait needed."""
    if opens_at is not None and opens_at > now:
        return opens_at
    waits = [_WAIT.get(code, timedelta(hours=1)) for code in codes]
    return now + max(waits, default=timedelta(minutes=5))
