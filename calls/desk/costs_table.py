"""The figures of the page of costs as a table for a spreadsheet."""

from __future__ import annotations

import csv
import io

from billing.export import cell
from calls.desk.costs import Costs, Figure

COLUMNS = (
    "by", "part", "amount_usd", "share", "answered_calls", "minutes", "qualified_leads",
    "appointments", "per_call_usd", "per_minute_usd", "per_qualified_usd", "per_appointment_usd",
)  # fmt: skip


def figures_csv(costs: Costs) -> str:
    """Return the figures as CSV (RFC 4180) with a header: all, by component, campaign, voice, day.

    Amounts have six places, as the ledger; each block of parts sums up to the first row.
    """
    target = io.StringIO()
    writer = csv.writer(target)
    writer.writerow(COLUMNS)
    writer.writerow(_row("all", "", costs.total, 1.0 if costs.total.amount else 0.0))
    blocks = (
        ("component", costs.components),
        ("campaign", costs.campaigns),
        ("voice", costs.tiers),
    )
    for by, parts in blocks:
        for part in parts:
            writer.writerow(_row(by, part.label, part, part.share))
    for day, amount in costs.day_amounts:
        writer.writerow(("day", day.isoformat(), amount))
    return target.getvalue()


def _row(by: str, name: str, figure: Figure, share: float) -> tuple[object, ...]:
    bought = figure.bought
    return (
        by,
        cell(name),
        figure.amount,
        f"{share:.4f}",
        bought.answered,
        f"{bought.minutes:.2f}",
        bought.qualified,
        bought.appointments,
        figure.per_call,
        figure.per_minute,
        figure.per_qualified,
        figure.per_appointment,
    )
