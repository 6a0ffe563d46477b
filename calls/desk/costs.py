"""What calls cost: per call, minute, lead and appointment; by component, tier, campaign and day."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from uuid import UUID

from django.db.models import QuerySet

from billing.models import Charge
from billing.models.price import Component
from billing.policy.rounding import micro
from billing.selectors import Spared
from billing.spend import SpendCell, SpendScope, day_begins, spend_cells
from calls.desk.bought import Bought, bought_by
from calls.models import Call, Campaign


@dataclass(frozen=True, slots=True)
class Span:
    """What is looked at: days of the account's clock, both included, one campaign or voice, or all.

    The charges of a span are those of its days; its calls are those that began on them.
    """

    first: date
    last: date
    campaign_id: UUID | None = None
    tier: str | None = None

    @property
    def since(self) -> datetime:
        """Its first moment."""
        return day_begins(self.first)

    @property
    def until(self) -> datetime:
        """The first moment after it."""
        return day_begins(self.last + timedelta(days=1))


@dataclass(frozen=True, slots=True)
class Figure:
    """USD, and what they bought. Its rates are None where nothing of the kind was bought."""

    amount: Decimal
    bought: Bought

    @property
    def per_call(self) -> Decimal | None:
        """USD per call that a person answered."""
        return _per(self.amount, self.bought.answered)

    @property
    def per_minute(self) -> Decimal | None:
        """USD per minute on the line."""
        return _per(self.amount, self.bought.minutes)

    @property
    def per_qualified(self) -> Decimal | None:
        """USD per qualified lead."""
        return _per(self.amount, self.bought.qualified)

    @property
    def per_appointment(self) -> Decimal | None:
        """USD per appointment."""
        return _per(self.amount, self.bought.appointments)


@dataclass(frozen=True, slots=True)
class Part(Figure):
    """One part of the money: what it is, and its share of all (0-1)."""

    key: str
    label: str
    share: float


@dataclass(frozen=True, slots=True)
class Costs:
    """One reading of the ledger. Each list of parts sums up to `total.amount` exactly."""

    total: Figure
    spared: Spared
    """By speech that had been made before."""
    components: list[Part]
    campaigns: list[Part]
    tiers: list[Part]
    days: list[date]
    component_days: dict[str, list[Decimal]]
    """Key to USD per day of `days`."""
    campaign_days: dict[str, list[Decimal]]

    @property
    def day_amounts(self) -> list[tuple[date, Decimal]]:
        """Each day of `days`, and USD spent on it."""
        amounts = zip(*self.component_days.values(), strict=True)
        return [
            (day, sum(of_day, Decimal(0))) for day, of_day in zip(self.days, amounts, strict=True)
        ]


NO_CAMPAIGN = "No campaign"
NO_CALL = "Outside calls"
TIERS = {"local": "Local voice", "premium": "Premium voice", "": NO_CALL}


def scope_of(span: Span) -> SpendScope:
    """Return which charges a span's are."""
    return SpendScope(span.first, span.last, campaign_id=span.campaign_id, tier=span.tier)


def charges_in(span: Span) -> QuerySet[Charge]:
    """Return the charges of a span."""
    return scope_of(span).charges


def calls_in(span: Span) -> QuerySet[Call]:
    """Return the calls that began in a span."""
    rows = Call.objects.filter(created_at__gte=span.since, created_at__lt=span.until)
    if span.campaign_id is not None:
        rows = rows.filter(campaign_id=span.campaign_id)
    return rows if span.tier is None else rows.filter(voice_tier=span.tier)


def costs(span: Span) -> Costs:
    """Return the costs of a span in a constant number of queries."""
    cells = spend_cells(scope_of(span))
    spent = sum((cell.amount for cell in cells), Decimal(0))
    bought = bought_by(calls_in(span))
    names = {str(key): name for key, name in Campaign.objects.values_list("pk", "name")}
    components = _parts(
        cells, _component, dict(Component.choices), spent, lambda key: bought.in_all
    )
    campaigns = _parts(cells, _campaign, names | {"": NO_CAMPAIGN}, spent, bought.of_campaign)
    tiers = _parts(cells, _tier, TIERS, spent, bought.of_tier)
    days = _days(cells)
    return Costs(
        total=Figure(spent, bought.in_all),
        spared=_spared(cells),
        components=components,
        campaigns=campaigns,
        tiers=tiers,
        days=days,
        component_days=_by_day(cells, days, components, _component),
        campaign_days=_by_day(cells, days, campaigns, _campaign),
    )


def _component(cell: SpendCell) -> str:
    return cell.component


def _campaign(cell: SpendCell) -> str:
    return str(cell.campaign_id or "")


def _tier(cell: SpendCell) -> str:
    return cell.tier


def _spared(cells: Iterable[SpendCell]) -> Spared:
    cached = [cell for cell in cells if cell.component == Component.TTS_CACHED]
    return Spared(
        characters=round(sum((cell.quantity for cell in cached), Decimal(0)) * 1000),
        amount=micro(sum((cell.worth for cell in cached), Decimal(0))),
    )


def _parts(
    cells: Iterable[SpendCell],
    key_of: Callable[[SpendCell], str],
    labels: dict[str, str],
    spent: Decimal,
    bought_of: Callable[[str], Bought],
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
            bought=bought_of(key),
        )
        for key, amount in sums.items()
    ]
    return sorted(parts, key=lambda part: (-part.amount, part.label))


def _days(cells: list[SpendCell]) -> list[date]:
    if not cells:
        return []
    first, last = min(cell.day for cell in cells), max(cell.day for cell in cells)
    return [first + timedelta(days=n) for n in range((last - first).days + 1)]


def _by_day(
    cells: list[SpendCell],
    days: list[date],
    parts: list[Part],
    key_of: Callable[[SpendCell], str],
) -> dict[str, list[Decimal]]:
    place = {day: index for index, day in enumerate(days)}
    lines = {part.key: [Decimal(0)] * len(days) for part in parts}
    for cell in cells:
        lines[key_of(cell)][place[cell.day]] += cell.amount
    return lines


def _per(spent: Decimal, count: Decimal | int) -> Decimal | None:
    return micro(spent / count) if count else None
