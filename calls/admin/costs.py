"""The page of costs: figures, charts, forecast, and the export of what lies behind them."""

from __future__ import annotations

from dataclasses import asdict
from tempfile import TemporaryFile
from typing import Any
from urllib.parse import urlencode

import structlog
from django.conf import settings
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import FileResponse, HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST

from billing.export import charge_rows
from billing.formats import account_format
from billing.tables import CONTENT_TYPES, Kind, table_write
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
from calls.desk.costs_table import figure_rows
from calls.desk.forecast import forecasts
from calls.desk.variance import variances
from leads.models import AuditEntry
from leads.services.audit import audit_record

logger = structlog.get_logger(__name__)

MOST_EXPORTED: dict[Kind, int] = {"csv": 200_000, "xlsx": 50_000}
"""Charges of one file: what a viewer waits for, and what a spreadsheet opens."""
_EXPORTS = (
    ("charges-csv", "Export charges (CSV)"),
    ("charges-xlsx", "Excel"),
    ("figures-csv", "Export these figures (CSV)"),
    ("figures-xlsx", "Excel"),
)
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
def costs_export(request: HttpRequest) -> HttpResponseBase:
    """Hand the charges or the figures of the span out as a file, and keep who took them."""
    may_or_denied(request, "billing.view_charge")
    may_or_denied(request, "billing.export_charge")
    now = timezone.now()
    form = span_form(request.POST, now)
    if not form.is_valid():
        return HttpResponse("Choose a first and a last day.", status=400, content_type="text/plain")
    span = span_of(form, now)
    what, _, asked = request.POST.get("what", "").partition("-")
    kind: Kind = "xlsx" if asked == "xlsx" else "csv"
    if what == "figures":
        rows = figure_rows(costs(span))
    else:
        what, charges = "charges", charges_in(span)
        if charges[MOST_EXPORTED[kind] :].exists():
            messages.error(
                request,
                f"These are more than {MOST_EXPORTED[kind]:,} charges: choose fewer days for a "
                f"file{', or CSV, which holds more' if kind == 'xlsx' else ''}.",
            )
            return HttpResponseRedirect(f"{reverse('costs')}?{urlencode(span_query(span))}")
        rows = charge_rows(charges)
    file = TemporaryFile()  # noqa: SIM115 - the response closes it
    count = table_write(rows, file, kind)
    file.seek(0)
    audit_record(
        action=AuditEntry.Action.EXPORT,
        text=f"Exported {count} {what if what == 'charges' else 'rows of costs'} "
        f"from {span.first} to {span.last}.",
        actor=request.user,
        data=span_query(span),
    )
    logger.info(
        "costs_exported", user_id=request.user.pk, count=count, what=what, **span_query(span)
    )
    name = f"{'costs' if what == 'charges' else what}-{span.first}-{span.last}.{kind}"
    return FileResponse(file, as_attachment=True, filename=name, content_type=CONTENT_TYPES[kind])


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
