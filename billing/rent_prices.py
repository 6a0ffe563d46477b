"""What each rented number costs a month, as far as the price list knows."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from urllib.parse import urlencode

from django.db.models import Q
from django.urls import reverse
from phonenumbers import region_code_for_number

from billing.models import Price, RentedNumber
from billing.models.price import Component, Unit
from billing.policy.rent import PARTS_OF_A_MONTH
from billing.selectors import most_special


def rent_region(number: RentedNumber) -> str:
    """Return the country code of a number, which chooses its price."""
    return region_code_for_number(number.number) or "US"


def rent_prices(numbers: Iterable[RentedNumber], *, day: date) -> dict[RentedNumber, Price | None]:
    """Return the price that holds on a day for each number, None where one is missing.

    One query, however many numbers there are.
    """
    rows = list(
        Price.objects.filter(
            Q(valid_to__isnull=True) | Q(valid_to__gt=day),
            component=Component.NUMBER,
            valid_from__lte=day,
        )
    )
    return {
        number: most_special(
            row
            for row in rows
            if row.provider == number.provider
            and row.region in (rent_region(number), "*")
            and row.model in (number.kind, "*")
        )
        for number in numbers
    }


def rents_without_price(day: date) -> list[RentedNumber]:
    """Return the numbers that are rented on a day and that the price list has no rent for."""
    rented = RentedNumber.objects.filter(
        Q(rented_to__isnull=True) | Q(rented_to__gt=day), rented_from__lte=day
    )
    return [number for number, price in rent_prices(rented, day=day).items() if price is None]


def rent_price_add_link(number: RentedNumber) -> str:
    """Return where the rent of such a number is added to the price list, filled in but for it."""
    known = {
        "provider": number.provider,
        "component": Component.NUMBER.value,
        "region": rent_region(number),
        "model": number.kind,
        "unit": Unit.MONTH.value,
        "increment": str(PARTS_OF_A_MONTH),
    }
    return f"{reverse('admin:billing_price_add')}?{urlencode(known)}"
