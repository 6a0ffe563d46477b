"""Leads go to representatives by rules that say why, in turns that stay fair."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import pytest
from django.db import connection

from leads.models import AssignmentRule, Lead
from leads.policy.assignment import Applicant, Rep, Rule, assign
from leads.services import lead_create, lead_owner_set, lead_score_record, lead_stage_set
from leads.services.assignment import default_rule, rule_move, rule_place_last
from tests.factories import LeadFactory, UserFactory, WorkingHoursFactory
from tests.threads import at_once, shared_database

NOON = datetime(2026, 11, 23, 18, tzinfo=UTC)  # a Monday noon in Austin
NIGHT = datetime(2026, 11, 23, 4, tzinfo=UTC)

LEAD = Applicant(
    kind="seller", state="TX", postal_code="78701", city="Austin", source="Website", score=60
)


def rule(name: str = "Rule", **conditions: object) -> Rule:
    conditions.setdefault("reps", [Rep(1, "Ana")])
    return Rule(uuid4(), name, **conditions)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("conditions", "why"),
    [
        ({"kinds": ["buyer"]}, "the lead is a seller"),
        ({"states": ["FL", "GA"]}, "the state is TX"),
        ({"postal_prefixes": ["77"]}, "the postal code is 78701"),
        ({"cities": ["Dallas"]}, "the city is Austin"),
        ({"sources": ["fair"]}, "the source is Website"),
        ({"score_from": 70}, "the score 60 is below 70"),
        ({"score_to": 40}, "the score 60 is above 40"),
        ({"reps": []}, "no active representative is in it"),
        ({"working_now": True, "reps": [Rep(1, "Ana", at_work=False)]},
         "nobody in it is at work now"),
        ({"max_open_leads": 5, "reps": [Rep(1, "Ana", open_leads=5)]},
         "everybody in it has 5 open leads"),
    ],
)  # fmt: skip
def test_a_rule_that_is_skipped_says_why(conditions: dict[str, object], why: str):
    found = assign(LEAD, [rule("First", **conditions), rule("Everybody")])
    assert [(one.rule, one.why) for one in found.skipped] == [("First", why)]
    assert found.words == f"Assigned to Ana by the rule “Everybody”. Skipped: “First” ({why})."


@pytest.mark.parametrize(
    "conditions",
    [
        {},
        {"kinds": ["buyer", "seller"], "states": ["TX"], "postal_prefixes": ["78", "77"]},
        {"cities": ["AUSTIN", "Dallas"], "sources": ["website"]},
        {"score_from": 60, "score_to": 60},
        {"max_open_leads": 5, "reps": [Rep(1, "Ana", open_leads=4)]},
    ],
)
def test_a_rule_that_fits_decides(conditions: dict[str, object]):
    found = assign(LEAD, [rule("First", **conditions), rule("Everybody")])
    assert found.words == "Assigned to Ana by the rule “First”."


def test_the_postal_code_tells_the_state_and_cities_need_no_accents():
    lead = Applicant("seller", "", "78701-1234", "Nuñez", "", None)
    assert not assign(lead, [rule(states=["TX"], cities=["nunez"])]).skipped
    assert assign(lead, [rule(score_to=50)]).skipped[0].why == "the lead has no score yet"


def test_of_those_who_are_free_the_one_longest_without_a_turn_goes():
    busy, late, next_ = Rep(1, "A", 1, open_leads=9), Rep(2, "B", 7), Rep(3, "C", 4)
    found = assign(LEAD, [rule(reps=[busy, late, next_], max_open_leads=9)])
    assert found.rep is next_


pytestmark = pytest.mark.django_db


def reps(count: int) -> list:
    people = [UserFactory(first_name=f"Rep{n}", last_name="") for n in range(count)]
    for person in people:
        WorkingHoursFactory(rep=person)
    return people


def make(name: str, *people: object, **conditions: object) -> AssignmentRule:
    row = AssignmentRule(name=name, **conditions)
    rule_place_last(row)
    row.save()
    row.reps.set(people)  # type: ignore[arg-type]
    return row


def create(number: int = 0, **fields: object) -> Lead:
    return lead_create(phone=f"512 555 {1000 + number}", now=NOON, **fields)  # type: ignore[arg-type]


def story(lead: Lead) -> list[str]:
    return [entry.text for entry in lead.timeline.filter(kind="assignment")]


def test_without_any_representative_nobody_is_assigned_and_nothing_is_told():
    lead = create()
    assert (lead.owner, story(lead)) == (None, [])


def test_whoever_has_working_hours_takes_turns_by_default():
    ana, ben = reps(2)
    UserFactory()
    owners = [create(n).owner for n in range(4)]
    assert owners == [ana, ben, ana, ben]


def test_the_first_rule_that_fits_decides_and_the_story_says_which_were_skipped():
    ana, ben, chloe = reps(3)
    make("Buyers", ben, kinds=["buyer"])
    make("Texas", ana, states=["TX"])
    lead = create(state="TX")
    assert lead.owner == ana
    assert lead.owner_rule.name == "Texas"
    assert story(lead) == [
        "Assigned to Rep0 by the rule “Texas”. Skipped: “Buyers” (the lead is a seller)."
    ]
    assert create(1, kind="renter").owner in {ana, ben, chloe}


def test_who_was_chosen_by_hand_stays_and_the_rules_do_not_ask():
    ana, ben = reps(2)
    lead = create(owner_id=ben.pk)
    assert (lead.owner, story(lead)) == (ben, [])
    make("Hot", ana, score_from=70, takes_over=True)
    lead_score_record(
        lead_id=lead.pk, call_id=None, value=90, scorer_version="1", factors=[], now=NOON
    )
    lead.refresh_from_db()
    assert lead.owner == ben


def test_a_hot_lead_is_taken_over_by_an_earlier_rule_that_may():
    ana, ben = reps(2)
    hot = make("Hot", ana, score_from=70)
    make("Texas", ben, states=["TX"])
    lead = create(state="TX")
    assert lead.owner == ben

    def scored(value: int) -> Lead:
        lead_score_record(
            lead_id=lead.pk, call_id=None, value=value, scorer_version="1", factors=[], now=NOON
        )
        lead.refresh_from_db()
        return lead

    assert scored(80).owner == ben
    hot.takes_over = True
    hot.save()
    assert scored(85).owner == ana
    assert "Assigned to Rep0 by the rule “Hot”." in story(lead)
    assert scored(20).owner == ana, "nobody is taken over by a later rule"


def test_a_lead_without_an_owner_is_asked_for_again_when_it_is_qualified():
    lead = create()
    (ana,) = reps(1)
    lead_stage_set(lead_id=lead.pk, stage="qualified", reason="said so")
    lead.refresh_from_db()
    assert lead.owner == ana


def test_only_those_at_work_get_leads_where_the_rule_says_so():
    (ana,) = reps(1)
    make("At once", ana, working_now=True)
    assert create().owner_rule.name == "At once"
    late = lead_create(phone="512 555 2000", now=NIGHT)
    assert "“At once” (nobody in it is at work now)" in story(late)[0]


def test_nobody_gets_more_open_leads_than_the_rule_allows():
    ana, _ = reps(2)
    LeadFactory(owner=ana, stage="won")
    make("Few", ana, max_open_leads=2)
    owners = Counter(create(n).owner_rule.name for n in range(4))
    assert owners["Few"] == 2


def test_those_who_have_left_get_nothing():
    ana, ben = reps(2)
    make("Texas", ana, states=["TX"])
    ana.is_active = False
    ana.save()
    lead = create(state="TX")
    assert lead.owner == ben
    assert "“Texas” (no active representative is in it)" in story(lead)[0]


def test_an_owner_set_by_hand_is_told_and_kept():
    ana, ben = reps(2)
    lead = create()
    for _ in range(2):
        lead_owner_set(lead_id=lead.pk, owner_id=ben.pk, actor=ana, now=NOON)
    lead.refresh_from_db()
    assert (lead.owner, lead.owner_rule) == (ben, None)
    assert len(story(lead)) == 2
    assert "Assigned to Rep1." in story(lead)


def test_rules_are_put_in_another_order_and_the_default_stays_last():
    names = ["A", "B", "C"]
    rows = {name: make(name) for name in names}
    default_rule()
    rule_move(rule_id=rows["C"].pk, to=0)
    rule_move(rule_id=rows["A"].pk, to=99)
    assert [row.name for row in AssignmentRule.objects.all()] == [
        "C", "B", "A", "Everybody in turn"
    ]  # fmt: skip


@pytest.mark.django_db(transaction=True)
def test_the_round_robin_stays_fair_when_many_leads_come_at_once(tmp_path: Path):
    many = 30 if connection.vendor == "postgresql" else 9
    people = reps(3)
    default_rule()
    with shared_database(tmp_path):
        made = at_once(many, lambda n: create(n).owner_id)
    assert Counter(made) == {person.pk: many // 3 for person in people}, made
