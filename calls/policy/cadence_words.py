"""A cadence in the words of whoever runs the campaign. Pure."""

from __future__ import annotations

from calls.policy.cadence import Cadence, Rule

WHEN = {
    "no_answer": "nobody answers",
    "busy": "the line is busy",
    "voicemail": "voicemail answers",
    "failed": "the call fails",
    "callback": "they ask to be called later, and name no time",
    "hung_up": "they hang up before saying a word",
}
"""What happened, as it stands after "If"."""


def cadence_words(cadence: Cadence, *, max_attempts: int) -> list[str]:
    """Return a sentence for every rule, and one for what holds over all of them."""
    lines = [f"If {when}: {_rule(getattr(cadence, kind))}." for kind, when in WHEN.items()]
    calls = "1 call" if max_attempts == 1 else f"{max_attempts} calls"
    return [
        *lines,
        f"A lead gets at most {calls} in all; one that was promised for a time is made anyway.",
    ]


def _rule(rule: Rule) -> str:
    if rule.most == 0:
        return "not called again"
    part = " in another part of the day" if rule.other_part else ""
    times = "once" if rule.most == 1 else f"{rule.most} times"
    return f"again after {span(rule.gap_minutes)}{part}, at most {times}"


def span(minutes: int) -> str:
    """Return a time span in the largest unit that divides it."""
    for size, unit in ((1440, "day"), (60, "h"), (1, "min")):
        if minutes % size == 0:
            count = minutes // size
            plural = "s" if unit == "day" and count != 1 else ""
            return f"{count} {unit}{plural}"
    raise AssertionError("every number of minutes is divided by 1")
