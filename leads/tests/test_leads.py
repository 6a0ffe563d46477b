"""Leads are created from what people type, and move through their stages."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from django.core.exceptions import ValidationError

from leads.models import Lead, TimelineEntry
from leads.policy.places import state_of_postal_code
from leads.policy.stages import stage_may_change
from leads.services import (
    InvalidPhone,
    LeadExists,
    lead_create,
    lead_stage_set,
    lead_update,
    timeline_add,
)
from tests.factories import AppointmentFactory, CallFactory, LeadFactory, UserFactory

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
def test_a_postal_code_alone_tells_the_zone_of_the_address():
    lead = lead_create(phone="212 555 0123", postal_code="94103-1234", now=NOW)
    assert lead.time_zones == ["America/Los_Angeles", "America/New_York"]
    german = lead_create(phone="+49 30 901820", postal_code="10115", now=NOW)
    assert german.time_zones == ["Europe/Berlin"], "five digits are no US postal code there"


@pytest.mark.parametrize(
    ("code", "state"),
    [("78701", "TX"), ("787011234", "TX"), ("02134", "MA"), ("00501", "NY"), ("00901", "PR"),
     ("99999", "AK"), ("88510", "TX"), ("20500", "DC"), ("SW1A 1AA", ""), ("1234", ""), ("", "")],
)  # fmt: skip
def test_a_postal_code_belongs_to_a_state(code: str, state: str):
    assert state_of_postal_code(code) == state


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("phone", "line_type"),
    [("212 555 0123", "fixed_or_mobile"), ("+44 7400 123456", "mobile"),
     ("+44 20 7946 0123", "fixed"), ("800 555 0199", "toll_free")],
)  # fmt: skip
def test_it_keeps_what_the_number_tells_of_its_line(phone: str, line_type: str):
    assert lead_create(phone=phone, now=NOW).line_type == line_type


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


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("current", "new", "reason", "problem"),
    [
        ("new", "appointment", "met them", "no appointment. Book one"),
        ("contacted", "new", "oops", "has been called, so it is not new"),
        ("qualified", "contacted", " ", "Say why"),
        ("qualified", "lost", "", "Say why"),
        ("won", "qualified", "", "Say why"),
    ],
)
def test_it_tells_a_person_why_a_stage_is_refused(
    current: str, new: str, reason: str, problem: str
):
    lead = LeadFactory(stage=current)
    CallFactory(lead=lead, ended=True)
    with pytest.raises(ValidationError, match=problem) as caught:
        lead_stage_set(lead_id=lead.pk, stage=new, reason=reason, actor=UserFactory())
    assert list(caught.value.message_dict) == ["stage"]
    assert not lead.timeline.exists()


@pytest.mark.django_db
def test_a_person_may_set_the_stage_that_an_appointment_gives():
    lead = AppointmentFactory(lead=LeadFactory(stage="qualified")).lead
    lead_stage_set(lead_id=lead.pk, stage="appointment", reason="", actor=UserFactory())
    assert lead.timeline.get().text == "Stage changed from Qualified to Appointment."


@pytest.mark.django_db
def test_a_change_by_a_person_is_told_field_by_field():
    lead = LeadFactory(first_name="Maria", city="Austin", tags=["vip"], custom_fields={"Beds": "3"})
    person = UserFactory()
    for _ in range(2):
        lead_update(
            lead_id=lead.pk,
            changes={
                "first_name": " Mary ", "city": "Austin", "tags": ["vip", "pool"],
                "custom_fields": {"Beds": "4"},
            },
            actor=person,
            now=NOW,
        )  # fmt: skip
    lead.refresh_from_db()
    assert (lead.first_name, lead.tags) == ("Mary", ["vip", "pool"])
    entry = lead.timeline.get()
    assert entry.actor == person
    assert entry.text == ("Edited. first name: Maria → Mary; tags: vip → vip, pool; Beds: 3 → 4.")


@pytest.mark.django_db
def test_a_new_number_or_address_brings_its_zones_and_takes_the_old_ones_away():
    lead = lead_create(phone="512 555 0123", state="TX", now=NOW)
    lead.time_zones = [*lead.time_zones, "Pacific/Honolulu"]  # of a merge
    lead.save()
    lead_update(
        lead_id=lead.pk, changes={"phone": "(212) 555-0123", "state": "ny"}, actor=None, now=NOW
    )
    lead.refresh_from_db()
    assert (str(lead.phone), lead.raw_phone) == ("+12125550123", "(212) 555-0123")
    assert lead.time_zones == ["America/New_York", "Pacific/Honolulu"]


@pytest.mark.django_db
def test_a_change_to_what_is_wrong_or_taken_changes_nothing():
    other = lead_create(phone="212 555 0100", now=NOW)
    lead = lead_create(phone="212 555 0123", now=NOW)
    for changes, error in (
        ({"phone": "212 555 0100"}, LeadExists),
        ({"phone": "12"}, InvalidPhone),
        ({"state": "ZZ"}, ValidationError),
        ({"email": "no address"}, ValidationError),
    ):
        with pytest.raises(error):
            lead_update(
                lead_id=lead.pk, changes={"first_name": "New"} | changes, actor=None, now=NOW
            )
    lead.refresh_from_db()
    assert (lead.first_name, str(lead.phone)) == ("", "+12125550123")
    assert Lead.objects.exclude(pk=lead.pk).get() == other


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


@pytest.mark.django_db
def test_an_entry_of_the_timeline_is_never_rewritten():
    entry = timeline_add(lead_id=LeadFactory().pk, kind="note", text="Called back.")
    entry.text = "Never called."
    with pytest.raises(TypeError, match="append-only"):
        entry.save()
    entry.refresh_from_db()
    assert entry.text == "Called back."
