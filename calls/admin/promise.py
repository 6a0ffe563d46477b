"""The page of the promise: which voice keeps a call under it, simulated and as it was."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone

from billing.formats import usd
from billing.policy.promise import PROMISE
from billing.selectors import PriceUnknown
from calls.admin.costs import may_or_denied
from calls.admin.ledger_links import charges_link
from calls.admin.money_pages import money_pages
from calls.admin.span_form import last_days
from calls.desk.promise import promise_report, settled_costs

SIMULATED = 5000
"""Calls of the simulated campaign: a tenth of a second, and within 2 % of many more."""


def promise_page(request: HttpRequest) -> HttpResponse:
    """Show which voice keeps a call under the promise, simulated and as it was."""
    may_or_denied(request, "billing.view_charge")
    now = timezone.now()
    span = last_days(now)
    context: dict[str, Any] = {
        **admin.site.each_context(request),
        "title": f"Less than {usd(PROMISE)} a call",
        "promise": PROMISE,
        "money_pages": money_pages(request),
        "settled": [
            {"cost": row, "link": charges_link(span, call__voice_tier=row.tier)}
            for row in settled_costs(since=span.since)
        ],
    }
    try:
        context["report"] = promise_report(calls=SIMULATED, seed=1, day=now.date())
    except PriceUnknown as error:
        context["problem"] = str(error)
    return TemplateResponse(request, "desk/promise.html", context)
