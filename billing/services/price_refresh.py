"""The price list follows the carrier's: what differs becomes a row from today on."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Literal

from billing.models.price import Component, Unit
from billing.policy.carrier_prices import doubtful
from billing.pricing_api import country_prices
from billing.selectors import PriceUnknown, price_on
from billing.services.prices import PriceChangeRefused, price_change

PROVIDER = "twilio"
SOURCE = "Twilio Pricing API"


@dataclass(frozen=True, slots=True)
class Refreshed:
    """What became of one price."""

    region: str
    component: str
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
    return [
        _take(region, component, price, now=now, write=write, accept_large=accept_large)
        for component, price in wanted
    ]


def _take(
    region: str,
    component: str,
    after: Decimal,
    *,
    now: datetime,
    write: bool,
    accept_large: bool,
) -> Refreshed:
    try:
        row = price_on(
            provider=PROVIDER, component=component, region=region, model="*", day=now.date()
        )
        before = row.unit_price
    except PriceUnknown:
        before = None
    if before == after:
        return Refreshed(region, component, before, after, "same")
    if before is not None and doubtful(before, after) and not accept_large:
        return Refreshed(region, component, before, after, "doubtful")
    if write:
        try:
            price_change(
                provider=PROVIDER,
                component=component,
                region=region,
                unit=Unit.MINUTE,
                unit_price=after,
                valid_from=now.date(),
                source=SOURCE,
                author=None,
                now=now,
            )
        except PriceChangeRefused as error:
            return Refreshed(region, component, before, after, "refused", str(error))
    return Refreshed(region, component, before, after, "changed")
