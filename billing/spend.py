"""What was spent: read from the sums of the days past and the charges since, exactly."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, Literal, TypeVar
from uuid import UUID
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db.models import Count, DecimalField, ExpressionWrapper, F, QuerySet, Sum
from django.db.models.functions import TruncDate

from billing.models import Charge, DailySpend, SpendMark
from billing.policy.rounding import micro

_TRIES = 3
_WORTH = ExpressionWrapper(
    F("quantity") * F("unit_price"), output_field=DecimalField(max_digits=24, decimal_places=12)
)
_Read = TypeVar("_Read")


@dataclass(frozen=True, slots=True)
class SpendScope:
    """Which charges: of days of the account's clock, both included, and of what. None is all."""

    first: date | None = None
    last: date | None = None
    component: str | None = None
    campaign_id: UUID | None = None
    tier: str | None = None
    """Voice of the call."""
    outside: Literal["", "campaign", "call"] = ""
    """Only what belongs to no campaign, or to no call."""

    @property
    def charges(self) -> QuerySet[Charge]:
        """The charges themselves."""
        where: dict[str, Any] = {
            "at__gte": day_begins(self.first) if self.first else None,
            "at__lt": day_begins(self.last + timedelta(days=1)) if self.last else None,
            "component": self.component,
            "campaign_id": self.campaign_id,
            "call__voice_tier": self.tier,
            "campaign__isnull": True if self.outside == "campaign" else None,
            "call__isnull": True if self.outside == "call" else None,
        }
        return Charge.objects.filter(**_given(where))

    @property
    def days(self) -> QuerySet[DailySpend]:
        """Their sums, of those that are added up."""
        where: dict[str, Any] = {
            "day__gte": self.first,
            "day__lte": self.last,
            "component": self.component,
            "campaign_id": self.campaign_id,
            "tier": "" if self.outside == "call" else self.tier,
            "campaign__isnull": True if self.outside == "campaign" else None,
        }
        return DailySpend.objects.filter(**_given(where))


@dataclass(frozen=True, slots=True)
class SpendCell:
    """The money of one day, component, campaign and voice. A day may have the same cell twice."""

    day: date
    component: str
    campaign_id: UUID | None
    tier: str
    """Voice of the call; "" where money was spent outside calls."""
    charges: int
    amount: Decimal
    """USD, exact to six places."""
    quantity: Decimal
    worth: Decimal
    """USD of the quantity at its unit prices, before rounding: what is spared where nothing is
    billed."""


@dataclass(frozen=True, slots=True)
class SpendTotal:
    """How many charges, and USD of all of them."""

    charges: int
    amount: Decimal


def account_zone() -> ZoneInfo:
    """Return the zone in which the account's days begin."""
    return ZoneInfo(settings.ENV.account_time_zone)


def day_begins(day: date) -> datetime:
    """Return the first moment of a day of the account's clock."""
    return datetime.combine(day, time.min, account_zone())


def spend_cells(scope: SpendScope) -> list[SpendCell]:
    """Return what was spent, in parts whose amounts sum up to those of the charges exactly.

    A constant number of queries, however long the ledger is.
    """

    def read(mark: int | None) -> list[SpendCell]:
        if mark is None:
            return cells_of(scope.charges)
        rows = scope.days.order_by().values_list(
            "day", "component", "campaign_id", "tier", "charges", "amount", "quantity", "worth"
        )
        return [SpendCell(*row) for row in rows] + cells_of(_unsummed(scope))

    return _at_one_mark(read)


def spend_total(scope: SpendScope) -> SpendTotal:
    """Return how many charges there are and what they sum up to, as `spend_cells` does."""

    def read(mark: int | None) -> SpendTotal:
        if mark is None:
            return total_of(scope.charges)
        days = scope.days.aggregate(count=Sum("charges"), total=Sum("amount"))
        late = total_of(_unsummed(scope))
        return SpendTotal(
            (days["count"] or 0) + late.charges,
            micro(days["total"] or Decimal(0)) + late.amount,
        )

    return _at_one_mark(read)


def cells_of(charges: QuerySet[Charge]) -> list[SpendCell]:
    """Return charges added up."""
    rows = (
        charges.order_by()
        .values(
            "component",
            "campaign_id",
            day=TruncDate("at", tzinfo=account_zone()),
            tier=F("call__voice_tier"),
        )
        .annotate(
            charges_=Count("pk"),
            amount_=Sum("amount"),
            quantity_=Sum("quantity"),
            worth_=Sum(_WORTH),
        )
    )
    return [
        _cell(
            (row["day"], row["component"], row["campaign_id"], row["tier"] or ""),
            (row["charges_"], row["amount_"], row["quantity_"], row["worth_"]),
        )
        for row in rows
    ]


def total_of(charges: QuerySet[Charge]) -> SpendTotal:
    """Return how many charges there are and what they sum up to, one by one."""
    found = charges.order_by().aggregate(count=Count("pk"), total=Sum("amount"))
    # SQLite adds decimals as binary fractions; to six places a sum is exact again.
    return SpendTotal(found["count"], micro(found["total"] or Decimal(0)))


def _at_one_mark(read: Callable[[int | None], _Read]) -> _Read:
    """Read days and charges that fit together: had the mark moved in between, charges would be
    read twice or not at all."""
    mark = _mark()
    for _ in range(_TRIES):
        found = read(mark)
        before, mark = mark, _mark()
        if mark == before:
            return found
    return read(None)


def _mark() -> int | None:
    mark = SpendMark.objects.filter(time_zone=settings.ENV.account_time_zone)
    return mark.values_list("changes", flat=True).first()


def _unsummed(scope: SpendScope) -> QuerySet[Charge]:
    return scope.charges.filter(unsummed__isnull=False)


def _given(where: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in where.items() if value is not None}


def _cell(
    key: tuple[date, str, UUID | None, str], sums: tuple[int, Decimal, Decimal, Decimal]
) -> SpendCell:
    charges, amount, quantity, worth = sums
    return SpendCell(*key, charges, micro(amount), micro(quantity), worth)
