"""The price list follows the carrier's: what differs becomes a row from today on."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import partial
from typing import Literal

from billing.models.price import Component, Unit
from billing.policy.carrier_prices import doubtful
from billing.policy.rent import PARTS_OF_A_MONTH
from billing.pricing_api import country_prices, number_prices
from billing.selectors import PriceUnknown, price_on
from billing.services.prices import PriceChangeRefused, price_change

PROVIDER = "twilio"
SOURCE = "Twilio Pricing API"


@dataclass(frozen=True, slots=True)
class Refreshed:
    """What became of one price."""

    region: str
    component: str
    model: str
    before: Decimal | None
    after: Decimal
    result: Literal["same", "changed", "doubtful", "refused"]
    problem: str = ""


def prices_refresh(
    *, region: str, now: datetime, write: bool = True, accept_large: bool = False
) -> list[Refreshed]:
    """Compare the line's prices of a country with the carrier's, and take over what differs.

    Safe to run twice. A change of several times is not taken over unless told so.

    Args:
        region: two-letter country code.
        write: False only compares.
        accept_large: take over also what looks doubtful.

    Raises:
        PricingFailed: the carrier's list could not be read.
    """
    theirs = country_prices(region)
    wanted = (
        (Component.TELEPHONY_OUT, theirs.outbound),
        (Component.TELEPHONY_IN, theirs.inbound),
    )
    take = partial(_take, region, now=now, write=write, accept_large=accept_large)
    return [take(component, "*", price) for component, price in wanted]


def rents_refresh(
    *, region: str, now: datetime, write: bool = True, accept_large: bool = False
) -> list[Refreshed]:
    """Compare the rents of a country's numbers with the carrier's, as `prices_refresh` does.

    Raises:
        PricingFailed: the carrier's list could not be read.
    """
    take = partial(_take, region, now=now, write=write, accept_large=accept_large)
    return [take(Component.NUMBER, kind, rent) for kind, rent in number_prices(region).items()]


def _take(
    region: str,
    component: str,
    model: str,
    after: Decimal,
    *,
    now: datetime,
    write: bool,
    accept_large: bool,
) -> Refreshed:
    found = partial(Refreshed, region, component, model)
    try:
        row = price_on(
            provider=PROVIDER, component=component, region=region, model=model, day=now.date()
        )
        before = row.unit_price
    except PriceUnknown:
        before = None
    if before == after:
        return found(before, after, "same")
    if before is not None and doubtful(before, after) and not accept_large:
        return found(before, after, "doubtful")
    rent = component == Component.NUMBER
    if write:
        try:
            price_change(
                provider=PROVIDER,
                component=component,
                region=region,
                model=model,
                unit=Unit.MONTH if rent else Unit.MINUTE,
                increment=PARTS_OF_A_MONTH if rent else None,
                unit_price=after,
                valid_from=now.date(),
                source=SOURCE,
                author=None,
                now=now,
            )
        except PriceChangeRefused as error:
            return found(before, after, "refused", str(error))
    return found(before, after, "changed")
