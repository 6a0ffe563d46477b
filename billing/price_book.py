"""The prices of one provider on one day, read at once."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from django.db.models import Q

from billing.models import Price
from billing.selectors import PriceUnknown, most_special


@dataclass(frozen=True, slots=True)
class PriceBook:
    """What `billing.selectors.price_on` would return, for pages that need many prices."""

    provider: str
    day: date
    rows: tuple[Price, ...]

    def price(self, component: str, *, region: str, model: str = "*") -> Price:
        """Return the price that holds.

        Raises:
            PriceUnknown: naming what is missing.
        """
        best = most_special(
            row
            for row in self.rows
            if row.component == component
            and row.region in (region, "*")
            and row.model in (model, "*")
        )
        if best is None:
            raise PriceUnknown(
                provider=self.provider,
                component=component,
                region=region,
                model=model,
                day=self.day,
            )
        return best


def price_book(provider: str, *, day: date) -> PriceBook:
    """Return the prices of a provider in one query."""
    rows = Price.objects.filter(
        Q(valid_to__isnull=True) | Q(valid_to__gt=day), provider=provider, valid_from__lte=day
    )
    return PriceBook(provider, day, tuple(rows))
