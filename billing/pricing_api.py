"""The carrier's own price list, over its Pricing API.

`TWILIO_PRICING_BASE_URL` decides who answers. Reading is safe to repeat: three times, with jitter
between, where another attempt can help. Sources: https://www.twilio.com/docs/voice/api/pricing,
https://www.twilio.com/docs/phone-numbers/pricing
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import TypeVar

import requests
from django.conf import settings
from tenacity import Retrying, retry_if_exception, stop_after_attempt, wait_random_exponential
from twilio.base.exceptions import TwilioException, TwilioRestException, TwilioServiceException
from twilio.http.http_client import TwilioHttpClient
from twilio.rest import Client

from billing.policy.carrier_prices import (
    PriceListUnclear,
    inbound_price,
    outbound_price,
    rents_by_kind,
)

TIMEOUT_S = 10.0
Answer = TypeVar("Answer")


class PricingFailed(Exception):  # noqa: N818 - says what happened
    """The price list could not be read.

    Attributes:
        permanent: another attempt cannot help: the message says what to put right.
    """

    def __init__(self, text: str, *, permanent: bool) -> None:
        super().__init__(text)
        self.permanent = permanent


@dataclass(frozen=True, slots=True)
class CountryPrices:
    """USD a minute of the line, by direction."""

    outbound: Decimal
    inbound: Decimal


def country_prices(region: str) -> CountryPrices:
    """Return what this account pays for calls of a country, by its two-letter code.

    Raises:
        PricingFailed: no usable answer.
    """
    return _repeated(
        region, lambda client: _prices(client.pricing.v2.voice.countries(region).fetch(), region)
    )


def number_prices(region: str) -> dict[str, Decimal]:
    """Return what this account pays a month for a number of a country, by the number's kind.

    Raises:
        PricingFailed: no usable answer.
    """
    return _repeated(
        region,
        lambda client: _rents(client.pricing.v1.phone_numbers.countries(region).fetch(), region),
    )


def _repeated(region: str, read: Callable[[Client], Answer]) -> Answer:
    retrying = Retrying(
        retry=retry_if_exception(
            lambda error: isinstance(error, PricingFailed) and not error.permanent
        ),
        stop=stop_after_attempt(3),
        wait=wait_random_exponential(multiplier=0.2, max=2),
        reraise=True,
    )
    answer: Answer = retrying(_read, region, read)
    return answer


def _read(region: str, read: Callable[[Client], Answer]) -> Answer:
    env = settings.ENV
    client = Client(
        env.twilio_account_sid,
        env.twilio_auth_token.get_secret_value(),
        http_client=TwilioHttpClient(timeout=TIMEOUT_S),
    )
    client.pricing.base_url = env.twilio_pricing_base_url
    try:
        return read(client)
    except (TwilioRestException, TwilioServiceException) as error:
        raise _failure(error.status, region) from None
    except PriceListUnclear as error:
        raise PricingFailed(f"{region}: {error}", permanent=True) from None
    except requests.RequestException as error:
        raise PricingFailed(
            f"{region}: the price list could not be reached ({type(error).__name__}).",
            permanent=False,
        ) from None
    except (TwilioException, ValueError, TypeError, AttributeError) as error:
        raise PricingFailed(
            f"{region}: the answer is no price list ({type(error).__name__}).", permanent=True
        ) from None


def _prices(found: object, region: str) -> CountryPrices:
    _in_dollars(found, region)
    return CountryPrices(
        outbound=outbound_price(
            getattr(found, "outbound_prefix_prices", None) or (),
            country=str(getattr(found, "country", "")),
        ),
        inbound=inbound_price(getattr(found, "inbound_call_prices", None) or (), region=region),
    )


def _rents(found: object, region: str) -> dict[str, Decimal]:
    _in_dollars(found, region)
    return rents_by_kind(getattr(found, "phone_number_prices", None) or ())


def _in_dollars(found: object, region: str) -> None:
    currency = str(getattr(found, "price_unit", "") or "")
    if currency.upper() != "USD":
        raise PricingFailed(
            f"{region}: prices are in {currency or 'no currency'}, the ledger is in USD.",
            permanent=True,
        )


def _failure(status: int, region: str) -> PricingFailed:
    if status in {401, 403}:
        return PricingFailed(
            f"The account may not read prices (HTTP {status}): "
            "check TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN.",
            permanent=True,
        )
    if status == 404:
        return PricingFailed(f"{region}: the carrier has no prices for it.", permanent=True)
    return PricingFailed(
        f"{region}: HTTP {status}.", permanent=status not in {429} | set(range(500, 600))
    )
