"""Why a campaign dials, or does not, in words. Pure.

The questions are the dialer's own, in its order: the first one that says no is the answer.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

REASONS = {
    "no_consent": "no consent to be called by machine",
    "consent_revoked": "consent revoked",
    "do_not_call": "on the do-not-call list",
    "national_do_not_call": "on the national registry",
    "national_scrub_stale": "national registry not checked for 31 days",
    "number_reassigned": "number belongs to somebody else now",
    "reassigned_check_stale": "reassignment not checked for 45 days",
    "outside_hours": "outside legal hours, will be called later",
    "state_blocked": "state where we do not call",
    "attempts_day": "called often enough today",
    "attempts_week": "called often enough this week",
    "already_on_call": "on another call",
    "campaign_attempts": "all attempts used",
    "no_budget": "no budget left",
    "kill_switch": "all dialling is stopped",
    "campaign_not_running": "campaign not running",
    "no_time_zone": "time zone unknown",
    "no_price": "price of the call unknown",
    "number_cap": "caller numbers have made their calls of the day",
    "no_number": "no caller number in use",
    "no_playbook": "no published playbook",
}
"""What a person reads for a code of the gate or of the dialer."""

_HELD = {
    "no_budget": "No budget is left for another call. Raise a limit, or wait for the next period.",
    "no_number": "None of its caller numbers is in use. Switch one on, or choose another.",
    "no_playbook": "Its playbook has no published version. Publish it.",
    "number_cap": "All its caller numbers have made their calls of the day. It goes on at {until}; "
    "sooner with another number or a higher limit.",
}


@dataclass(frozen=True, slots=True)
class DialFacts:
    """What the dialer knows when it looks at a campaign."""

    state: str
    pause_reason: str = ""
    waiting: int = 0
    ringing: int = 0
    talking: int = 0
    max_concurrent: int = 1
    kill_switch: bool = False
    dialer_runs: bool = True
    carrier_down: bool = False
    voice_places: int | None = None
    """Places for another call in the voice processes; None when none ever reported itself."""
    held_reason: str = ""
    held_until: datetime | None = None
    next_dial_at: datetime | None = None
    """When the campaign's own pace lets it dial again."""
    next_due: datetime | None = None
    """When the first waiting lead is due."""
    blocked: Mapping[str, int] = field(default_factory=dict)
    """Reason code -> leads that the gate last refused for it."""


@dataclass(frozen=True, slots=True)
class Explanation:
    """What a campaign is doing, and why it dials nobody (empty while it dials)."""

    doing: str
    because: tuple[str, ...] = ()


def explain(facts: DialFacts, *, now: datetime, clock: Callable[[datetime], str]) -> Explanation:
    """Say what a campaign is doing and why nobody is being dialled.

    Args:
        clock: how a moment is written for whoever reads it.
    """
    waiting = f"{_leads(facts.waiting)} waiting"
    if facts.state == "draft":
        return Explanation(f"Not started. {waiting}.")
    if facts.state == "finished":
        return Explanation(f"Finished. {facts.pause_reason}".strip())
    line = _line(facts)
    if facts.state == "paused":
        why = f" {facts.pause_reason}" if facts.pause_reason else ""
        return Explanation(f"Paused.{why} {line.capitalize()}, {waiting}.")
    if not facts.waiting and not facts.ringing + facts.talking:
        return Explanation("Running, but nobody is left to call.")
    doing = f"Running: {line}, {waiting}."
    obstacle = _obstacle(facts, now, clock)
    return Explanation(doing, (obstacle, *_held_back(facts)) if obstacle else ())


def _obstacle(facts: DialFacts, now: datetime, clock: Callable[[datetime], str]) -> str:
    if not facts.dialer_runs:
        return "No dialer is running. Start one: manage.py run_dialer."
    if facts.kill_switch:
        return "All dialling is stopped by the kill switch."
    if facts.carrier_down:
        return "The carrier does not answer. It is tried again every few seconds."
    if facts.voice_places == 0:
        return "No voice process has a place for another call. It goes on when a call ends."
    if facts.held_until is not None and facts.held_until > now:
        text = _HELD.get(facts.held_reason, REASONS.get(facts.held_reason, facts.held_reason))
        return text.format(until=clock(facts.held_until))
    if facts.ringing + facts.talking >= facts.max_concurrent:
        return f"Its {facts.max_concurrent} calls are on the line. Another follows when one ends."
    if facts.next_due is None:
        return "Nobody waits: everybody is on the line or done."
    if facts.next_due > now:
        return f"Nobody is due yet. The first lead is due at {clock(facts.next_due)}."
    if facts.next_dial_at is not None and facts.next_dial_at > now:
        return f"It keeps to its own pace: the next call is made at {clock(facts.next_dial_at)}."
    return ""


def _held_back(facts: DialFacts) -> list[str]:
    largest = sorted(facts.blocked.items(), key=lambda item: -item[1])[:3]
    return [f"{_leads(count)}: {REASONS.get(code, code)}." for code, count in largest]


def _line(facts: DialFacts) -> str:
    if not facts.ringing + facts.talking:
        return "nobody on the line"
    parts = [
        f"{count} {what}"
        for count, what in ((facts.ringing, "ringing"), (facts.talking, "talking"))
        if count
    ]
    return " and ".join(parts)


def _leads(count: int) -> str:
    return "1 lead" if count == 1 else f"{count:,} leads"
