"""How long the agent took to answer, and where the time went, in templates."""

from __future__ import annotations

from django import template

from calls.desk.answer_time import answer_steps

SLOW_MS = 1000
"""An answer later than this is marked: people take it for a bad line."""

register = template.Library()

register.filter("answer_steps", answer_steps)


@register.filter
def is_slow(latency_ms: int | None) -> bool:
    """Return whether an answer came so late that the lead noticed."""
    return latency_ms is not None and latency_ms > SLOW_MS
