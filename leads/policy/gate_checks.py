"""The rules of the gate, one by one: each says what it finds, and when it next lets a call through.

The order is the one in which a manager reads them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from leads.policy.calling_rules import AttemptCap, CallingRules
from leads.policy.places import states as known_states
from leads.policy.windows import is_open, next_open

if TYPE_CHECKING:
    from leads.policy.may_call import CallFacts, LookUp


@dataclass(frozen=True, slots=True)
class Question:
    """What every rule is asked: may this lead be called at `now` (UTC)?

    `zones` are those of the lead's time zones that exist.
    """

    facts: CallFacts
    now: datetime
    rules: CallingRules
    zones: tuple[ZoneInfo, ...]


@dataclass(frozen=True, slots=True)
class Check:
    """One rule's verdict.

    `code` is empty when the rule has nothing to say against the call; with `warns` it has a remark
    and lets the call through. `opens_at` is when this rule alone next lets a call through: None
    while it does, or when only a person's act can change it.
    """

    name: str
    text: str
    code: str = ""
    warns: bool = False
    opens_at: datetime | None = None
    source: str = ""

    @property
    def refuses(self) -> bool:
        """Whether the lead may not be called because of this rule."""
        return bool(self.code) and not self.warns

    @property
    def verdict(self) -> str:
        """One of "pass", "warn" and "refuse"."""
        return "refuse" if self.refuses else "warn" if self.warns else "pass"


def _switch(ask: Question) -> Iterator[Check]:
    name = "Kill switch"
    if ask.facts.kill_switch:
        yield Check(name, "All calling is stopped by the kill switch.", "kill_switch")
    else:
        yield Check(name, "Calling is switched on.")


def _campaign(ask: Question) -> Iterator[Check]:
    facts = ask.facts
    if not facts.campaign_running:
        yield Check("Campaign", "The campaign is not running.", "campaign_not_running")
    most = facts.campaign_max_attempts
    if most is None:
        return
    name, made = "Attempts of the campaign", facts.campaign_attempts
    if made >= most:
        text = f"The campaign has made its {most} attempts at this lead."
        yield Check(name, text, "campaign_attempts")
    else:
        yield Check(name, f"The campaign has made {made} of {most} attempts at this lead.")


def _budget(ask: Question) -> Iterator[Check]:
    if ask.facts.budget_exhausted:
        yield Check("Budget", "No budget is left for another call.", "no_budget")
    else:
        yield Check("Budget", "No budget forbids another call.")


def _line(ask: Question) -> Iterator[Check]:
    if ask.facts.on_call:
        yield Check("Line", "The lead is on a call right now.", "already_on_call")
    else:
        yield Check("Line", "The lead is not on a call.")


def _do_not_call(ask: Question) -> Iterator[Check]:
    name, source = "Do-not-call list", "47 CFR 64.1200(d)"
    if ask.facts.do_not_call:
        text = "The number is on the do-not-call list."
        yield Check(name, text, "do_not_call", source=source)
    else:
        yield Check(name, "The number is not on the do-not-call list.", source=source)


def _national(ask: Question) -> Iterator[Check]:
    look, name = ask.facts.national, "National registry"
    if look is None:
        return
    if look.listed:
        blocks = ask.facts.national_blocks
        text = f"The number is on the National Do Not Call Registry of {look.made_on}."
        if not blocks:
            text += " Written consent is taken to be enough."
        source = "47 CFR 64.1200(c)"
        yield Check(name, text, "national_do_not_call", warns=not blocks, source=source)
        return
    yield from _list_age(
        ask,
        look,
        name=name,
        rule="national_registry",
        code="national_scrub_stale",
        blocks=ask.facts.stale_national_blocks,
        fine="The number is not on the National Do Not Call Registry",
        cure="Upload the registry's file for the area code.",
    )


def _reassigned(ask: Question) -> Iterator[Check]:
    look, name, given = ask.facts.reassigned, "Reassigned number", ask.facts.consent_on
    if look is None:
        return
    if look.listed and look.made_on and not (given and given > look.made_on):
        yield Check(
            name,
            f"On {look.made_on} the number was found to belong to somebody else than before: a "
            "consent given earlier does not count.",
            "number_reassigned",
            source="47 CFR 64.1200(m)",
        )
        return
    yield from _list_age(
        ask,
        look,
        name=name,
        rule="reassigned_numbers",
        code="reassigned_check_stale",
        blocks=ask.facts.stale_reassigned_blocks,
        fine="The number was not reassigned",
        cure="Have it checked in the Reassigned Numbers Database.",
    )


def _list_age(
    ask: Question,
    look: LookUp,
    *,
    name: str,
    rule: str,
    code: str,
    blocks: bool,
    fine: str,
    cure: str,
) -> Iterator[Check]:
    age = ask.rules.list_age(rule, states=ask.facts.states, day=ask.now.date())
    if age is None:
        return
    if look.made_on and ask.now.date() - look.made_on <= age.most:
        yield Check(name, f"{fine} (checked on {look.made_on}).", source=age.source)
        return
    when = f"was last checked on {look.made_on}" if look.made_on else "was never checked"
    text = f"The number {when}; {age.most.days} days is the longest. {cure}"
    yield Check(name, text, code, warns=not blocks, source=age.source)


def _consent(ask: Question) -> Iterator[Check]:
    facts, name, source = ask.facts, "Written consent", "47 CFR 64.1200(a)(2); FCC 24-17"
    if facts.has_consent:
        since = f", given on {facts.consent_on}" if facts.consent_on else ""
        text = f"There is written consent to be called by an artificial voice{since}."
        yield Check(name, text, source=source)
    elif facts.consent_was_revoked:
        text = "The lead has withdrawn the consent to be called."
        yield Check(name, text, "consent_revoked", source="47 CFR 64.1200(a)(10)")
    else:
        text = "There is no written consent to be called by an artificial voice at this number."
        yield Check(name, text, "no_consent", source=source)


def _state(ask: Question) -> Iterator[Check]:
    facts, today = ask.facts, ask.now.date()
    blocked = ask.rules.rows_on("blocked", states=facts.states, day=today)
    for row in blocked:
        state = row.region.removeprefix("US-")
        if state in facts.overridden_states:
            text = f"{_state_name(state)} is called: the campaign documents why it may be."
            yield Check("State", text, source=row.source)
        else:
            text = (
                f"{_state_name(state)} is not called unless the campaign documents why it may be."
            )
            yield Check("State", text, "state_blocked", source=row.source)
    if not blocked:
        where = " and ".join(_state_name(state) for state in facts.states)
        yield Check("State", f"{where or 'The lead’s place'} may be called.")


def _attempts(ask: Question) -> Iterator[Check]:
    facts, now = ask.facts, ask.now
    for cap in ask.rules.attempt_caps(states=facts.states, day=now.date()):
        span = _span_words(cap)
        recent = sorted(at for at in facts.attempts_at if now - cap.span < at)
        if len(recent) >= cap.limit:
            yield Check(
                f"Attempts in {span}",
                f"The number was called {cap.limit} times within {span}, over all campaigns.",
                cap.name,
                opens_at=recent[-cap.limit].astimezone(now.tzinfo) + cap.span,
                source=cap.source,
            )
        else:
            yield Check(
                f"Attempts in {span}",
                f"Called {len(recent)} of {cap.limit} times within {span}, over all campaigns.",
                source=cap.source,
            )


def _hours(ask: Question) -> Iterator[Check]:
    facts, now, zones = ask.facts, ask.now, ask.zones
    name = "Calling hours"
    if not zones or len(zones) < len(facts.time_zones):
        text = (
            "One of the lead's time zones does not exist: correct it."
            if facts.time_zones
            else "The lead's time zone is unknown: enter the state."
        )
        yield Check(name, text, "no_time_zone")
        return
    states, window = facts.states, facts.campaign_window
    there = _clocks(zones, now)
    today = now.astimezone(zones[0]).date()
    law = ask.rules.hours_on(states=states, day=today)
    opens = max(law.opens, window.opens or law.opens)
    closes = min(law.closes, window.closes or law.closes)
    hours = f"({opens:%H:%M} to {closes:%H:%M})"
    if ask.rules.closed_on(states=states, day=today):
        hours = "(nobody is called there on this day)"
    if is_open(ask.rules, zones=zones, states=states, window=window, now=now):
        text = f"It is {there} where the lead may be, inside calling hours {hours}."
        yield Check(name, text, source=law.source)
    else:
        yield Check(
            name,
            f"It is {there} where the lead may be, outside calling hours {hours}.",
            "outside_hours",
            opens_at=next_open(ask.rules, zones=zones, states=states, window=window, now=now),
            source=law.source,
        )


RULES: Sequence[Callable[[Question], Iterator[Check]]] = (
    _switch,
    _campaign,
    _budget,
    _line,
    _do_not_call,
    _national,
    _consent,
    _reassigned,
    _state,
    _attempts,
    _hours,
)
"""Every rule, in the order in which they are read."""


def _clocks(zones: Sequence[ZoneInfo], now: datetime) -> str:
    clocks = dict.fromkeys(f"{now.astimezone(zone):%H:%M}" for zone in zones)
    return next(iter(clocks)) if len(clocks) == 1 else f"{min(clocks)} to {max(clocks)}"


def _state_name(code: str) -> str:
    state = known_states().get(code)
    return state.name if state else code


def _span_words(cap: AttemptCap) -> str:
    hours = int(cap.span.total_seconds() // 3600)
    return f"{hours // 24} days" if hours > 48 else f"{hours} hours"
