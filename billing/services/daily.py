"""Add the ledger up by day, a little at a time."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import transaction

from billing.models import Charge, DailySpend, SpendMark, UnsummedCharge
from billing.spend import SpendCell, cells_of

_AT_ONCE = 5000
"""Charges that are added up in one transaction."""


def daily_spend_add() -> int:
    """Add the charges that are in no day's sum yet, and return how many they were.

    Safe to run at any time, twice and at once. All days are added up anew where the account's
    time zone has changed.
    """
    added = 0
    while found := _add_some():
        added += found
    return added


@transaction.atomic
def _add_some() -> int:
    SpendMark.objects.get_or_create(pk=1, defaults={"time_zone": ""})
    mark = SpendMark.objects.select_for_update().get(pk=1)
    anew = mark.time_zone != settings.ENV.account_time_zone
    if anew:
        # One statement has one snapshot: a charge is seen in it together with its other row.
        DailySpend.objects.all().delete()
        _add(cells_of(Charge.objects.filter(unsummed__isnull=True)))
        mark.time_zone = settings.ENV.account_time_zone
    # Named one by one: others that are written meanwhile stay for the next time.
    ids = list(UnsummedCharge.objects.values_list("pk", flat=True)[:_AT_ONCE])
    if not ids and not anew:
        return 0
    _add(cells_of(Charge.objects.filter(pk__in=ids)))
    UnsummedCharge.objects.filter(pk__in=ids).delete()
    mark.changes += 1
    mark.save()
    return len(ids)


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
