"""The ledger is written here: charges and their corrections, each exactly once."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from uuid import UUID

from django.db import IntegrityError, transaction

from billing.models import Charge, Reservation
from billing.models.price import Component
from billing.policy.rounding import amount as amount_of
from billing.policy.rounding import billed_quantity, micro
from billing.selectors import charges_total, price_on
from billing.services.periods import period_count, periods_lock, periods_relock
from billing.standing import budgets_for


def charge_record(
    *,
    key: str,
    call_id: UUID | str | None,
    campaign_id: UUID | None,
    component: str,
    provider: str,
    quantity: Decimal,
    region: str = "US",
    model: str = "*",
    at: datetime,
) -> Charge:
    """Write what something cost, once per `key`; the row that is there is returned.

    While the call's reservation is open the charge eats from it; afterwards it goes to the same
    budgets directly.

    Args:
        quantity: what was used, in the unit of its price: minutes, seconds, calls, thousands of
            characters, millions of tokens.
        region: country code of the number called.

    Raises:
        PriceUnknown: naming the price row that is missing.
    """
    known = Charge.objects.filter(key=key).first()
    if known is not None:
        return known
    price = price_on(
        provider=provider, component=component, region=region, model=model, day=at.date()
    )
    billed = billed_quantity(
        quantity, increment=price.increment, minimum=price.minimum, rounding=price.rounding
    )
    charge = Charge(
        key=key,
        call_id=UUID(str(call_id)) if call_id is not None else None,
        campaign_id=campaign_id,
        component=component,
        provider=provider,
        price=price,
        quantity=micro(quantity),
        billed_quantity=billed,
        unit=price.unit,
        unit_price=price.unit_price,
        amount=amount_of(billed, unit_price=price.unit_price),
        at=at,
    )
    return charge_write(charge)


def charge_spare(
    *,
    key: str,
    call_id: UUID | str,
    campaign_id: UUID | None,
    provider: str,
    model: str,
    quantity: Decimal,
    at: datetime,
) -> Charge:
    """Write speech that the cache had already: nothing is billed for it. Once per `key`.

    Its worth is its quantity at its unit price; see `billing.selectors.speech_spared`.

    Args:
        quantity: thousands of characters.

    Raises:
        PriceUnknown: naming the price row of the speech that is missing.
    """
    known = Charge.objects.filter(key=key).first()
    if known is not None:
        return known
    price = price_on(provider=provider, component="tts", region="US", model=model, day=at.date())
    charge = Charge(
        key=key,
        call_id=UUID(str(call_id)),
        campaign_id=campaign_id,
        component=Component.TTS_CACHED,
        provider=provider,
        price=price,
        quantity=micro(quantity),
        billed_quantity=Decimal(0),
        unit=price.unit,
        unit_price=price.unit_price,
        amount=Decimal(0),
        is_estimate=False,
        at=at,
    )
    return charge_write(charge)


def charge_write(charge: Charge) -> Charge:
    """Add a row to the ledger, and to what its budgets have spent; once per key.

    For the services of this package, who know what a thing costs. Returns the row that is there.
    """
    try:
        return _add(charge)
    except IntegrityError:
        known = Charge.objects.filter(key=charge.key).first()
        if known is None:
            raise
        return known


@transaction.atomic
def charge_correct(*, charge_id: UUID, amount: Decimal, now: datetime) -> Charge:
    """Make a charge worth `amount` USD by adding a row with the difference.

    For the provider's real price when it arrives. The same correction twice is one.

    Raises:
        ValueError: the amount is negative.
    """
    if amount < 0:
        raise ValueError("A charge cannot be corrected to less than nothing.")
    # The lock makes two corrections of one charge queue.
    charge = Charge.objects.select_for_update(of=("self",), no_key=True).get(pk=charge_id)
    if charge.corrects_id is not None:
        raise ValueError("This charge is a correction itself: correct the one it names.")
    earlier = charge.corrections.order_by("created_at")
    difference = micro(amount) - charge.amount - charges_total(charge.corrections.all())
    last = earlier.last()
    if difference == 0 and last is not None:
        return last
    return _add(
        Charge(
            key=f"{charge.pk}:correction:{earlier.count() + 1}",
            call_id=charge.call_id,
            campaign_id=charge.campaign_id,
            component=charge.component,
            provider=charge.provider,
            price_id=charge.price_id,
            quantity=Decimal(0),
            billed_quantity=Decimal(0),
            unit=charge.unit,
            unit_price=charge.unit_price,
            amount=difference,
            is_estimate=False,
            corrects=charge,
            at=now,
        )
    )


@transaction.atomic
def _add(charge: Charge) -> Charge:
    # The reservation's lock orders charges and settlement: a charge is either in the sum that is
    # settled or counted here.
    reservation = (
        Reservation.objects.select_for_update().filter(call_id=charge.call_id).first()
        if charge.call_id is not None
        else None
    )
    charge.save(force_insert=True)
    if reservation is None:
        periods = periods_lock(budgets_for(charge.campaign_id), now=charge.at)
    elif reservation.state == Reservation.State.OPEN:
        return charge
    else:
        periods = periods_relock(reservation.lines.values_list("period_id", flat=True))
    for period in periods:
        period_count(period, spend=charge.amount)
    return charge
