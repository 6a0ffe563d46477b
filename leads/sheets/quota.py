"""Google's quotas, shared by every process: nobody sends a request that would be one too many.

Reads and writes each have 300 a minute for the project and 60 a minute for each user of it
(https://developers.google.com/workspace/sheets/api/limits). The generic cell rate algorithm needs
one moment per quota; with a burst of `b` and a steady rate of `limit - b` a minute, no minute of
60 seconds, wherever it begins, ever holds more than `limit` requests.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

from django.db import transaction

from leads.models import ApiQuota

Kind = Literal["read", "write"]
_MINUTE = timedelta(minutes=1)
_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Limit:
    """At most `per_minute` requests in any minute, `burst` of them at once."""

    per_minute: int
    burst: int

    @property
    def step(self) -> timedelta:
        """Time between two requests that are sent for long."""
        return _MINUTE / (self.per_minute - self.burst)


PROJECT = Limit(per_minute=300, burst=30)
USER = Limit(per_minute=60, burst=10)


def quota_take(*, project: str, user: str, kind: Kind, now: datetime) -> datetime | None:
    """Take one request out of the quotas of a project and a user, or out of none.

    Returns:
        None when it may be sent now; else the moment to ask again.
    """
    limits = {
        f"sheets:{kind}:project:{project}"[:200]: PROJECT,
        f"sheets:{kind}:user:{project}:{user}"[:200]: USER,
    }
    with transaction.atomic():
        rows = _locked(limits)
        starts = {key: max(rows[key].spent_until, now) for key in limits}
        free_at = max(
            start - limit.step * (limit.burst - 1)
            for start, limit in zip(starts.values(), limits.values(), strict=True)
        )
        if free_at > now:
            return free_at
        for key, limit in limits.items():
            rows[key].spent_until = starts[key] + limit.step
            rows[key].save(update_fields=["spent_until"])
    return None


def quota_rest(*, project: str, user: str, kind: Kind, until: datetime) -> None:
    """Let every process wait: Google itself has said that a user's quota is used up."""
    key = f"sheets:{kind}:user:{project}:{user}"[:200]
    with transaction.atomic():
        row = _locked([key])[key]
        row.spent_until = max(row.spent_until, until + USER.step * (USER.burst - 1))
        row.save(update_fields=["spent_until"])


def _locked(keys: Iterable[str]) -> dict[str, ApiQuota]:
    wanted = sorted(keys)
    ApiQuota.objects.bulk_create(
        [ApiQuota(key=key, spent_until=_EPOCH) for key in wanted], ignore_conflicts=True
    )
    # Always in the same order, so that two processes never wait for each other.
    rows = ApiQuota.objects.select_for_update().filter(key__in=wanted).order_by("key")
    return {row.key: row for row in rows}
