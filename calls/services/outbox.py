"""Work promised in a transaction and done after it: at least once, in any process.

`outbox_add` writes a row in the caller's transaction. Whoever runs `outbox_run_due` (the dialer's
process in embedded mode, RQ workers woken by `outbox_relay` in production) claims a row by pushing
its `due_at` into the future with a compare-and-set, and runs the handler registered in
`calls.jobs.HANDLERS`. A process that dies leaves the row due again when its claim runs out, so
every handler is safe to run twice.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import structlog
from django.conf import settings
from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.db.models import F, Q
from django.utils import timezone

from calls.models import OutboxItem

logger = structlog.get_logger(__name__)

Handler = Callable[[Mapping[str, Any], datetime], None]

CLAIM = timedelta(minutes=2)
"""How long one attempt may take before the row is taken for abandoned; `calls.jobs.CLAIMS` has
the exceptions."""
_CLAIM_MARGIN = timedelta(seconds=10)
ATTEMPTS = 10
_WAITS = tuple(timedelta(seconds=min(2.0 * 2**n, 900.0)) for n in range(ATTEMPTS - 1))
"""Between two attempts, a half more or less; `calls.jobs.WAITS` has the exceptions."""


class NotYet(Exception):  # noqa: N818 - says what happened
    """A handler cannot work yet and failed nothing: it is asked again at `at`."""

    def __init__(self, at: datetime) -> None:
        super().__init__(f"not before {at:%H:%M:%S}")
        self.at = at


class GiveUp(Exception):  # noqa: N818 - says what happened
    """A handler knows that another attempt cannot help: a person must look at it now."""


def outbox_add(
    *, kind: str, key: str, payload: Mapping[str, Any], due_at: datetime
) -> OutboxItem | None:
    """Promise work. `None` when the same key was promised before.

    Args:
        kind: names the handler in `calls.jobs.HANDLERS`.
        key: names this piece of work; promising it twice is a no-op.
        payload: ids only, no personal data.
    """
    try:
        with transaction.atomic():
            return OutboxItem.objects.create(
                kind=kind, key=key, payload=dict(payload), due_at=due_at
            )
    except IntegrityError:
        if not OutboxItem.objects.filter(key=key).exists():
            raise
        return None


def outbox_run_due(now: datetime, limit: int = 20) -> int:
    """Run what is due, urgent work first, then the oldest. Returns how many were tried."""
    ids = [item_id for _queue, item_id, _kind, _attempts in _due_by_urgency(now, limit)][:limit]
    return sum(outbox_run(item_id=item_id, now=now) for item_id in ids)


def outbox_run(*, item_id: UUID | str, now: datetime) -> bool:
    """Claim one piece of work and run it. False when somebody else has it, or it is done."""
    from calls.jobs import CLAIMS, HANDLERS

    item = _due(now).filter(pk=item_id).first()
    if item is None:
        return False
    # The due date read just now is part of the condition: of two claims one finds it changed.
    claimed = (
        _due(now)
        .filter(pk=item_id, due_at=item.due_at)
        .update(
            due_at=now + CLAIMS.get(item.kind, CLAIM),
            attempts=F("attempts") + 1,
            running_since=now,
        )
    )
    if not claimed:
        return False
    item.refresh_from_db()
    log = logger.bind(outbox_id=str(item.pk), kind=item.kind, attempt=item.attempts)
    try:
        handler = HANDLERS.get(item.kind)
        if handler is None:
            raise LookupError(f"no handler for outbox items of kind {item.kind!r}")
        handler(item.payload, now)
    except NotYet as wait:
        OutboxItem.objects.filter(pk=item.pk).update(
            due_at=wait.at, attempts=F("attempts") - 1, running_since=None
        )
    except GiveUp as error:
        OutboxItem.objects.filter(pk=item.pk).update(
            dead_at=now, last_error=str(error)[:200], running_since=None
        )
        log.warning("outbox_item_given_up")
    except Exception as error:
        _put_off(item, error, now)
        log.exception("outbox_item_failed")
    else:
        OutboxItem.objects.filter(pk=item.pk).update(
            done_at=timezone.now(), last_error="", running_since=None
        )
    return True


def outbox_retry(*, item_id: UUID | str, now: datetime) -> bool:
    """Give a dead piece of work another series of attempts. False when it was not dead."""
    revived = OutboxItem.objects.filter(
        pk=item_id, dead_at__isnull=False, discarded_at__isnull=True
    ).update(dead_at=None, attempts=0, due_at=now, running_since=None)
    return bool(revived)


def outbox_discard(*, item_id: UUID | str, actor: User | None, now: datetime) -> bool:
    """Decide that a dead piece of work is never done. False when it was not dead.

    The row stays, with who decided.
    """
    discarded = OutboxItem.objects.filter(
        pk=item_id, dead_at__isnull=False, discarded_at__isnull=True
    ).update(discarded_at=now, discarded_by=actor)
    if discarded:
        logger.info("outbox_item_discarded", outbox_id=str(item_id))
    return bool(discarded)


def outbox_purge(*, done_before: datetime, limit: int = 10_000) -> int:
    """Forget work that was done or discarded before a moment. Returns how many rows went."""
    old = OutboxItem.objects.filter(
        Q(done_at__lt=done_before) | Q(discarded_at__lt=done_before)
    ).values_list("pk", flat=True)[:limit]
    return OutboxItem.objects.filter(pk__in=list(old)).delete()[0]


def outbox_relay(now: datetime, limit: int = 100) -> int:
    """Wake RQ workers for what is due. Returns how many were queued.

    Only a wake-up: its id is the row's and the attempt's, so that one which waits is not queued
    twice, and a lost or repeated job changes nothing, as the row is the claim.
    """
    import django_rq
    from rq.exceptions import DuplicateJobError

    from calls.jobs import CLAIMS, outbox_item

    queued = 0
    for queue, item_id, kind, attempts in _due_by_urgency(now, limit):
        # RQ stops an attempt before its claim runs out: two of them never overlap.
        most = CLAIMS.get(kind, CLAIM) - _CLAIM_MARGIN
        try:
            django_rq.get_queue(queue).enqueue(
                outbox_item,
                str(item_id),
                job_id=f"outbox-{item_id}-{attempts}",
                unique=True,
                job_timeout=int(most.total_seconds()),
                result_ttl=0,
                failure_ttl=60,
            )
        except DuplicateJobError:
            continue
        queued += 1
    return queued


def outbox_pass(now: datetime) -> int:
    """Do one round: through RQ where Redis is configured, else here and now.

    Any process may do it, and any number at a time.
    """
    return outbox_relay(now) if settings.REDIS_URL else outbox_run_due(now)


def _due_by_urgency(now: datetime, limit: int) -> list[tuple[str, UUID, str, int]]:
    """Return (queue, id, kind, attempts) of what is due; `limit` of each queue at most, so that
    a heap of slow work hides no urgent one."""
    from calls.jobs import QUEUES

    def rows(queue: str, due: Any) -> list[tuple[str, UUID, str, int]]:
        found = due.order_by("due_at").values_list("id", "kind", "attempts")[:limit]
        return [(queue, *row) for row in found]

    def kinds(queue: str) -> list[str]:
        return [kind for kind, name in QUEUES.items() if name == queue]

    return [
        *rows("urgent", _due(now).filter(kind__in=kinds("urgent"))),
        *rows("default", _due(now).exclude(kind__in=list(QUEUES))),
        *rows("slow", _due(now).filter(kind__in=kinds("slow"))),
    ]


def _due(now: datetime) -> Any:
    return OutboxItem.objects.filter(done_at__isnull=True, dead_at__isnull=True, due_at__lte=now)


def _put_off(item: OutboxItem, error: Exception, now: datetime) -> None:
    from calls.jobs import WAITS

    text = f"{type(error).__name__}: {error}"[:200]
    waits = WAITS.get(item.kind, _WAITS)
    if item.attempts > len(waits):
        OutboxItem.objects.filter(pk=item.pk).update(
            dead_at=now, last_error=text, running_since=None
        )
        return
    due_at = now + waits[item.attempts - 1] * random.uniform(0.5, 1.5)
    OutboxItem.objects.filter(pk=item.pk).update(due_at=due_at, last_error=text, running_since=None)
