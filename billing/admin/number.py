"""The numbers that are rented, and since when."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.admin import ModelAdmin
from unfold.decorators import display

from billing.formats import usd
from billing.models import RentedNumber
from billing.rent_prices import rent_price_add_link, rent_prices, rent_region


@admin.register(RentedNumber)
class RentedNumberAdmin(ModelAdmin):
    """Numbers that campaigns call from are here by themselves; others can be added."""

    list_display = ("number", "kind", "rented_from", "rented_to", "charged", "rent")
    fields = (("number", "kind"), ("rented_from", "rented_to"), ("charged", "rent"))
    search_fields = ("number",)

    def get_readonly_fields(self, request: HttpRequest, obj: RentedNumber | None = None) -> Any:
        if obj is None:
            return ("charged", "rent")
        # The days before are in the ledger, under this number.
        return ("charged", "rent", "number", *(("rented_from",) if obj.next_day else ()))

    def has_delete_permission(self, request: HttpRequest, obj: RentedNumber | None = None) -> bool:
        """One that was charged is history: say when it was given back instead."""
        if obj is not None and obj.next_day is not None:
            return False
        return bool(super().has_delete_permission(request, obj))

    @display(description="Rent charged up to", ordering="next_day")
    def charged(self, row: RentedNumber) -> str:
        return f"{row.next_day:%-d %B %Y}" if row.next_day else "nothing yet"

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        """Read what the listed numbers cost, all at once."""
        changes = super().get_changelist_instance(request)
        numbers: list[Any] = list(changes.result_list)
        prices = rent_prices(numbers, day=timezone.now().date())
        for number in numbers:
            number.price = prices[number]
        changes.result_list = numbers
        return changes

    @display(description="Rent a month")
    def rent(self, row: Any) -> SafeString | str:
        """What it costs, or which price is missing and where to add it."""
        if not row.number:
            return "–"
        if not hasattr(row, "price"):
            row.price = rent_prices([row], day=timezone.now().date())[row]
        if row.price is not None:
            return usd(row.price.unit_price)
        return format_html(
            '<a href="{}">No price for {} numbers of {}: add it, or days are not charged</a>',
            rent_price_add_link(row),
            row.get_kind_display().lower(),
            rent_region(row),
        )
