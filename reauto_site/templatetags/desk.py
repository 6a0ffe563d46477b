"""Money, durations and numbers in the templates of the manager's desk."""

from __future__ import annotations

import zoneinfo
from datetime import datetime
from decimal import Decimal
from fractions import Fraction

from django import template
from django.template import Context
from django.urls import reverse
from django.utils import timezone
from django.utils.html import conditional_escape, format_html

from billing.formats import exact_usd, usd
from calls.formats import clock, in_words
from leads.formats import national

register = template.Library()

register.filter("usd", usd)
register.filter("exact_usd", exact_usd)
register.filter("clock", clock)
register.filter("in_words", in_words)
register.filter("national", national)


@register.filter
def clock_ms(milliseconds: int | None) -> str:
    """Return ms as 3:10."""
    return clock(None if milliseconds is None else milliseconds / 1000)


@register.filter
def percent(share: float | Decimal | Fraction | None) -> str:
    """Return a share of 0-1 as 42 %."""
    return "–" if share is None else f"{float(share) * 100:.0f} %"


@register.filter
def percent_signed(share: float | Decimal | None) -> str:
    """Return a share as +4.2 %, or -4.2 %."""
    return "–" if share is None else f"{share * 100:+.1f} %"


@register.filter
def in_zone(moment: datetime | None, zone: str) -> str:
    """Return a moment in a named zone, such as Tue 3:00 PM CST; empty if the zone is unknown."""
    if moment is None or not zone:
        return ""
    try:
        local = timezone.localtime(moment, zoneinfo.ZoneInfo(zone))
    except (zoneinfo.ZoneInfoNotFoundError, ValueError):
        return ""
    return f"{local:%a} {local:%-I:%M %p} {local:%Z}"


@register.filter
def in_other_zone(moment: datetime | None, zone: str) -> str:
    """Return a moment as `in_zone` does, or nothing where the viewer's clock says the same."""
    if moment is None:
        return ""
    here = timezone.localtime(moment)
    words = in_zone(moment, zone)
    same = words and here.utcoffset() == moment.astimezone(zoneinfo.ZoneInfo(zone)).utcoffset()
    return "" if same else words


@register.simple_tag
def minutes_between(starts: datetime, ends: datetime) -> int:
    """Return the minutes from one moment to another."""
    return int((ends - starts).total_seconds() // 60)


@register.filter
def moment_or_text(value: str) -> str:
    """Return an ISO 8601 moment in the viewer's zone, and any other text as it is."""
    try:
        moment = datetime.fromisoformat(value) if "T" in value else None
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        return value
    return f"{timezone.localtime(moment):%a %-d %b, %H:%M}"


@register.filter
def labelled(summary: str) -> list[tuple[str, str]]:
    """Return the lines of a call's summary as (label, text): "Next: call" is ("Next", "call")."""
    lines = [line.partition(": ") for line in summary.splitlines()]
    return [(label, text) if text else ("", label) for label, _, text in lines]


@register.simple_tag(takes_context=True)
def may_link(context: Context, permission: str, text: object, view: str, *args: object) -> str:
    """Return a text as a link to a page, for whoever may open it; for others the text."""
    user = getattr(context.get("request"), "user", None)
    if user is None or not user.has_perm(permission):
        return conditional_escape(str(text))
    return format_html('<a href="{}">{}</a>', reverse(view, args=args), text)
