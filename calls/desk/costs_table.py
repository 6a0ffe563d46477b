"""The figures of the page of costs as a table for a spreadsheet."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal

from billing.tables import Value
from calls.desk.costs import Costs, Figure

COLUMNS = (
    "by", "part", "amount_usd", "share", "answered_calls", "minutes", "qualified_leads",
    "appointments", "per_call_usd", "per_minute_usd", "per_qualified_usd", "per_appointment_usd",
)  # fmt: skip


def figure_rows(costs: Costs) -> Iterator[Sequence[Value]]:
    """Yield a header and the figures: all, by component, campaign, voice and day.

    Amounts have six places, as the ledger; each block of parts sums up to the first row.
    """
    yield COLUMNS
    yield _row("all", "", costs.total, 1.0 if costs.total.amount else 0.0)
    blocks = (
        ("component", costs.components),
        ("campaign", costs.campaigns),
        ("voice", costs.tiers),
    )
    for by, parts in blocks:
        for part in parts:
            yield _row(by, part.label, part, part.share)
    for day, amount in costs.day_amounts:
        yield ("day", day, amount)


def _row(by: str, name: str, figure: Figure, share: float) -> Sequence[Value]:
    bought = figure.bought
    return (
        by,
        name,
        figure.amount,
        Decimal(f"{share:.4f}"),
        bought.answered,
        bought.minutes.quantize(Decimal("0.01")),
        bought.qualified,
        bought.appointments,
        figure.per_call,
        figure.per_minute,
        figure.per_qualified,
        figure.per_appointment,
    )
