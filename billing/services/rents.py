"""The rent of numbers, charged day by day to the calls that used them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from uuid import UUID

from billing.models import Charge, RentedNumber
from billing.models.price import Component
from billing.policy.rent import call_parts
from billing.selectors import price_on
from billing.services.charges import charge_write


@dataclass(frozen=True, slots=True)
class Sharer:
    """Who bears a part of a day's rent: a call, or a campaign on a day without calls."""

    call_id: UUID | None
    campaign_id: UUID | None


def rent_charge(
    *, number: RentedNumber, region: str, day: date, sharers: Sequence[Sharer], at: datetime
) -> list[Charge]:
    """Charge a day's rent in equal parts that sum up to it. Each part once, however often asked.

    Each part is a transaction of its own: it may wait for its call's reservation, which must not
    happen while other calls' budgets are locked. A run that dies goes on at the next.

    Args:
        region: country code of the number.
        day: in the past, so that its sharers and its price are what they were when asked again.
        sharers: the calls of the day; one that is no call if there were none.

    Raises:
        PriceUnknown: naming the price row that is missing.
        ValueError: nobody bears it.
    """
    if not sharers:
        raise ValueError("A rent needs somebody who bears it.")
    price = price_on(
        provider=number.provider,
        component=Component.NUMBER,
        region=region,
        model=number.kind,
        day=day,
    )
    amounts = call_parts(price.unit_price, day, calls=len(sharers))
    months = call_parts(Decimal(1), day, calls=len(sharers))
    charges = [
        charge_write(
            Charge(
                key=f"rent:{number.number}:{day}:{sharer.call_id or 'nobody'}",
                call_id=sharer.call_id,
                campaign_id=sharer.campaign_id,
                component=Component.NUMBER,
                provider=number.provider,
                price=price,
                quantity=month,
                billed_quantity=month,
                unit=price.unit,
                unit_price=price.unit_price,
                amount=amount,
                at=at,
            )
        )
        for sharer, amount, month in zip(sharers, amounts, months, strict=True)
    ]
    rent_day_close(number=number, day=day)
    return charges


def rent_day_close(*, number: RentedNumber, day: date) -> None:
    """Note that a day is done with, so that nobody asks for it again."""
    RentedNumber.objects.filter(pk=number.pk).exclude(next_day__gt=day).update(
        next_day=day + timedelta(days=1)
    )


def rented_number_note(*, number: str, kind: str, since: date) -> RentedNumber:
    """Keep that a number is rented since a day; one that is known stays as it is."""
    row, _ = RentedNumber.objects.get_or_create(
        number=number, defaults={"kind": kind, "rented_from": since}
    )
    return row
