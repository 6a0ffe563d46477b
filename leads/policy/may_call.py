"""The gate: may this lead be called now, and if not, every reason why not.

Source of the rules: `leads/policy/rules/us_2026.toml`, explained in docs/compliance.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from leads.policy.calling_rules import AttemptCap, CallingRules, current_rules
from leads.policy.places import states as known_states
from leads.policy.windows import CampaignWindow, known_zone, next_open

# Reasons that pass by themselves; with any other one nobody can say when the gate opens.
_PASSING = frozenset({"outside_hours", "attempts_day", "attempts_week"})


@dataclass(frozen=True, slots=True)
class CallFacts:
    """All that the decision depends on, as plain values.

    `states` are the two-letter codes that the lead may be in. `attempts_at` are the calls to the
    number over all campaigns, in any order. `overridden_states` are those for which the campaign
    has documented why they may be called.
    """

    time_zones: tuple[str, ...]
    states: tuple[str, ...] = ()
    has_consent: bool = False
    consent_was_revoked: bool = False
    do_not_call: bool = False
    attempts_at: tuple[datetime, ...] = ()
    on_call: bool = False
    kill_switch: bool = False
    budget_exhausted: bool = False
    campaign_running: bool = True
    campaign_attempts: int = 0
    campaign_max_attempts: int | None = None
    campaign_window: CampaignWindow = field(default_factory=CampaignWindow)
    overridden_states: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Reason:
    """Why not. `code` is for machines, `text` for the manager."""

    code: str
    text: str


@dataclass(frozen=True, slots=True)
class Decision:
    """The answer of the gate.

    `opens_at` is when a refused lead may next be called if nothing else changes: None when allowed,
    or when the refusal does not pass by itself.
    """

    allowed: bool
    reasons: tuple[Reason, ...]
    rules_version: str
    opens_at: datetime | None = None

    @property
    def codes(self) -> tuple[str, ...]:
        """The reasons' codes."""
        return tuple(reason.code for reason in self.reasons)


def may_call(facts: CallFacts, *, now: datetime, rules: CallingRules | None = None) -> Decision:
    """Decide whether a lead may be called at `now` (aware).

    Rules are those that ship with the product unless given.
    """
    if now.tzinfo is None:
        raise ValueError("now must be an aware datetime.")
    # In UTC, because adding hours to a local time counts by the wall clock.
    now = now.astimezone(UTC)
    rules = rules or current_rules()
    today = now.date()
    caps = rules.attempt_caps(states=facts.states, day=today)
    zones = tuple(zone for name in facts.time_zones if (zone := known_zone(name)))
    reasons = [
        *_switch_reasons(facts),
        *_permission_reasons(facts),
        *_state_reasons(facts, rules.blocked_states(states=facts.states, day=today)),
        *_attempt_reasons(facts, caps, now),
    ]
    window_opens = None
    if not zones or len(zones) < len(facts.time_zones):
        reasons.append(_no_zone(facts))
    else:
        window_opens = _next_window(rules, facts, zones, now)
        if window_opens != now:
            reasons.append(_outside_hours(zones, now))
    opens_at = None
    if reasons and all(reason.code in _PASSING for reason in reasons):
        free = max([now, *(_cap_frees(facts.attempts_at, cap, now) or now for cap in caps)])
        opens_at = _next_window(rules, facts, zones, free)
    return Decision(
        allowed=not reasons,
        reasons=tuple(reasons),
        rules_version=rules.version,
        opens_at=opens_at,
    )


def _switch_reasons(facts: CallFacts) -> list[Reason]:
    reasons = []
    if facts.kill_switch:
        reasons.append(Reason("kill_switch", "All calling is stopped by the kill switch."))
    if not facts.campaign_running:
        reasons.append(Reason("campaign_not_running", "The campaign is not running."))
    if facts.budget_exhausted:
        reasons.append(Reason("no_budget", "No budget is left for another call."))
    if facts.on_call:
        reasons.append(Reason("already_on_call", "The lead is on a call right now."))
    return reasons


def _permission_reasons(facts: CallFacts) -> list[Reason]:
    reasons = []
    if facts.do_not_call:
        reasons.append(Reason("do_not_call", "The number is on the do-not-call list."))
    if not facts.has_consent:
        reasons.append(
            Reason("consent_revoked", "The lead has withdrawn the consent to be called.")
            if facts.consent_was_revoked
            else Reason(
                "no_consent",
                "There is no written consent to be called by an artificial voice at this number.",
            )
        )
    return reasons


def _state_reasons(facts: CallFacts, blocked: Sequence[str]) -> list[Reason]:
    left = [state for state in blocked if state not in facts.overridden_states]
    return [
        Reason(
            "state_blocked",
            f"{_state_name(state)} is not called unless the campaign documents why it may be.",
        )
        for state in left
    ]


def _attempt_reasons(facts: CallFacts, caps: Sequence[AttemptCap], now: datetime) -> list[Reason]:
    reasons = [
        Reason(
            cap.name,
            f"The number was called {cap.limit} times within {_span_words(cap)}, over all "
            "campaigns.",
        )
        for cap in caps
        if _cap_frees(facts.attempts_at, cap, now)
    ]
    most = facts.campaign_max_attempts
    if most is not None and facts.campaign_attempts >= most:
        reasons.append(
            Reason("campaign_attempts", f"The campaign has made its {most} attempts at this lead.")
        )
    return reasons


def _cap_frees(attempts: Sequence[datetime], cap: AttemptCap, now: datetime) -> datetime | None:
    """Return when a full cap next lets a call through; None while it is not full."""
    recent = sorted(at.astimezone(UTC) for at in attempts if at > now - cap.span)
    if len(recent) < cap.limit:
        return None
    return recent[-cap.limit] + cap.span


def _next_window(
    rules: CallingRules, facts: CallFacts, zones: Sequence[ZoneInfo], now: datetime
) -> datetime | None:
    return next_open(rules, zones=zones, states=facts.states, window=facts.campaign_window, now=now)


def _no_zone(facts: CallFacts) -> Reason:
    if facts.time_zones:
        return Reason("no_time_zone", "One of the lead's time zones does not exist: correct it.")
    return Reason("no_time_zone", "The lead's time zone is unknown: enter the state.")


def _outside_hours(zones: Sequence[ZoneInfo], now: datetime) -> Reason:
    clocks = dict.fromkeys(f"{now.astimezone(zone):%H:%M}" for zone in zones)
    there = next(iter(clocks)) if len(clocks) == 1 else f"{min(clocks)} to {max(clocks)}"
    return Reason("outside_hours", f"It is {there} where the lead may be, outside calling hours.")


def _state_name(code: str) -> str:
    state = known_states().get(code)
    return state.name if state else code


def _span_words(cap: AttemptCap) -> str:
    hours = int(cap.span.total_seconds() // 3600)
    return f"{hours // 24} days" if hours > 48 else f"{hours} hours"
