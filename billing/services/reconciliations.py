"""The provider's bill against the ledger: corrected once per call and component."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from uuid import UUID

from django.db import IntegrityError, transaction

from billing.models import Charge, Reconciliation
from billing.policy.rounding import micro
from billing.policy.shares import split
from billing.selectors import charges_total
from billing.services.charges import charge_correct


def actual_record(
    *, call_id: UUID, component: str, actual: Decimal, now: datetime
) -> Reconciliation | None:
    """Make a call's charges of a component sum up to what the provider billed.

    Each charge gets its part of the bill as a correction, also where it was right, because it is
    no estimate any longer. The first bill counts: repeated, it returns the row that is there.
    Nothing was charged: there is nothing to correct, and None is returned.

    Args:
        actual: USD that the provider bills.

    Raises:
        ValueError: the amount is negative.
    """
    if actual < 0:
        raise ValueError("A provider's bill cannot be less than nothing.")
    known = Reconciliation.objects.filter(call_id=call_id, component=component).first()
    if known is not None:
        return known
    try:
        return _record(call_id=call_id, component=component, actual=micro(actual), now=now)
    except IntegrityError:
        # Another process was first; its row stands, and all of ours was rolled back.
        return Reconciliation.objects.get(call_id=call_id, component=component)


@transaction.atomic
def _record(
    *, call_id: UUID, component: str, actual: Decimal, now: datetime
) -> Reconciliation | None:
    rows = Charge.objects.filter(call_id=call_id, component=component)
    originals = list(rows.filter(corrects__isnull=True).order_by("at", "key"))
    if not originals:
        return None
    # The row comes first: whoever is second fails here, before any correction.
    row = Reconciliation.objects.create(
        call_id=call_id,
        component=component,
        provider=originals[0].provider,
        estimated=charges_total(rows),
        actual=actual,
        at=now,
    )
    worth = [charge.amount + charges_total(charge.corrections.all()) for charge in originals]
    for charge, part in zip(originals, split(actual, worth), strict=True):
        charge_correct(charge_id=charge.pk, amount=part, now=now)
    return row
