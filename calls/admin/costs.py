"""The page of costs: figures, charts, forecast, and the export of what lies behind them."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

import structlog
from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST

from billing.export import charges_csv
from billing.formats import usd
from billing.policy.promise import PROMISE
from billing.selectors import PriceUnknown
from calls.desk.costs import Costs, Part, Span, charges_in, costs
from calls.desk.forecast import forecasts
from calls.desk.promise import promise_report, settled_costs
from calls.desk.variance import variances
from calls.models import Campaign
from leads.models import AuditEntry
from leads.services.audit import audit_record

logger = structlog.get_logger(__name__)

DAYS = 30
SIMULATED = 5000
"""Calls of the simulated campaign: a tenth of a second, and within 2 % of many more."""


class SpanForm(forms.Form):
    """From a day to a day, both included, of one campaign or of all."""

    since = forms.DateField(widget=forms.DateInput(attrs={"type": "date"}), label="From")
    until = forms.DateField(widget=forms.DateInput(attrs={"type": "date"}), label="To")
    campaign = forms.ModelChoiceField(
        Campaign.objects.order_by("name"), required=False, empty_label="All campaigns"
    )

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or {}
        since, until = data.get("since"), data.get("until")
        if since and until and since > until:
            raise forms.ValidationError("The first day is after the last: exchange them.")
        if since and until and until - since > timedelta(days=366):
            raise forms.ValidationError("More than a year: choose a shorter time.")
        return data


def costs_page(request: HttpRequest) -> HttpResponse:
    """Show what was spent, on what, and what it bought."""
    _require(request, "billing.view_charge")
    now = timezone.now()
    form = _form(request.GET, now)
    span = _span(form, now)
    found = costs(span)
    days = (_local(span.since), _local(span.until) - timedelta(days=1))
    context: dict[str, Any] = {
        **admin.site.each_context(request),
        "title": "Costs",
        "promise": PROMISE,
        "form": form,
        "costs": found,
        "components": _linked(found.components, "component__exact", span),
        "campaigns": _linked(found.campaigns, "campaign__id__exact", span),
        "tiers": _linked(found.tiers, "call__voice_tier", span),
        "all_charges": charges_link(span),
        "chart": _chart(found),
        "variances": variances(since=span.since, until=span.until),
        "presets": [(n, now_days(now, n)) for n in (7, 30, 90)],
        "days": days,
        "may_export": request.user.has_perm("billing.export_charge"),
    }
    if request.user.has_perm("billing.view_budget"):
        context["forecasts"] = forecasts(now)
    return TemplateResponse(request, "desk/costs.html", context)


def promise_page(request: HttpRequest) -> HttpResponse:
    """Show which voice keeps a call under $0.10, simulated and as it was."""
    _require(request, "billing.view_charge")
    now = timezone.now()
    since = now - timedelta(days=DAYS)
    context: dict[str, Any] = {
        **admin.site.each_context(request),
        "title": f"Less than {usd(PROMISE)} a call",
        "promise": PROMISE,
        "settled": [
            {
                "cost": row,
                "link": charges_link(
                    Span(since, now + timedelta(days=1)), call__voice_tier=row.tier
                ),
            }
            for row in settled_costs(since=since)
        ],
    }
    try:
        context["report"] = promise_report(calls=SIMULATED, seed=1, day=now.date())
    except PriceUnknown as error:
        context["problem"] = str(error)
    return TemplateResponse(request, "desk/promise.html", context)


@require_POST
def costs_export(request: HttpRequest) -> HttpResponse:
    """Hand the charges of the span out as CSV, and keep who took them."""
    _require(request, "billing.view_charge")
    _require(request, "billing.export_charge")
    now = timezone.now()
    form = _form(request.POST, now)
    if not form.is_valid():
        return HttpResponse("Choose a first and a last day.", status=400, content_type="text/plain")
    span = _span(form, now)
    text, count = charges_csv(charges_in(span))
    first, last = _local(span.since), _local(span.until) - timedelta(days=1)
    audit_record(
        action=AuditEntry.Action.EXPORT,
        text=f"Exported {count} charges from {first} to {last}.",
        actor=request.user,
        data={"since": str(first), "until": str(last)},
    )
    logger.info(
        "charges_exported",
        user_id=request.user.pk,
        count=count,
        since=str(first),
        until=str(last),
        campaign_id=str(span.campaign_id) if span.campaign_id else None,
    )
    # A byte-order mark, or Excel reads names in the wrong encoding.
    response = HttpResponse("\ufeff" + text, content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="costs-{first}-{last}.csv"'
    return response


def now_days(now: datetime, days: int) -> str:
    """Return the query of the last so many days, today included."""
    today = timezone.localtime(now).date()
    return urlencode({"since": today - timedelta(days=days - 1), "until": today})


def charges_link(span: Span, **more: str) -> str:
    """Return the address of the list of the charges behind a figure."""
    query = {
        "at_from_0": f"{_local(span.since)}",
        "at_from_1": "00:00:00",
        "at_to_0": f"{_local(span.until) - timedelta(days=1)}",
        "at_to_1": "23:59:59",
        **more,
    }
    if span.campaign_id is not None:
        query.setdefault("campaign__id__exact", str(span.campaign_id))
    return f"{reverse('admin:billing_charge_changelist')}?{urlencode(query)}"


def _linked(parts: list[Part], name: str, span: Span) -> list[tuple[Part, str]]:
    outside = {"campaign__id__exact": "campaign", "call__voice_tier": "call"}
    return [
        (part, charges_link(span, **({name: part.key} if part.key else {"outside": outside[name]})))
        for part in parts
    ]


def _chart(found: Costs) -> dict[str, Any]:
    # Floats are for the eye only; the tables beside have the exact amounts.
    return {
        "days": [f"{day:%b} {day.day}" for day in found.days],
        "component": {
            name: [float(x) for x in line] for name, line in found.component_days.items()
        },
        "campaign": {name: [float(x) for x in line] for name, line in found.campaign_days.items()},
    }


def _form(data: Any, now: datetime) -> SpanForm:
    today = timezone.localtime(now).date()
    chosen = {
        "since": data.get("since") or today - timedelta(days=DAYS - 1),
        "until": data.get("until") or today,
        "campaign": data.get("campaign") or None,
    }
    return SpanForm(chosen)


def _span(form: SpanForm, now: datetime) -> Span:
    """Return what the form asks for, or the last days if it makes no sense."""
    today = timezone.localtime(now).date()
    first, last = today - timedelta(days=DAYS - 1), today
    campaign: UUID | None = None
    if form.is_valid():
        first, last = form.cleaned_data["since"], form.cleaned_data["until"]
        chosen = form.cleaned_data["campaign"]
        campaign = chosen.pk if chosen else None
    return Span(_midnight(first), _midnight(last + timedelta(days=1)), campaign)


def _midnight(day: date) -> datetime:
    return timezone.make_aware(datetime.combine(day, time.min))


def _local(moment: datetime) -> date:
    return timezone.localtime(moment).date()


def _require(request: HttpRequest, permission: str) -> None:
    if not request.user.has_perm(permission):
        raise PermissionDenied
