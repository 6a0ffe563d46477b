"""The page that puts estimates beside bills, by component and call by call."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone

from billing.models.price import Component
from calls.admin.costs import may_or_denied
from calls.admin.ledger_links import moments
from calls.admin.money_pages import money_pages
from calls.admin.span_form import SpanForm, presets, span_form, span_of, span_query
from calls.desk.variance import furthest_off, usage_bills, variances


class VarianceForm(SpanForm):
    """Only the days: a bill is compared for the whole account."""

    campaign: Any = None  # not asked: Django takes the fields out
    tier: Any = None


def variance_page(request: HttpRequest) -> HttpResponse:
    """Show how far off the estimates of the days' bills were."""
    may_or_denied(request, "billing.view_charge")
    now = timezone.now()
    form = span_form(request.GET, now, VarianceForm)
    span = span_of(form, now)
    component = request.GET.get("component", "")
    chosen = component if component in Component.values else ""
    bills = reverse("admin:billing_reconciliation_changelist")
    context: dict[str, Any] = {
        **admin.site.each_context(request),
        "title": "Estimates against bills",
        "money_pages": money_pages(request),
        "form": form,
        "presets": presets(span, now),
        "component": Component(chosen).label if chosen else "",
        "rows": [
            (
                row,
                f"?{urlencode({**span_query(span), 'component': row.component})}",
                f"{bills}?"
                + urlencode(
                    {**moments("at", span.since, span.until), "component__exact": row.component}
                ),
            )
            for row in variances(since=span.since, until=span.until)
        ],
        "bills": usage_bills(since=span.since, until=span.until),
        "calls": furthest_off(since=span.since, until=span.until, component=chosen),
    }
    return TemplateResponse(request, "desk/variance.html", context)
