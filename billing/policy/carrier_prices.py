"""One price per country out of the carrier's long list. Pure.

The carrier prices calls by prefix (https://www.twilio.com/docs/voice/api/pricing); our list has
one row per country, so the one that most leads' telephones have is taken.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

# Outbound calls show the caller's number; in these countries that is a mobile one.
_NUMBER_TYPES = {"AU": "mobile"}
_KINDS = {"local": "local", "mobile": "mobile", "toll free": "tollfree"}
"""The carrier's name of a kind of number, and ours."""
LARGEST_STEP = 3
"""A price that is that many times another is doubted: a changed meaning, not a changed price."""


class PriceListUnclear(ValueError):  # noqa: N818 - says what is wrong
    """The carrier's answer holds no price that could be taken. The message says why."""


def outbound_price(prices: Iterable[Mapping[str, Any]], *, country: str) -> Decimal:
    """Return the USD a minute to call telephones of a country.

    Mobile telephones where they have a price of their own, since that is what leads have; else
    the country's general price. Names are like "... - United Kingdom - Mobile"; prefixes of
    single operators and areas have a longer name and are left out.

    Raises:
        PriceListUnclear: there is no such price.
    """
    named: dict[str, list[Decimal]] = {"general": [], "mobile": []}
    for row in prices:
        origins = row.get("origination_prefixes") or ["ALL"]
        name = str(row.get("friendly_name", ""))
        if "ALL" not in origins:
            continue
        if name.endswith(f"- {country} - Mobile"):
            named["mobile"].append(_price(row))
        elif name.endswith(f"- {country}"):
            named["general"].append(_price(row))
    found = named["mobile"] or named["general"]
    if not found:
        raise PriceListUnclear(f"There is no outbound price for {country} as a whole.")
    return max(found)


def inbound_price(prices: Iterable[Mapping[str, Any]], *, region: str) -> Decimal:
    """Return the USD a minute for calls to a number of ours in a country.

    Raises:
        PriceListUnclear: there is no price for the type of number that is used there.
    """
    wanted = _NUMBER_TYPES.get(region, "local")
    for row in prices:
        if row.get("number_type") == wanted:
            return _price(row)
    raise PriceListUnclear(f"There is no inbound price for {wanted} numbers of {region}.")


def rents_by_kind(prices: Iterable[Mapping[str, Any]]) -> dict[str, Decimal]:
    """Return the USD a month for a number, by its kind: "local", "mobile", "tollfree".

    Raises:
        PriceListUnclear: a price is no amount of money.
    """
    return {
        _KINDS[row["number_type"]]: _price(row)
        for row in prices
        if row.get("number_type") in _KINDS
    }


def doubtful(before: Decimal, after: Decimal) -> bool:
    """Whether a price changes so much that a person should look: to nothing, or several times."""
    if not before or not after:
        return before != after
    return max(before, after) / min(before, after) >= LARGEST_STEP


def _price(row: Mapping[str, Any]) -> Decimal:
    try:
        price = Decimal(str(row.get("current_price")))
    except InvalidOperation:
        raise PriceListUnclear("A price is no number.") from None
    if not price.is_finite() or price < 0:
        raise PriceListUnclear("A price is no amount of money.")
    return price
