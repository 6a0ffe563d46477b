"""Reads of prices, charges and budgets that are more than a filter."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction
from uuid import UUID

from django.db.models import DecimalField, ExpressionWrapper, F, Q, QuerySet, Sum

from billing.models import Charge, Price
from billing.models.price import Component
from billing.policy.rounding import amount, billed_quantity, in_unit, micro


class PriceUnknown(Exception):  # noqa: N818 - says what is wrong, and is a contract
    """No price row holds: what is asked for cannot be paid for, so it must not be bought."""

    def __init__(
        self, *, provider: str, component: str, region: str, model: str, day: date
    ) -> None:
        super().__init__(
            f"There is no price for {provider} {component} (region {region or 'unknown'}, "
            f"model {model}) on {day:%Y-%m-%d}. Add a price row for it."
        )


def price_on(*, provider: str, component: str, region: str, model: str, day: date) -> Price:
    """Return the price that holds on a day: the most special one, else the newest.

    A row for the region wins over one for any region, then one for the model over any model.

    Raises:
        PriceUnknown: naming what is missing.
    """
    components = (component,)
    return prices_on(provider=provider, components=components, region=region, model=model, day=day)[
        component
    ]


def prices_on(
    *, provider: str, components: Iterable[str], region: str, model: str, day: date
) -> dict[str, Price]:
    """Return the price that holds on a day of each of some components, in one query.

    Raises:
        PriceUnknown: naming the first that is missing.
    """
    rows: dict[str, list[Price]] = {component: [] for component in components}
    for row in Price.objects.filter(
        Q(valid_to__isnull=True) | Q(valid_to__gt=day),
        provider=provider,
        component__in=rows,
        region__in=(region, "*"),
        model__in=(model, "*"),
        valid_from__lte=day,
    ):
        rows[row.component].append(row)
    found: dict[str, Price] = {}
    for component, candidates in rows.items():
        best = most_special(candidates)
        if best is None:
            raise PriceUnknown(
                provider=provider, component=component, region=region, model=model, day=day
            )
        found[component] = best
    return found


def price_of(price: Price, quantity: Decimal | Fraction) -> Decimal:
    """Return the USD of a quantity, in the price's unit, at a price."""
    billed = billed_quantity(
        quantity, increment=price.increment, minimum=price.minimum, rounding=price.rounding
    )
    return amount(billed, unit_price=price.unit_price)


def most_special(rows: Iterable[Price]) -> Price | None:
    """Return the price that wins among those that hold."""
    return max(
        rows,
        key=lambda row: (row.region != "*", row.model != "*", row.valid_from),
        default=None,
    )


def call_cost(call_id: UUID | str) -> Decimal:
    """Return the USD charged to a call so far, corrections included."""
    return charges_total(Charge.objects.filter(call_id=call_id))


def charges_total(charges: QuerySet[Charge]) -> Decimal:
    """Return the exact sum of some charges in USD; 0 of none."""
    total = charges.aggregate(total=Sum("amount"))["total"]
    # SQLite adds decimals as binary fractions; to six places the sum is exact again.
    return Decimal(0) if total is None else micro(total)


@dataclass(frozen=True, slots=True)
class Spared:
    """Speech that was not paid for, because it had been made before: characters, and USD."""

    characters: int
    amount: Decimal


def speech_spared(charges: QuerySet[Charge]) -> Spared:
    """Return what the speech cache has spared, of some charges."""
    rows = charges.filter(component=Component.TTS_CACHED).order_by()
    worth = ExpressionWrapper(
        F("quantity") * F("unit_price"),
        output_field=DecimalField(max_digits=20, decimal_places=12),
    )
    found = rows.aggregate(thousands=Sum("quantity"), amount=Sum(worth))
    thousands, value = found["thousands"] or Decimal(0), found["amount"] or Decimal(0)
    return Spared(round(thousands * 1000), micro(value))


def call_estimate(
    *,
    seconds: float,
    recorded_by_carrier: bool,
    detect_machines: bool,
    region: str,
    day: date,
    provider: str = "twilio",
    component: str = Component.TELEPHONY_OUT,
) -> Decimal:
    """Return what the carrier will charge for an answered call of some seconds, in USD.

    Raises:
        PriceUnknown: a price for the called number's region is missing: do not dial.
    """
    quantities: dict[str, Fraction | None] = {component: None, Component.MEDIA_STREAM: None}
    if recorded_by_carrier:
        quantities[Component.RECORDING] = None
    if detect_machines:
        quantities[Component.AMD] = Fraction(1)
    prices = prices_on(provider=provider, components=quantities, region=region, model="*", day=day)
    total = Decimal(0)
    for part, count in quantities.items():
        price = prices[part]
        used = in_unit(seconds, price.unit) if count is None else count
        total += price_of(price, used)
    return total
