"""How money is written: everywhere as ACCOUNT_MONEY_FORMAT shows it. Amounts are USD."""

from __future__ import annotations

from decimal import Decimal

from django.conf import settings

from billing.policy.money_format import MoneyFormat, money_format


def account_format() -> MoneyFormat:
    """Return how the account writes money."""
    return money_format(settings.ENV.account_money_format)


def usd(amount: Decimal | float | int | None) -> str:
    """Return an amount as people read it: four places below ten dollars, else two.

    A call costs cents, so $0.0832 says more than $0.08; of a budget, $1,250.00 is enough.
    """
    if amount is None:
        return "–"
    value = Decimal(amount)
    places = 4 if abs(value) < 10 and value != value.quantize(Decimal("0.01")) else 2
    return account_format().write(value, places=places)


def exact_usd(amount: Decimal) -> str:
    """Return a unit price with every place that it has, such as $0.0085."""
    exponent = amount.normalize().as_tuple().exponent
    places = -exponent if isinstance(exponent, int) and exponent < 0 else 0
    return account_format().write(amount, places=places)


def whole_usd(amount: Decimal | float | int) -> str:
    """Return an amount in whole dollars, such as the price of a house."""
    return account_format().write(Decimal(amount), places=0)
