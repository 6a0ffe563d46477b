"""The price list: what holds, what held, and who changed it."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from django import forms
from django.contrib import admin, messages
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.db.models import Count, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from unfold.admin import ModelAdmin
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.decorators import display

from billing.formats import exact_usd
from billing.models import Price
from billing.models.price import Rounding
from billing.services import PriceChangeRefused, price_change

_IDENTITY = ("provider", "component", "region", "model")
_TERMS = ("unit", "increment", "minimum", "rounding")

if TYPE_CHECKING:
    _Form = forms.ModelForm[Price]
else:
    _Form = forms.ModelForm  # takes no type at run time


class PriceForm(_Form):
    """A price from a day on."""

    def clean_valid_from(self) -> date:
        """Refuse days gone by: their calls are charged."""
        day: date = self.cleaned_data["valid_from"]
        if day < timezone.now().date():
            raise ValidationError("This day is past and its calls are charged. Choose today.")
        return day


@admin.register(Price)
class PriceAdmin(ModelAdmin):
    """Dated prices. A change of price is a new row; what was charged keeps the old one."""

    form = PriceForm
    change_form_template = "desk/price_page.html"
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

    @display(description="Price", ordering="unit_price")
    def price(self, row: Price) -> str:
        return f"{exact_usd(row.unit_price)} / {row.get_unit_display().lower()}"

    @display(description="Billed in steps of")
    def billing_step(self, row: Price) -> str:
        step = f"{row.increment.normalize():f}"
        if row.rounding != Rounding.UP:
            step += f", rounded {row.rounding}"
        return f"{step}, at least {row.minimum.normalize():f}" if row.minimum else step

    def get_fields(self, request: HttpRequest, obj: Price | None = None) -> Any:
        holds = ("valid_from", "valid_to") if obj else ("valid_from",)
        told = (("author", "created_at"),) if obj else ()
        return (
            ("provider", "component"),
            ("region", "model"),
            ("unit", "unit_price"),
            ("increment", "rounding", "minimum"),
            holds,
            "source",
            *told,
        )

    def get_readonly_fields(self, request: HttpRequest, obj: Price | None = None) -> Any:
        return ("author", "created_at") if obj else ()

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        given = super().get_changeform_initial_data(request)
        return {"valid_from": timezone.now().date(), **given}

    def has_change_permission(self, request: HttpRequest, obj: Price | None = None) -> bool:
        """A row that is there is history: another price is another row."""
        return obj is None and bool(super().has_change_permission(request, obj))

    def has_delete_permission(self, request: HttpRequest, obj: Price | None = None) -> bool:
        return False

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        try:
            return super().add_view(request, form_url, extra_context)
        except PriceChangeRefused as error:
            messages.error(request, str(error))
            return HttpResponseRedirect(request.get_full_path())

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        price = self.get_object(request, object_id)
        more: dict[str, Any] = dict(extra_context or {})
        if price is not None:
            more["prices"] = _history(price)
            more["may_change"] = self.has_add_permission(request)
            more["change_link"] = _change_link(price)
        return super().change_view(request, object_id, form_url, more)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Let the service close the row before and open this one."""
        kept = price_change(
            **{name: getattr(obj, name) for name in (*_IDENTITY, *_TERMS)},
            unit_price=obj.unit_price,
            valid_from=obj.valid_from,
            source=obj.source,
            author=request.user if isinstance(request.user, User) else None,
            now=timezone.now(),
        )
        # The same price again is the row that is there already.
        obj.pk = kept.pk


def _history(price: Price) -> QuerySet[Price, Price]:
    """Return all prices of the same thing, the latest first, with how much was charged by each."""
    same = {name: getattr(price, name) for name in _IDENTITY}
    return (
        Price.objects.filter(**same)
        .select_related("author")
        .annotate(charged=Count("charges"))
        .order_by("-valid_from")
    )


def _change_link(price: Price) -> str:
    known = {name: getattr(price, name) for name in (*_IDENTITY, *_TERMS)}
    return f"{reverse('admin:billing_price_add')}?{urlencode(known)}"
