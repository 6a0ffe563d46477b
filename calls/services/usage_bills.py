"""What the carrier bills by the day and not by the call, against the ledger.

Its usage records are of the whole account and of UTC's days, so that their sums also hold what
other programs used, and a call at midnight may count there for the other day. What they tell
exactly is what a unit cost: that corrects the calls of the day. The quantities stay beside each
other for a person to see.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import structlog
from django.db.models import QuerySet, Sum

from billing.models import Charge, UsageBill
from billing.models.price import Component
from billing.policy.rounding import micro
from billing.policy.shares import split
from billing.selectors import call_cost
from billing.services import actual_record
from billing.spend import SpendScope
from calls import carrier
from calls.models import Call

logger = structlog.get_logger(__name__)

# https://www.twilio.com/docs/usage/api/usage-record#usage-categories
_DAILY = {
    Component.MEDIA_STREAM: "calls-media-stream-minutes",
    Component.AMD: "answering-machine-detection",
}
_NUMBERS = "phonenumbers"
COMPLETE_AFTER = timedelta(days=1)
"""How long after a day its records are taken for complete."""


@dataclass(frozen=True, slots=True)
class UsageReconciled:
    """What one run did."""

    compared: int = 0
    """Days or months of a component that were put beside their bill."""
    waiting: int = 0
    """Those whose bill is not there yet: the next run asks again."""


def usage_reconcile(*, now: datetime, since: datetime) -> UsageReconciled:
    """Compare the days since a moment with the carrier's bill, and last month's rent.

    Safe to run twice, and at the same time as itself.

    Raises:
        CarrierError: the carrier could not be asked; what was compared before stays so.
    """
    compared = waiting = 0
    for component, first, last in _due(now, since):
        if _compare(component, first, last, now):
            compared += 1
        else:
            waiting += 1
    logger.info("usage_reconciled", compared=compared, waiting=waiting)
    return UsageReconciled(compared, waiting)


def _due(now: datetime, since: datetime) -> Iterator[tuple[Component, date, date]]:
    """Yield what was used, is complete at the carrier, and was not compared yet."""
    complete = (now - COMPLETE_AFTER).astimezone(UTC).date()  # the first day that is not
    day = since.astimezone(UTC).date()
    while day < complete:
        for component in _DAILY:
            if not _known(component, day, day) and _charges(component, day, day).exists():
                yield component, day, day
        day += timedelta(days=1)
    month_ends = complete.replace(day=1) - timedelta(days=1)
    month = month_ends.replace(day=1)
    rent = Component.NUMBER
    if not _known(rent, month, month_ends) and _charges(rent, month, month_ends).exists():
        yield rent, month, month_ends


def _known(component: Component, first: date, last: date) -> bool:
    return UsageBill.objects.filter(component=component, first=first, last=last).exists()


def _charges(component: Component, first: date, last: date) -> QuerySet[Charge]:
    if component == Component.NUMBER:  # rent is charged by the account's days
        return SpendScope(first, last, component=component).charges
    begins, ends = (datetime.combine(day, time(), UTC) for day in (first, last + timedelta(days=1)))
    return Charge.objects.filter(
        # Whole calls: one at midnight has minutes on both days.
        component=component,
        corrects__isnull=True,
        call__created_at__gte=begins,
        call__created_at__lt=ends,
    )


def _compare(component: Component, first: date, last: date, now: datetime) -> bool:
    bill = carrier.usage_fetch(_DAILY.get(component, _NUMBERS), first=first, last=last)
    if bill is None or not bill.quantity:
        return False
    charges = _charges(component, first, last)
    ours: dict[str, Any] = charges.aggregate(used=Sum("billed_quantity"), worth=Sum("amount"))
    used, worth = micro(ours["used"]), micro(ours["worth"])
    if component in _DAILY:
        _correct(component, charges, micro(bill.price / bill.quantity * used), now)
    UsageBill.objects.get_or_create(
        component=component,
        first=first,
        last=last,
        defaults={
            "used": used,
            "billed": bill.quantity,
            "estimated": worth,
            "actual": bill.price,
            "at": now,
        },
    )
    return True


def _correct(
    component: Component, charges: QuerySet[Charge], actual: Decimal, now: datetime
) -> None:
    """Make the calls' charges worth what a unit cost; calls that have their bill keep it."""
    rows: list[tuple[UUID, Decimal]] = [
        (call_id, micro(worth))
        for call_id, worth in charges.order_by("call_id")
        .values_list("call_id")
        .annotate(worth=Sum("amount"))
    ]
    parts = split(actual, [worth for _, worth in rows])
    for (call_id, _), part in zip(rows, parts, strict=True):
        actual_record(call_id=call_id, component=component, actual=part, now=now)
        Call.objects.filter(pk=call_id).update(cost=call_cost(call_id))
