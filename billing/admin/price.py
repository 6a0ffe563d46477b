"""The price list."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from unfold.admin import ModelAdmin
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.decorators import display

from billing.models import Price


@admin.register(Price)
class PriceAdmin(ModelAdmin):
    """Dated prices. A change of price is a new row; what was charged keeps the old one."""

    list_display = (
        "provider",
        "component",
        "region",
        "model",
        "price",
        "billing_step",
        "valid_from",
        "valid_to",
        "source",
    )
    list_filter = ("provider", ("component", ChoicesDropdownFilter), "region")
    search_fields = ("provider", "model", "source")
    fields = (
        ("provider", "component"),
        ("region", "model"),
        ("unit", "unit_price"),
        ("increment", "minimum"),
        ("valid_from", "valid_to"),
        "source",
    )

    @display(description="Price", ordering="unit_price")
    def price(self, row: Price) -> str:
        return f"${row.unit_price.normalize():f} / {row.get_unit_display().lower()}"

    @display(description="Billed in steps of")
    def billing_step(self, row: Price) -> str:
        step = f"{row.increment.normalize():f}"
        return f"{step}, at least {row.minimum.normalize():f}" if row.minimum else step

    def get_readonly_fields(self, request: HttpRequest, obj: Price | None = None) -> Any:
        """A price that charges were computed from may end, but not change."""
        if obj is None or not obj.charges.exists():
            return ()
        return (
            "provider",
            "component",
            "region",
            "model",
            "unit",
            "unit_price",
            "increment",
            "minimum",
            "valid_from",
        )
