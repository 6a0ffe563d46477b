"""Add the ledger up by day, a little at a time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Sum

from billing.models import Charge, DailySpend, SpendMark
from billing.spend import SpendCell, cells_of

SETTLES_AFTER = timedelta(hours=1)
"""A charge is added up this long after it was written: by then its transaction, which may have
begun before others that are in the sums already, has ended, and no clock is so far off."""
_LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)


@transaction.atomic
def daily_spend_add(*, now: datetime) -> int:
    """Add the charges written since the last time, and return how many sums changed.

    Safe to run at any time, twice and at once: what was added is behind the mark, whose row is
    locked. All days are added up anew where the account's time zone has changed, or where charges
    were written behind the mark after all: by a clock that was put back, or in a transaction that
    took longer than was thought.
    """
    zone = settings.ENV.account_time_zone
    SpendMark.objects.get_or_create(pk=1, defaults={"upto": _LONG_AGO, "time_zone": zone})
    mark = SpendMark.objects.select_for_update().get(pk=1)
    if mark.time_zone != zone or not _has_all_before(mark.upto):
        DailySpend.objects.all().delete()
        mark.upto, mark.time_zone = _LONG_AGO, zone
    upto = max(now - SETTLES_AFTER, mark.upto)
    fresh = cells_of(Charge.objects.filter(created_at__gte=mark.upto, created_at__lt=upto))
    _add(fresh)
    mark.upto = upto
    mark.save()
    return len(fresh)


def _has_all_before(mark: datetime) -> bool:
    summed = DailySpend.objects.aggregate(count=Sum("charges"))["count"] or 0
    return bool(summed == Charge.objects.filter(created_at__lt=mark).count())


def _add(fresh: list[SpendCell]) -> None:
    days = {cell.day for cell in fresh}
    known = {
        (row.day, row.component, row.campaign_id, row.tier): row
        for row in DailySpend.objects.filter(day__in=days)
    }
    made: list[DailySpend] = []
    grown: list[DailySpend] = []
    for cell in fresh:
        key: tuple[Any, ...] = (cell.day, cell.component, cell.campaign_id, cell.tier)
        row = known.get(key)
        if row is None:
            row = DailySpend(
                day=cell.day,
                component=cell.component,
                campaign_id=cell.campaign_id,
                tier=cell.tier,
                charges=cell.charges,
                amount=cell.amount,
                quantity=cell.quantity,
                worth=cell.worth,
            )
            made.append(row)
        else:
            row.charges += cell.charges
            row.amount += cell.amount
            row.quantity += cell.quantity
            row.worth += cell.worth
            grown.append(row)
    DailySpend.objects.bulk_create(made, batch_size=500)
    fields = ("charges", "amount", "quantity", "worth")
    DailySpend.objects.bulk_update(grown, fields, batch_size=200)
