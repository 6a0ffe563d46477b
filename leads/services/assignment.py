"""Leads are given to representatives by rules that say why.

Every rule's row is locked while leads are given out, so that two imports at once take turns at the
same round robin.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from django.contrib.auth import get_user_model
from django.contrib.auth.models import AbstractBaseUser
from django.db import transaction
from django.db.models import Count, Max

from leads.calendars import rep_calendars, rep_name
from leads.models import AssignmentRule, AssignmentTurn, Lead, TimelineEntry, WorkingHours
from leads.policy.assignment import Applicant, Assignment, Rep, Rule, assign
from leads.services.timeline import timeline_add

_CLOSED = (Lead.Stage.WON, Lead.Stage.LOST)


@dataclass(slots=True)
class Roster:
    """The rules with everybody in them, while leads are given out."""

    rules: list[Rule]
    turns: dict[UUID, int]
    moved: set[tuple[UUID, int]] = field(default_factory=set)

    def give(self, lead: Applicant, rules: Sequence[Rule] | None = None) -> Assignment:
        """Decide who gets a lead, and note the turn."""
        assignment = assign(lead, self.rules if rules is None else rules)
        if assignment.rule and assignment.rep:
            rule, rep = assignment.rule, assignment.rep
            self.turns[rule.rule_id] += 1
            rep.last_turn = self.turns[rule.rule_id]
            self.moved.add((rule.rule_id, rep.rep_id))
            for other in (rep for each in self.rules for rep in each.reps):
                if other.rep_id == rep.rep_id and other.open_leads is not None:
                    other.open_leads += 1
        return assignment

    @property
    def says_something(self) -> bool:
        """Whether anybody has set anything up: else there is nothing to tell."""
        return len(self.rules) > 1 or any(rule.reps for rule in self.rules)


def default_rule() -> AssignmentRule:
    """Return the rule that always fits, making it if it is not there."""
    rule, _ = AssignmentRule.objects.get_or_create(
        is_default=True, defaults={"name": "Everybody in turn", "position": 1_000_000}
    )
    return rule


def roster_load(*, now: datetime, lock: bool) -> Roster:
    """Read the active rules and who is in them. A constant number of queries.

    Args:
        lock: keep others from giving out leads until the transaction ends.
    """
    rows = AssignmentRule.objects.filter(active=True)
    if lock:
        # In the order of their keys, so that two who lock them never wait for each other.
        list(rows.select_for_update(no_key=True).order_by("pk").values_list("pk"))
    rules = list(rows.prefetch_related("reps"))
    if not any(rule.is_default for rule in rules):
        rules.append(default_rule())
    everybody = list(
        get_user_model()
        .objects.filter(is_active=True, pk__in=WorkingHours.objects.values("rep_id"))
        .order_by("pk")
    )
    turns: dict[UUID, dict[int, int]] = defaultdict(dict)
    for turn in AssignmentTurn.objects.filter(rule__in=rules):
        turns[turn.rule_id][turn.rep_id] = turn.last_turn
    # A rule whose people have all left has nobody; one that never named any has everybody.
    inside = {
        rule.pk: [rep for rep in rule.reps.all() if rep.is_active] if rule.reps.all() else everybody
        for rule in rules
    }
    people = {rep.pk: rep for reps in inside.values() for rep in reps}
    loads = _open_leads(list(people)) if any(rule.max_open_leads for rule in rules) else None
    working = _at_work(list(people), now) if any(rule.working_now for rule in rules) else None
    return Roster(
        rules=[
            Rule(
                rule_id=rule.pk,
                name=rule.name,
                reps=[
                    Rep(
                        rep_id=rep.pk,
                        name=rep_name(rep),
                        last_turn=turns[rule.pk].get(rep.pk, 0),
                        open_leads=None if loads is None else loads.get(rep.pk, 0),
                        at_work=working is None or rep.pk in working,
                    )
                    for rep in inside[rule.pk]
                ],
                kinds=rule.kinds,
                states=rule.states,
                postal_prefixes=rule.postal_prefixes,
                cities=rule.cities,
                sources=rule.sources,
                score_from=rule.score_from,
                score_to=rule.score_to,
                working_now=rule.working_now,
                max_open_leads=rule.max_open_leads,
                takes_over=rule.takes_over,
            )
            for rule in rules
        ],
        turns={rule.pk: rule.turn for rule in rules},
    )


def roster_save(roster: Roster) -> None:
    """Write whose turns were taken. Two queries, whatever was given out."""
    if not roster.moved:
        return
    last = {(rule.rule_id, rep.rep_id): rep.last_turn for rule in roster.rules for rep in rule.reps}
    AssignmentTurn.objects.bulk_create(
        [
            AssignmentTurn(rule_id=rule_id, rep_id=rep_id, last_turn=last[rule_id, rep_id])
            for rule_id, rep_id in sorted(roster.moved, key=str)
        ],
        update_conflicts=True,
        unique_fields=["rule", "rep"],
        update_fields=["last_turn"],
    )
    rules = [AssignmentRule(pk=rule_id, turn=roster.turns[rule_id]) for rule_id in roster.turns]
    AssignmentRule.objects.bulk_update(rules, ["turn"])


def leads_assign(
    leads: Iterable[Lead], *, trigger: str, key: str, now: datetime
) -> list[TimelineEntry]:
    """Choose owners for leads that have none. Neither the leads nor the entries are saved.

    Call it in the transaction that saves both, before any of the leads is written: rules are
    locked before leads come into being, always in that order.

    Args:
        trigger: what the occasion is: "create", "import".
        key: what the entries' keys begin with; the lead's id follows.
    """
    free = [lead for lead in leads if lead.owner_id is None]
    if not free:
        return []
    roster = roster_load(now=now, lock=True)
    entries = []
    for lead in free:
        assignment = roster.give(applicant(lead))
        if assignment.rep and assignment.rule:
            lead.owner_id = assignment.rep.rep_id
            lead.owner_rule_id = assignment.rule.rule_id
        if roster.says_something:
            entries.append(_entry(lead, assignment, trigger, f"{key}:{lead.pk}", now))
    roster_save(roster)
    return entries


@transaction.atomic
def lead_reassign(*, lead_id: UUID, trigger: str, now: datetime) -> Lead:
    """Ask the rules again when something about a lead has changed.

    A lead without an owner gets one. One whom a rule chose may be taken over by an earlier rule
    that is set to do so. An owner whom a person chose stays.

    Args:
        trigger: what the occasion is: "score", "qualified".
    """
    lead = Lead.objects.select_for_update().get(pk=lead_id)
    if lead.owner_id is not None and lead.owner_rule_id is None:
        return lead
    roster = roster_load(now=now, lock=True)
    rules = roster.rules
    if lead.owner_id is not None:
        ids = [rule.rule_id for rule in rules]
        place = ids.index(lead.owner_rule_id) if lead.owner_rule_id in ids else len(rules)
        rules = [rule for rule in rules[:place] if rule.takes_over]
        if not rules:
            return lead
    assignment = roster.give(applicant(lead), rules)
    if assignment.rep is None or assignment.rule is None:
        return lead
    lead.owner_id, lead.owner_rule_id = assignment.rep.rep_id, assignment.rule.rule_id
    lead.save(update_fields=["owner", "owner_rule", "updated_at"])
    roster_save(roster)
    _entry(lead, assignment, trigger, None, now).save()
    return lead


@transaction.atomic
def lead_owner_set(
    *, lead_id: UUID, owner_id: int | None, actor: AbstractBaseUser | None, now: datetime
) -> Lead:
    """Give a lead to somebody, or to nobody, because a person says so. Rules leave it alone."""
    lead = Lead.objects.select_for_update(of=("self",)).get(pk=lead_id)
    if lead.owner_id == owner_id and lead.owner_rule_id is None:
        return lead
    lead.owner = get_user_model().objects.get(pk=owner_id) if owner_id else None
    lead.owner_rule = None
    lead.save(update_fields=["owner", "owner_rule", "updated_at"])
    timeline_add(
        lead_id=lead.pk,
        kind=TimelineEntry.Kind.ASSIGNMENT,
        text=f"Assigned to {rep_name(lead.owner)}." if lead.owner else "Assigned to nobody.",
        actor=actor,
        data={"owner": owner_id, "trigger": "person"},
        at=now,
    )
    return lead


@transaction.atomic
def rule_move(*, rule_id: UUID, to: int) -> None:
    """Put a rule at a place in the order, 0 being the first. The default rule stays last."""
    rules = list(AssignmentRule.objects.select_for_update().filter(is_default=False))
    rule = next(row for row in rules if row.pk == rule_id)
    rules.remove(rule)
    rules.insert(max(0, min(to, len(rules))), rule)
    for position, row in enumerate(rules):
        row.position = position
    AssignmentRule.objects.bulk_update(rules, ["position"])


def rule_place_last(rule: AssignmentRule) -> None:
    """Give an unsaved rule the place before the default."""
    last = AssignmentRule.objects.filter(is_default=False).aggregate(last=Max("position"))["last"]
    rule.position = 0 if last is None else last + 1


def applicant(lead: Lead) -> Applicant:
    """Return what rules look at in a lead."""
    return Applicant(
        kind=lead.kind,
        state=lead.state,
        postal_code=lead.postal_code,
        city=lead.city,
        source=lead.source,
        score=lead.score,
    )


def _open_leads(rep_ids: list[int]) -> dict[int, int]:
    rows = Lead.objects.filter(owner_id__in=rep_ids).exclude(stage__in=_CLOSED).order_by()
    counts = rows.values("owner_id").annotate(count=Count("pk"))
    return dict(counts.values_list("owner_id", "count"))


def _at_work(rep_ids: list[int], now: datetime) -> set[int]:
    calendars = rep_calendars(since=now, until=now, rep_ids=rep_ids)
    return {calendar.rep_id for calendar in calendars if calendar.at_work(now)}


def _entry(
    lead: Lead, assignment: Assignment, trigger: str, key: str | None, now: datetime
) -> TimelineEntry:
    return TimelineEntry(
        lead_id=lead.pk,
        kind=TimelineEntry.Kind.ASSIGNMENT,
        text=assignment.words,
        data={
            "trigger": trigger,
            "rule": str(assignment.rule.rule_id) if assignment.rule else None,
            "owner": assignment.rep.rep_id if assignment.rep else None,
            "skipped": [{"rule": one.rule, "why": one.why} for one in assignment.skipped],
        },
        key=key,
        at=now,
    )
