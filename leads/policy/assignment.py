"""Which representative a lead goes to, by which rule, and why not by the rules before it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from leads.policy.places import state_of_postal_code
from leads.policy.words import plainly


@dataclass(frozen=True, slots=True)
class Applicant:
    """What rules look at in a lead."""

    kind: str
    state: str
    postal_code: str
    city: str
    source: str
    score: int | None


@dataclass(slots=True)
class Rep:
    """A representative in a rule.

    `last_turn` orders those who take turns: the one with the lowest goes next. `open_leads` is
    None where no rule asks.
    """

    rep_id: int
    name: str
    last_turn: int = 0
    open_leads: int | None = None
    at_work: bool = True


@dataclass(slots=True)
class Rule:
    """A rule, with those who take turns in it. An empty condition is none."""

    rule_id: UUID
    name: str
    reps: Sequence[Rep] = ()
    kinds: Collection[str] = ()
    states: Collection[str] = ()
    postal_prefixes: Collection[str] = ()
    cities: Collection[str] = ()
    sources: Collection[str] = ()
    score_from: int | None = None
    score_to: int | None = None
    working_now: bool = False
    max_open_leads: int | None = None
    takes_over: bool = False

    def misfit(self, lead: Applicant) -> str | None:
        """Return why a lead does not fit, in words; None if it does."""
        state = lead.state or state_of_postal_code(lead.postal_code)
        if self.kinds and lead.kind not in self.kinds:
            return f"the lead is a {lead.kind}"
        if self.states and state not in self.states:
            return f"the state is {state or 'not known'}"
        if self.postal_prefixes and not lead.postal_code.startswith(tuple(self.postal_prefixes)):
            return f"the postal code is {lead.postal_code or 'not known'}"
        if self.cities and plainly(lead.city.strip()) not in map(plainly, self.cities):
            return f"the city is {lead.city.strip() or 'not known'}"
        if self.sources and plainly(lead.source) not in map(plainly, self.sources):
            return f"the source is {lead.source or 'not known'}"
        return self._score_misfit(lead.score)

    def free(self) -> tuple[list[Rep], str]:
        """Return those who can take a lead now, and if nobody can, why not."""
        reps = list(self.reps)
        if not reps:
            return [], "no active representative is in it"
        if self.working_now:
            reps = [rep for rep in reps if rep.at_work]
            if not reps:
                return [], "nobody in it is at work now"
        if self.max_open_leads is not None:
            most = self.max_open_leads
            reps = [rep for rep in reps if (rep.open_leads or 0) < most]
            if not reps:
                return [], f"everybody in it has {most} open leads"
        return reps, ""

    def _score_misfit(self, score: int | None) -> str | None:
        if self.score_from is None and self.score_to is None:
            return None
        if score is None:
            return "the lead has no score yet"
        if self.score_from is not None and score < self.score_from:
            return f"the score {score} is below {self.score_from}"
        if self.score_to is not None and score > self.score_to:
            return f"the score {score} is above {self.score_to}"
        return None


@dataclass(frozen=True, slots=True)
class Skipped:
    """A rule that did not decide, and why."""

    rule: str
    why: str


@dataclass(frozen=True, slots=True)
class Assignment:
    """Who gets a lead, by which rule. Both are None when no rule has anybody."""

    rule: Rule | None = None
    rep: Rep | None = None
    skipped: tuple[Skipped, ...] = field(default=())

    @property
    def words(self) -> str:
        """The decision in a sentence or two that a manager understands."""
        if self.rule and self.rep:
            text = f"Assigned to {self.rep.name} by the rule “{self.rule.name}”."
        else:
            text = "Assigned to nobody: no rule has a representative for it."
        if self.skipped:
            text += " Skipped: "
            text += "; ".join(f"“{one.rule}” ({one.why})" for one in self.skipped) + "."
        return text


def assign(lead: Applicant, rules: Sequence[Rule]) -> Assignment:
    """Return who gets a lead. Nothing is changed: whose turn it was is noted by the caller.

    Args:
        rules: in the order in which they are asked.
    """
    skipped: list[Skipped] = []
    for rule in rules:
        misfit = rule.misfit(lead)
        if misfit is not None:
            skipped.append(Skipped(rule.name, misfit))
            continue
        reps, why = rule.free()
        if not reps:
            skipped.append(Skipped(rule.name, why))
            continue
        rep = min(reps, key=lambda rep: (rep.last_turn, rep.rep_id))
        return Assignment(rule, rep, tuple(skipped))
    return Assignment(skipped=tuple(skipped))
