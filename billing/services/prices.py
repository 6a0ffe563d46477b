"""The price list grows; what was charged by never changes."""

from __future__ import annotations

from dataclasses import asdict

from django.db import transaction

from billing.models import Price
from billing.policy.price_list import shipped_prices


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
