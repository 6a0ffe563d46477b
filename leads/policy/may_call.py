"""The gate: may this lead be called now, and if not, every reason why not.

Source of the rules: `leads/policy/rules/us_2026.toml`, explained in docs/compliance.md.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime

from leads.policy.calling_rules import CallingRules, current_rules
from leads.policy.gate_checks import RULES, Check, Question
from leads.policy.windows import CampaignWindow, known_zone, next_open

__all__ = ["CallFacts", "Check", "Decision", "LookUp", "Reason", "may_call"]

# Reasons that pass by themselves; with any other one nobody can say when the gate opens.
_PASSING = frozenset({"outside_hours", "attempts_day", "attempts_week"})


@dataclass(frozen=True, slots=True)
class LookUp:
    """What an outside list says of a number, and of which day the list is; None if never asked."""

    made_on: date | None = None
    listed: bool = False


@dataclass(frozen=True, slots=True)
class CallFacts:
    """All that the decision depends on, as plain values.

    `states` are the two-letter codes that the lead may be in. `attempts_at` are the calls to the
    number over all campaigns, in any order. `overridden_states` are those for which the campaign
    has documented why they may be called. `national` is the National Do Not Call Registry and
    `reassigned` the Reassigned Numbers Database; None where a number is outside their reach.
    `stale_national_blocks`, `stale_reassigned_blocks` and `national_blocks` are the account's
    choices: whether an old look-up, or a number on the registry in spite of written consent, is a
    refusal or a warning.
    """

    time_zones: tuple[str, ...]
    states: tuple[str, ...] = ()
    has_consent: bool = False
    consent_was_revoked: bool = False
    consent_on: date | None = None
    do_not_call: bool = False
    national: LookUp | None = None
    national_blocks: bool = True
    stale_national_blocks: bool = False
    reassigned: LookUp | None = None
    stale_reassigned_blocks: bool = False
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

    `checks` has every rule with its verdict; `reasons` are those that refuse, `warnings` those that
    let the call through with a remark. `opens_at` is when a refused lead may next be called if
    nothing else changes: None when allowed, or when the refusal does not pass by itself.
    """

    allowed: bool
    reasons: tuple[Reason, ...]
    rules_version: str
    opens_at: datetime | None = None
    warnings: tuple[Reason, ...] = ()
    checks: tuple[Check, ...] = ()

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
    zones = tuple(zone for name in facts.time_zones if (zone := known_zone(name)))
    question = Question(facts=facts, now=now, rules=rules, zones=zones)
    checks = tuple(check for rule in RULES for check in rule(question))
    reasons = tuple(Reason(check.code, check.text) for check in checks if check.refuses)
    opens_at = None
    if reasons and all(reason.code in _PASSING for reason in reasons):
        free = max([now, *(check.opens_at for check in checks if check.opens_at)])
        opens_at = next_open(
            rules, zones=zones, states=facts.states, window=facts.campaign_window, now=free
        )
    return Decision(
        allowed=not reasons,
        reasons=reasons,
        rules_version=rules.version,
        opens_at=opens_at,
        warnings=tuple(Reason(check.code, check.text) for check in checks if check.warns),
        checks=checks,
    )
