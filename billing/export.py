"""The ledger as a table for a spreadsheet."""

from __future__ import annotations

import csv
import io
from datetime import UTC

from django.db.models import QuerySet

from billing.models import Charge

COLUMNS = (
    "at_utc", "component", "provider", "model", "campaign", "call", "tier", "quantity",
    "billed_quantity", "unit", "unit_price_usd", "amount_usd", "standing", "corrects", "charge",
)  # fmt: skip
# A cell that begins with one of these is a formula to Excel, LibreOffice and Google Sheets
# (OWASP, "CSV Injection").
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


def cell(text: str) -> str:
    """Return text that no spreadsheet takes for a formula."""
    return f"'{text}" if text.startswith(_FORMULA) else text


def charges_csv(charges: QuerySet[Charge]) -> tuple[str, int]:
    """Return charges as CSV (RFC 4180) with a header, and how many they are.

    Without names and numbers of leads: a call is its id. Amounts have six places, as the ledger.
    """
    target = io.StringIO()
    writer = csv.writer(target)
    writer.writerow(COLUMNS)
    count = 0
    rows = charges.select_related("campaign", "price", "call").order_by("at", "key")
    for charge in rows.iterator(chunk_size=2000):
        count += 1
        writer.writerow(
            (
                charge.at.astimezone(UTC).isoformat(timespec="seconds"),
                charge.component,
                cell(charge.provider),
                cell(charge.price.model),
                cell(charge.campaign.name) if charge.campaign else "",
                charge.call_id or "",
                charge.call.voice_tier if charge.call else "",
                charge.quantity,
                charge.billed_quantity,
                charge.unit,
                charge.unit_price,
                charge.amount,
                _standing(charge),
                charge.corrects_id or "",
                charge.pk,
            )
        )
    return target.getvalue(), count


def _standing(charge: Charge) -> str:
    if charge.corrects_id is not None:
        return "correction"
    return "estimate" if charge.is_estimate else "billed"
