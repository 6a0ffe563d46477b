"""Promise recurring work when it is due: any number of processes may look, one promise is made.

The row says when a kind is due; moving it on is a compare-and-set, and the outbox item is written
in the same transaction. From there it is work like any other: claimed, repeated, given up loudly.
A process that was away catches up with one run, not with one per missed date.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from zoneinfo import ZoneInfo

import structlog
from django.conf import settings
from django.db import transaction

from calls.models import OutboxItem, ScheduledWork
from calls.policy.schedule import Rhythm
from calls.services.outbox import outbox_add

logger = structlog.get_logger(__name__)


def schedule_pass(now: datetime, *, rhythms: Mapping[str, Rhythm] | None = None) -> int:
    """Promise what is due. Returns how many promises were made.

    Args:
        rhythms: kind -> when it is due; the product's own when not given.
    """
    if rhythms is None:
        from calls.jobs import scheduled

        rhythms = scheduled()
    zone = ZoneInfo(settings.ENV.account_time_zone)
    known = dict(ScheduledWork.objects.values_list("kind", "next_due"))
    promised = 0
    for kind, rhythm in rhythms.items():
        due = known.get(kind)
        if due is None:
            first = rhythm.after(now, zone=zone)
            ScheduledWork.objects.get_or_create(kind=kind, defaults={"next_due": first})
        elif due <= now:
            promised += _promise(kind, due, rhythm.after(now, zone=zone), now)
    return promised


@transaction.atomic
def _promise(kind: str, due: datetime, following: datetime, now: datetime) -> bool:
    mine = ScheduledWork.objects.filter(kind=kind, next_due=due).update(
        next_due=following, last_promised=now
    )
    if not mine:
        return False  # another process was quicker
    if OutboxItem.objects.filter(
        kind=kind, key__startswith="scheduled:", done_at__isnull=True, dead_at__isnull=True
    ).exists():
        logger.warning("scheduled_work_still_runs", kind=kind)
        return False
    outbox_add(kind=kind, key=f"scheduled:{kind}:{due:%Y%m%dT%H%M%S%f}", payload={}, due_at=now)
    logger.info("scheduled_work_promised", kind=kind)
    return True
