"""Addresses of the lists behind a figure: the charges that sum up to it, the calls it counts."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

from django.urls import reverse
from django.utils import timezone

from calls.desk.costs import Part, Span


def charges_link(span: Span, **more: str) -> str:
    """Return the address of the list of the charges of a span."""
    query = {**moments("at", span.since, span.until), **more}
    if span.campaign_id is not None:
        query.setdefault("campaign__id__exact", str(span.campaign_id))
    if span.tier is not None:
        query.setdefault("call__voice_tier", span.tier)
    return f"{reverse('admin:billing_charge_changelist')}?{urlencode(query)}"


def calls_link(span: Span, *, step: str) -> str:
    """Return the address of the list of the calls of a span that got to a step."""
    query = {**moments("created_at", span.since, span.until), "step": step}
    if span.campaign_id is not None:
        query["campaign__id__exact"] = str(span.campaign_id)
    if span.tier is not None:
        query["voice_tier__exact"] = span.tier
    return f"{reverse('admin:calls_call_changelist')}?{urlencode(query)}"


def component_link(part: Part, span: Span) -> str:
    """Return the address of the charges of one component."""
    return charges_link(span, component__exact=part.key)


def campaign_link(part: Part, span: Span) -> str:
    """Return the address of the charges of one campaign, or of none."""
    if part.key:
        return charges_link(span, campaign__id__exact=part.key)
    return charges_link(span, outside="campaign")


def tier_link(part: Part, span: Span) -> str:
    """Return the address of the charges of calls with one voice, or of what is no call's."""
    if part.key:
        return charges_link(span, call__voice_tier=part.key)
    return charges_link(span, outside="call")


def moments(field: str, since: datetime, until: datetime) -> dict[str, str]:
    """Return the date filter of a list, in the viewer's zone, for moments from one up to another.

    The filter includes the whole second that it ends with.
    """
    ends = timezone.localtime(until.astimezone(UTC) - timedelta(seconds=1))
    begins = timezone.localtime(since)
    return {
        f"{field}_from_0": f"{begins:%Y-%m-%d}",
        f"{field}_from_1": f"{begins:%H:%M:%S}",
        f"{field}_to_0": f"{ends:%Y-%m-%d}",
        f"{field}_to_1": f"{ends:%H:%M:%S}",
    }
