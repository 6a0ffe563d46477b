"""The numbers that are rented, and since when."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from unfold.admin import ModelAdmin
from unfold.decorators import display

from billing.models import RentedNumber


@admin.register(RentedNumber)
class RentedNumberAdmin(ModelAdmin):
    """Numbers that campaigns call from are here by themselves; others can be added."""

    list_display = ("number", "kind", "rented_from", "rented_to", "charged")
    fields = (("number", "kind"), ("rented_from", "rented_to"), "charged")
    search_fields = ("number",)

    def get_readonly_fields(self, request: HttpRequest, obj: RentedNumber | None = None) -> Any:
        if obj is None:
            return ("charged",)
        # The days before are in the ledger, under this number.
        return ("charged", "number", *(("rented_from",) if obj.next_day else ()))

    def has_delete_permission(self, request: HttpRequest, obj: RentedNumber | None = None) -> bool:
        """One that was charged is history: say when it was given back instead."""
        if obj is not None and obj.next_day is not None:
            return False
        return bool(super().has_delete_permission(request, obj))

    @display(description="Rent charged up to", ordering="next_day")
    def charged(self, row: RentedNumber) -> str:
        return f"{row.next_day:%-d %B %Y}" if row.next_day else "nothing yet"
