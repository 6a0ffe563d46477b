"""The price lists that ship with the product, read from dated data files."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path

_FILE = Path(__file__).parent / "prices" / "list_2026_11.toml"


@dataclass(frozen=True, slots=True)
class ListPrice:
    """One line of a price list; the fields of `billing.models.Price`."""

    provider: str
    component: str
    region: str
    model: str
    unit: str
    unit_price: Decimal
    increment: Decimal
    minimum: Decimal
    valid_from: date
    source: str


def shipped_prices() -> tuple[ListPrice, ...]:
    """Return every price that a fresh database begins with."""
    data = tomllib.loads(_FILE.read_text(encoding="utf-8"), parse_float=Decimal)
    return tuple(
        ListPrice(
            provider=row["provider"],
            component=row["component"],
            region=row.get("region", "*"),
            model=row.get("model", "*"),
            unit=row["unit"],
            unit_price=Decimal(row["price"]),
            increment=Decimal(row.get("increment", 1)),
            minimum=Decimal(row.get("minimum", 0)),
            valid_from=row.get("valid_from", data["valid_from"]),
            source=row["source"],
        )
        for row in data["price"]
    )
