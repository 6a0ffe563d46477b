"""The page of costs: figures, charts, forecast, and the export of what lies behind them."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any
from urllib.parse import urlencode

import structlog
from django.conf import settings
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST

from billing.export import charges_csv
from billing.formats import account_format
from calls.admin.ledger_links import (
    calls_link,
    campaign_link,
    charges_link,
    component_link,
    tier_link,
)
from calls.admin.money_pages import money_pages
from calls.admin.span_form import presets, span_form, span_of, span_query
from calls.desk.costs import Costs, Part, Span, charges_in, costs
from calls.desk.costs_table import figures_csv
from calls.desk.forecast import forecasts
from calls.desk.variance import variances
from leads.models import AuditEntry
from leads.services.audit import audit_record

logger = structlog.get_logger(__name__)

MOST_EXPORTED = 200_000
"""Charges of one file: more make a file that no spreadsheet opens."""
_EXPORTS = (("charges", "Export charges (CSV)"), ("figures", "Export these figures (CSV)"))
_MOST_LINES = 8
"""Parts with a colour of their own in a chart; the smaller ones are one more together."""


def costs_page(request: HttpRequest) -> HttpResponse:
    """Show what was spent, on what, and what it bought."""
    may_or_denied(request, "billing.view_charge")
    now = timezone.now()
    form = span_form(request.GET, now)
    span = span_of(form, now)
    found = costs(span)
    days = [
        (day, amount, charges_link(Span(day, day, span.campaign_id, span.tier)))
        for day, amount in found.day_amounts
    ]
    context: dict[str, Any] = {
        **admin.site.each_context(request),
        "title": "Costs",
        "money_pages": money_pages(request),
        "form": form,
        "span": span,
        "span_query": span_query(span),
        "span_text": urlencode(span_query(span)),
        "zone": settings.ENV.account_time_zone,
        "exports": _EXPORTS,
        "presets": presets(span, now),
        "costs": found,
        "components": [(part, component_link(part, span)) for part in found.components],
        "campaigns": [(part, campaign_link(part, span)) for part in found.campaigns],
        "tiers": [(part, tier_link(part, span)) for part in found.tiers],
        "all_charges": charges_link(span),
        "all_calls": {
            step: calls_link(span, step=step)
            for step in ("answered", "qualified", "appointment")
        },
        "days": days,
        "chart": _chart(found, [link for _, _, link in days]),
        "variances": variances(since=span.since, until=span.until)[:4],
        "may_export": request.user.has_perm("billing.export_charge"),
    }  # fmt: skip
    if request.user.has_perm("billing.view_budget"):
        context["forecasts"] = forecasts(now)
    return TemplateResponse(request, "desk/costs.html", context)


@require_POST
def costs_export(request: HttpRequest) -> HttpResponse:
    """Hand the charges or the figures of the span out as CSV, and keep who took charges."""
    may_or_denied(request, "billing.view_charge")
    may_or_denied(request, "billing.export_charge")
    now = timezone.now()
    form = span_form(request.POST, now)
    if not form.is_valid():
        return HttpResponse("Choose a first and a last day.", status=400, content_type="text/plain")
    span = span_of(form, now)
    figures = request.POST.get("what") == "figures"
    if figures:
        text, count = figures_csv(costs(span)), 0
    else:
        charges = charges_in(span)
        if charges[MOST_EXPORTED:].exists():
            messages.error(
                request,
                f"These are more than {MOST_EXPORTED:,} charges: choose fewer days for a file.",
            )
            return HttpResponseRedirect(f"{reverse('costs')}?{urlencode(span_query(span))}")
        text, count = charges_csv(charges)
        audit_record(
            action=AuditEntry.Action.EXPORT,
            text=f"Exported {count} charges from {span.first} to {span.last}.",
            actor=request.user,
            data=span_query(span),
        )
    logger.info(
        "costs_exported", user_id=request.user.pk, count=count, figures=figures, **span_query(span)
    )
    # A byte-order mark, or Excel reads names in the wrong encoding.
    response = HttpResponse("\ufeff" + text, content_type="text/csv; charset=utf-8")
    name = f"{'figures' if figures else 'costs'}-{span.first}-{span.last}.csv"
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


def may_or_denied(request: HttpRequest, permission: str) -> None:
    """Raise PermissionDenied unless the viewer has a permission."""
    if not request.user.has_perm(permission):
        raise PermissionDenied


def _chart(found: Costs, links: list[str]) -> dict[str, Any]:
    # Floats are for the eye only; the tables beside have the exact amounts.
    return {
        "days": [f"{day:%b} {day.day}" for day in found.days],
        "links": links,
        "money": asdict(account_format()),
        "component": _lines(found.components, found.component_days, "component__exact"),
        "campaign": _lines(found.campaigns, found.campaign_days, "campaign__id__exact"),
    }


def _lines(parts: list[Part], days: dict[str, Any], name: str) -> list[dict[str, Any]]:
    shown = [
        {
            "label": part.label,
            "values": [float(amount) for amount in days[part.key]],
            "query": urlencode({name: part.key} if part.key else {"outside": "campaign"}),
        }
        for part in parts[:_MOST_LINES]
        if part.amount
    ]
    rest = [days[part.key] for part in parts[_MOST_LINES:]]
    if rest:
        sums = [float(sum(amounts)) for amounts in zip(*rest, strict=True)]
        shown.append({"label": "Others", "values": sums, "query": ""})
    return shown
