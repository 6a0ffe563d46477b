"""The peer of `pages`: Django's own admin with the same tables, columns, filters and searches."""

from __future__ import annotations

import django

django.setup()

from django.conf import settings  # noqa: E402 - the apps have to be there first
from django.contrib.admin import AdminSite, ModelAdmin  # noqa: E402
from django.core.asgi import get_asgi_application  # noqa: E402
from django.urls import path  # noqa: E402

from billing.models import Budget, Charge  # noqa: E402
from calls.models import Call  # noqa: E402
from leads.models import Lead  # noqa: E402


class StockLeads(ModelAdmin):  # type: ignore[type-arg]
    """As `startapp` and ten lines would have it."""

    list_display = ("first_name", "last_name", "phone", "stage", "score", "kind", "city", "owner",
                    "created_at")  # fmt: skip
    list_filter = ("stage", "kind", "owner", "state", "source")
    list_per_page = 50
    list_select_related = ("owner",)
    search_fields = ("first_name", "last_name", "email", "phone", "street", "city")


class StockCalls(ModelAdmin):  # type: ignore[type-arg]
    """As `startapp` and ten lines would have it."""

    list_display = ("created_at", "lead", "campaign", "outcome", "score", "cost")
    list_filter = ("outcome", "state", "campaign", "direction")
    list_per_page = 50
    list_select_related = ("lead", "campaign")
    search_fields = ("lead__first_name", "lead__last_name", "to_number", "campaign__name")


class StockCharges(ModelAdmin):  # type: ignore[type-arg]
    """As `startapp` and ten lines would have it."""

    list_display = ("at", "component", "call", "campaign", "quantity", "unit_price", "amount",
                    "is_estimate")  # fmt: skip
    list_filter = ("component", "provider", "campaign", "is_estimate", "at")
    list_per_page = 50
    list_select_related = ("call__lead", "campaign")
    search_fields = ("key", "campaign__name", "call__lead__first_name", "call__lead__last_name")


class StockBudgets(ModelAdmin):  # type: ignore[type-arg]
    """As `startapp` and ten lines would have it."""

    list_display = ("name", "campaign", "period", "limit", "soft_percent", "active")
    list_filter = ("period", "campaign", "active")
    list_select_related = ("campaign",)
    search_fields = ("name", "campaign__name")


stock = AdminSite(name="admin")
stock.register(Lead, StockLeads)
stock.register(Call, StockCalls)
stock.register(Charge, StockCharges)
stock.register(Budget, StockBudgets)
urlpatterns = [path("admin/", stock.urls)]
settings.ROOT_URLCONF = __name__
# The desk's own middleware and templates stay: only the pages differ.
application = get_asgi_application()
