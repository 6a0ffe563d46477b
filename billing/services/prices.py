"""The price list grows; what was charged by never changes."""

from __future__ import annotations

from dataclasses import asdict
from datetime import date, datetime
from decimal import Decimal

import structlog
from django.contrib.auth.models import AbstractBaseUser
from django.db import IntegrityError, transaction

from billing.models import Price
from billing.models.price import Rounding
from billing.policy.price_list import shipped_prices

logger = structlog.get_logger(__name__)


class PriceChangeRefused(ValueError):  # noqa: N818 - says what happened
    """The change would rewrite what charges were computed from. The message says what to do."""


@transaction.atomic
def price_change(
    *,
    provider: str,
    component: str,
    unit_price: Decimal,
    valid_from: date,
    source: str,
    author: AbstractBaseUser | None,
    now: datetime,
    region: str = "*",
    model: str = "*",
    unit: str | None = None,
    increment: Decimal | None = None,
    minimum: Decimal | None = None,
    rounding: str | None = None,
) -> Price:
    """Let a price hold from a day on: close the row before it, open another, rewrite nothing.

    The same price again changes nothing and returns the row that holds. What is not given (unit,
    increment, minimum, rounding) stays as it was.

    Args:
        unit_price: USD per unit.
        valid_from: first day of the price; today or later, because days gone are charged.
        source: where the figure was read.
        author: who changed it; None when it was read from the provider.

    Raises:
        PriceChangeRefused: the day is past, another price begins on it, or the unit of a first
            price is missing.
    """
    if valid_from < now.date():
        raise PriceChangeRefused(
            f"A price cannot begin on {valid_from:%Y-%m-%d}, which is past: its calls are charged. "
            "Choose today or a later day."
        )
    if unit_price < 0:
        raise PriceChangeRefused("A price cannot be negative. Give 0 for what costs nothing.")
    same = Price.objects.select_for_update(of=("self",)).filter(
        provider=provider, component=component, region=region, model=model
    )
    rows = list(same.order_by("valid_from"))
    before = next((row for row in reversed(rows) if row.valid_from <= valid_from), None)
    after = next((row for row in rows if row.valid_from > valid_from), None)
    if before is None and unit is None:
        raise PriceChangeRefused(
            f"There is no price for {provider} {component} yet: say per which unit it is."
        )
    wanted = {
        "unit": unit or (before.unit if before else ""),
        "unit_price": unit_price,
        "increment": _first(increment, before.increment if before else None, Decimal(1)),
        "rounding": rounding or (before.rounding if before else Rounding.UP),
        "minimum": _first(minimum, before.minimum if before else None, Decimal(0)),
    }
    if before is not None:
        holds = before.valid_to is None or before.valid_to > valid_from
        if holds and all(getattr(before, name) == value for name, value in wanted.items()):
            return before
        if before.valid_from == valid_from:
            raise PriceChangeRefused(
                f"Another price begins on {valid_from:%Y-%m-%d} already. Choose a later day."
            )
        if holds:
            before.valid_to = valid_from
            before.save(update_fields=["valid_to"])
    price = Price(
        provider=provider,
        component=component,
        region=region,
        model=model,
        valid_from=valid_from,
        valid_to=after.valid_from if after else None,
        source=source,
        author_id=author.pk if author is not None else None,
        created_at=now,
        **wanted,
    )
    price.full_clean(validate_unique=False, validate_constraints=False)
    try:
        with transaction.atomic():
            price.save(force_insert=True)
    except IntegrityError:
        raise PriceChangeRefused(
            f"Another price begins on {valid_from:%Y-%m-%d} already. Choose a later day."
        ) from None
    logger.info(
        "price_changed",
        provider=provider,
        component=component,
        region=region,
        model=model,
        before=str(before.unit_price) if before else None,
        after=str(price.unit_price),
        valid_from=str(valid_from),
        author_id=author.pk if author is not None else None,
    )
    return price


def _first(*values: Decimal | None) -> Decimal:
    return next(value for value in values if value is not None)


@transaction.atomic
def prices_seed() -> int:
    """Add the shipped list prices that are missing, touch none that is there. Return how many."""
    added = 0
    for price in shipped_prices():
        values = asdict(price)
        identity = {
            name: values.pop(name)
            for name in ("provider", "component", "region", "model", "valid_from")
        }
        _, created = Price.objects.get_or_create(**identity, defaults=values)
        added += created
    return added
