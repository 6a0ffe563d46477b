"""From which day to which, of which campaign and voice: what every page of money is asked."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from django import forms

from billing.spend import account_zone
from calls.desk.costs import Span
from calls.models import Campaign

DAYS = 30
MOST_DAYS = 366
_VOICES = (("", "Both voices"), ("local", "Local voice"), ("premium", "Premium voice"))


class SpanForm(forms.Form):
    """From a day to a day, both included, of one campaign and voice or of all."""

    since = forms.DateField(widget=forms.DateInput(attrs={"type": "date"}), label="From")
    until = forms.DateField(widget=forms.DateInput(attrs={"type": "date"}), label="To")
    campaign = forms.ModelChoiceField(
        Campaign.objects.order_by("name"), required=False, empty_label="All campaigns"
    )
    tier = forms.ChoiceField(choices=_VOICES, required=False, label="Voice")

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or {}
        since, until = data.get("since"), data.get("until")
        if since and until and since > until:
            raise forms.ValidationError("The first day is after the last: exchange them.")
        if since and until and (until - since).days >= MOST_DAYS:
            raise forms.ValidationError("More than a year: choose a shorter time.")
        return data


def today(now: datetime) -> date:
    """Return the day of the account's clock."""
    return now.astimezone(account_zone()).date()


def last_days(now: datetime) -> Span:
    """Return the last 30 days, of everything."""
    return Span(today(now) - timedelta(days=DAYS - 1), today(now))


def span_form(data: Any, now: datetime, form: type[SpanForm] = SpanForm) -> SpanForm:
    """Return the form filled in; what was not asked for are the last 30 days of everything."""
    chosen = {name: data.get(name) for name in form.base_fields if data.get(name)}
    days = last_days(now)
    return form({"since": days.first, "until": days.last} | chosen)


def span_of(form: SpanForm, now: datetime) -> Span:
    """Return what the form asks for, or the last days if it makes no sense."""
    if not form.is_valid():
        return last_days(now)
    chosen = form.cleaned_data
    campaign = chosen.get("campaign")
    return Span(
        chosen["since"],
        chosen["until"],
        campaign.pk if campaign else None,
        chosen.get("tier") or None,
    )


def span_query(span: Span) -> dict[str, str]:
    """Return what the form would ask for this span."""
    query = {"since": f"{span.first}", "until": f"{span.last}"}
    if span.campaign_id is not None:
        query["campaign"] = str(span.campaign_id)
    if span.tier is not None:
        query["tier"] = span.tier
    return query


def presets(span: Span, now: datetime) -> list[tuple[str, str]]:
    """Return names and queries of the times people ask for most, of the same campaign and voice."""
    last = today(now)
    month = last.replace(day=1)
    times = [
        ("Today", last, last),
        ("7 days", last - timedelta(days=6), last),
        ("30 days", last - timedelta(days=29), last),
        ("This month", month, last),
        ("Last month", (month - timedelta(days=1)).replace(day=1), month - timedelta(days=1)),
    ]
    return [
        (name, urlencode(span_query(Span(first, end, span.campaign_id, span.tier))))
        for name, first, end in times
    ]
