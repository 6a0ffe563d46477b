"""What calls cost: per call, minute, lead and appointment; by component, tier, campaign and day."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db.models import (
    Count,
    DurationField,
    Exists,
    ExpressionWrapper,
    F,
    OuterRef,
    Q,
    QuerySet,
    Sum,
)
from django.db.models.functions import TruncDate

from billing.models import Charge
from billing.models.price import Component
from billing.policy.rounding import micro
from billing.selectors import Spared, speech_spared
from calls.desk.funnel import STEPS
from calls.models import Call, Campaign


@dataclass(frozen=True, slots=True)
class Span:
    """What is looked at: from a moment, up to but without another, of one campaign or of all."""

    since: datetime
    until: datetime
    campaign_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Part:
    """One part of the money: what it is, USD, its share of all (0-1), and its list filter."""

    key: str
    label: str
    amount: Decimal
    share: float
    calls: int


@dataclass(frozen=True, slots=True)
class CostSummary:
    """The money of a span, and what it bought."""

    spent: Decimal
    calls: int
    """Calls that cost something, answered or not."""
    answered: int
    minutes: Decimal
    """Talked, from answer to end."""
    qualified: int
    appointments: int
    spared: Spared
    """By speech that had been made before."""

    @property
    def per_call(self) -> Decimal | None:
        """USD per answered call."""
        return _per(self.spent, self.answered)

    @property
    def per_minute(self) -> Decimal | None:
        """USD per minute talked."""
        return _per(self.spent, self.minutes)

    @property
    def per_qualified(self) -> Decimal | None:
        """USD per qualified lead."""
        return _per(self.spent, self.qualified)

    @property
    def per_appointment(self) -> Decimal | None:
        """USD per appointment."""
        return _per(self.spent, self.appointments)


@dataclass(frozen=True, slots=True)
class Costs:
    """One reading of the ledger. Each list of parts sums up to `summary.spent` exactly."""

    summary: CostSummary
    components: list[Part]
    campaigns: list[Part]
    tiers: list[Part]
    days: list[date]
    component_days: dict[str, list[Decimal]]
    """Label to USD per day of `days`."""
    campaign_days: dict[str, list[Decimal]]


@dataclass(frozen=True, slots=True)
class _Cell:
    day: date
    component: str
    campaign: str
    tier: str
    amount: Decimal


NO_CAMPAIGN = "No campaign"
NO_CALL = "Outside calls"
TIERS = {"local": "Local voice", "premium": "Premium voice", "": NO_CALL}
MOST_LINES = 8
"""Campaigns with a colour of their own in the chart; the smaller ones are one more together."""


def charges_in(span: Span) -> QuerySet[Charge]:
    """Return the charges of a span."""
    rows = Charge.objects.filter(at__gte=span.since, at__lt=span.until)
    return rows if span.campaign_id is None else rows.filter(campaign_id=span.campaign_id)


def costs(span: Span) -> Costs:
    """Return the costs of a span in a constant number of queries.

    Days are those of the current time zone.
    """
    cells = _cells(span)
    spent = sum((cell.amount for cell in cells), Decimal(0))
    days = _days(cells)
    names = dict(Campaign.objects.values_list("pk", "name"))
    campaign_names = {str(key): name for key, name in names.items()} | {"": NO_CAMPAIGN}
    counts = {field: _calls_by(span, field) for field in ("component", "campaign_id", "tier")}
    components = _parts(
        cells, lambda cell: cell.component, dict(Component.choices), spent, counts["component"]
    )
    campaigns = _parts(
        cells, lambda cell: cell.campaign, campaign_names, spent, counts["campaign_id"]
    )
    return Costs(
        summary=_summary(span, spent),
        components=components,
        campaigns=campaigns,
        tiers=_parts(cells, lambda cell: cell.tier, TIERS, spent, counts["tier"]),
        days=days,
        component_days=_by_day(cells, days, components, lambda cell: cell.component),
        campaign_days=_by_day(cells, days, campaigns, lambda cell: cell.campaign),
    )


def _cells(span: Span) -> list[_Cell]:
    rows = (
        charges_in(span)
        .order_by()
        .values("component", "campaign_id", day=TruncDate("at"), tier=F("call__voice_tier"))
        .annotate(total=Sum("amount"))
    )
    # Each sum is exact at six places, so that sums of sums are too.
    return [
        _Cell(
            day=row["day"],
            component=row["component"],
            campaign=str(row["campaign_id"] or ""),
            tier=row["tier"] or "",
            amount=micro(row["total"]),
        )
        for row in rows
    ]


def _summary(span: Span, spent: Decimal) -> CostSummary:
    paid = Exists(charges_in(span).filter(call=OuterRef("pk")))
    answered = Q(answered_at__isnull=False)
    talk = ExpressionWrapper(F("ended_at") - F("answered_at"), output_field=DurationField())
    figures = Call.objects.filter(paid).aggregate(
        calls=Count("pk"),
        answered=Count("pk", filter=answered),
        qualified=Count("lead", filter=STEPS["qualified"][1], distinct=True),
        appointments=Count("pk", filter=STEPS["appointment"][1]),
        talked=Sum(talk, filter=answered & Q(ended_at__isnull=False)),
    )
    talked: timedelta = figures["talked"] or timedelta(0)
    return CostSummary(
        spent=spent,
        calls=figures["calls"],
        answered=figures["answered"],
        minutes=Decimal(talked // timedelta(seconds=1)) / 60,
        qualified=figures["qualified"],
        appointments=figures["appointments"],
        spared=speech_spared(charges_in(span)),
    )


def _calls_by(span: Span, field: str) -> dict[str, int]:
    rows = charges_in(span).order_by()
    if field == "tier":
        rows = rows.annotate(tier=F("call__voice_tier"))
    counted = rows.values(field).annotate(count=Count("call", distinct=True))
    return {str(row[field] or ""): row["count"] for row in counted}


def _parts(
    cells: Iterable[_Cell],
    key_of: Callable[[_Cell], str],
    labels: dict[str, Any],
    spent: Decimal,
    calls: dict[str, int],
) -> list[Part]:
    sums: dict[str, Decimal] = {}
    for cell in cells:
        sums[key_of(cell)] = sums.get(key_of(cell), Decimal(0)) + cell.amount
    parts = [
        Part(
            key=key,
            label=str(labels.get(key, key)),
            amount=amount,
            share=float(amount / spent) if spent else 0.0,
            calls=calls.get(key, 0),
        )
        for key, amount in sums.items()
    ]
    return sorted(parts, key=lambda part: (-part.amount, part.label))


def _days(cells: list[_Cell]) -> list[date]:
    if not cells:
        return []
    first, last = min(cell.day for cell in cells), max(cell.day for cell in cells)
    return [first + timedelta(days=n) for n in range((last - first).days + 1)]


def _by_day(
    cells: list[_Cell], days: list[date], parts: list[Part], key_of: Callable[[_Cell], str]
) -> dict[str, list[Decimal]]:
    shown = {part.key: part.label for part in parts[:MOST_LINES]}
    place = {day: index for index, day in enumerate(days)}
    lines: dict[str, list[Decimal]] = {}
    for cell in cells:
        label = shown.get(key_of(cell), "Others")
        line = lines.setdefault(label, [Decimal(0)] * len(days))
        line[place[cell.day]] += cell.amount
    order = {label: index for index, label in enumerate(shown.values())}
    return dict(sorted(lines.items(), key=lambda item: order.get(item[0], len(order))))


def _per(spent: Decimal, count: Decimal | int) -> Decimal | None:
    return micro(spent / count) if count else None
