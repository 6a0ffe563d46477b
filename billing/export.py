"""The ledger as a table for a spreadsheet."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from django.db.models import QuerySet

from billing.models import Charge
from billing.tables import Value

COLUMNS = (
    "at_utc", "component", "provider", "model", "campaign", "call", "tier", "quantity",
    "billed_quantity", "unit", "unit_price_usd", "amount_usd", "standing", "corrects", "charge",
)  # fmt: skip


def charge_rows(charges: QuerySet[Charge]) -> Iterator[Sequence[Value]]:
    """Yield a header and a row per charge, read a part at a time.

    Without names and numbers of leads: a call is its id. Amounts have six places, as the ledger.
    """
    yield COLUMNS
    rows = charges.select_related("campaign", "price", "call").order_by("at", "key")
    for charge in rows.iterator(chunk_size=2000):
        yield (
            charge.at,
            charge.component,
            charge.provider,
            charge.price.model,
            charge.campaign.name if charge.campaign else "",
            charge.call_id,
            charge.call.voice_tier if charge.call else "",
            charge.quantity,
            charge.billed_quantity,
            charge.unit,
            charge.unit_price,
            charge.amount,
            _standing(charge),
            charge.corrects_id,
            charge.pk,
        )


def _standing(charge: Charge) -> str:
    if charge.corrects_id is not None:
        return "correction"
    return "estimate" if charge.is_estimate else "billed"
