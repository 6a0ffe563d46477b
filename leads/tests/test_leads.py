"""Leads are created from what people type, and move through their stages."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from django.core.exceptions import ValidationError

from leads.models import Lead, TimelineEntry
from leads.policy.stages import stage_may_change
from leads.services import InvalidPhone, LeadExists, lead_create, lead_stage_set, timeline_add
from tests.factories import LeadFactory, UserFactory

NOW = datetime(2026, 11, 23, 16, tzinfo=UTC)


@pytest.mark.django_db
def test_it_keeps_the_number_as_typed_beside_its_standard_form():
    lead = lead_create(phone=" (212) 555-0123", first_name=" Ana ", source="website", now=NOW)
    lead.refresh_from_db()
    assert str(lead.phone) == "+12125550123"
    assert lead.raw_phone == "(212) 555-0123"
    assert lead.first_name == "Ana"
    assert lead.time_zones == ["America/New_York"]
    assert [(entry.kind, entry.text, entry.at) for entry in lead.timeline.all()] == [
        ("created", "Lead created from website.", NOW)
    ]


@pytest.mark.django_db
def test_it_takes_the_zones_of_the_address_and_of_the_number():
    lead = lead_create(phone="212 555 0123", state="ca", now=NOW)
    assert lead.state == "CA"
    assert lead.time_zones == ["America/Los_Angeles", "America/New_York"]


@pytest.mark.django_db
def test_it_reads_numbers_of_other_countries():
    lead = lead_create(phone="+44 20 7946 0123", now=NOW)
    assert lead.time_zones == ["Europe/London"]
    assert str(lead_create(phone="020 7946 0999", region="GB", now=NOW).phone) == "+442079460999"


@pytest.mark.parametrize(
    ("phone", "problem"),
    [
        ("", "it is empty"),
        ("call me", "it holds no number"),
        ("555-0123", "the area code is missing"),
        ("21255501", "it has too few digits"),
        ("212 555 01234567", "it has too many digits"),
        ("+999 1234567", "no known country code"),
        ("(123) 555-0123", "no such number is in use"),
        ("212 555 0123 ext. 5", "an extension"),
    ],
)
def test_it_says_what_is_wrong_with_a_number_without_repeating_it(phone: str, problem: str):
    with pytest.raises(InvalidPhone, match=problem) as caught:
        lead_create(phone=phone, now=NOW)
    assert "555" not in str(caught.value)


@pytest.mark.django_db
def test_it_refuses_a_second_lead_with_the_same_number_and_names_the_first():
    first = lead_create(phone="212 555 0123", now=NOW)
    with pytest.raises(LeadExists) as caught:
        lead_create(phone="+1 (212) 555-0123", now=NOW)
    assert caught.value.lead_id == first.pk
    assert Lead.objects.count() == 1


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("field", "value"), [("state", "ZZ"), ("email", "not an address"), ("kind", "landlord")]
)
def test_it_names_the_field_that_is_wrong(field: str, value: str):
    with pytest.raises(ValidationError) as caught:
        lead_create(phone="212 555 0123", now=NOW, **{field: value})
    assert list(caught.value.message_dict) == [field]
    assert not Lead.objects.exists()


@pytest.mark.django_db
def test_it_moves_a_lead_forward_and_says_why():
    lead = LeadFactory()
    lead_stage_set(lead_id=lead.pk, stage="contacted", reason="answered a call")
    lead.refresh_from_db()
    assert lead.stage == "contacted"
    assert lead.timeline.get().text == "Stage changed from New to Contacted: answered a call"


@pytest.mark.django_db
def test_it_does_not_move_a_lead_back_by_itself_but_a_person_may():
    lead = LeadFactory(stage="appointment")
    assert lead_stage_set(lead_id=lead.pk, stage="contacted", reason="x").stage == "appointment"
    assert not lead.timeline.exists()
    person = UserFactory()
    lead_stage_set(lead_id=lead.pk, stage="contacted", reason="asked to wait", actor=person)
    lead.refresh_from_db()
    assert lead.stage == "contacted"
    assert lead.timeline.get().actor == person


def test_a_lost_lead_comes_back_only_for_something_worth_it():
    assert stage_may_change("qualified", "lost", by_person=False)
    assert not stage_may_change("lost", "contacted", by_person=False)
    assert stage_may_change("lost", "appointment", by_person=False)
    assert not stage_may_change("won", "lost", by_person=False)


@pytest.mark.django_db
def test_the_timeline_writes_a_key_once():
    lead = LeadFactory()
    for _ in range(2):
        timeline_add(lead_id=lead.pk, kind="note", text="Called back.", key="note:1")
    assert TimelineEntry.objects.count() == 1
