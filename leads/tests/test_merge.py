"""Two leads that are one person become one, with the stricter of their wishes, and two again."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.db.models import Model
from django.utils import timezone

from leads.duplicates import duplicate_groups
from leads.models import Consent, DoNotCall, Lead, TimelineEntry
from leads.services.alike import alike_forget
from leads.services.leads import lead_update
from leads.services.merges import MergeRefused, leads_merge, merge_undo
from tests.factories import (
    AppointmentFactory,
    CallFactory,
    ConsentFactory,
    DoNotCallFactory,
    EnrolmentFactory,
    LeadFactory,
    LeadScoreFactory,
    TimelineEntryFactory,
    UserFactory,
)

pytestmark = pytest.mark.django_db


def merged(winner: Lead, loser: Lead):  # type: ignore[no-untyped-def]
    return leads_merge(winner_id=winner.pk, loser_id=loser.pk, now=timezone.now())


def pointing_to(lead_id: object) -> set[tuple[str, str]]:
    found = set()
    for relation in Lead._meta.related_objects:
        model: type[Model] = relation.related_model
        rows = model._base_manager.filter(**{f"{relation.field.name}_id": lead_id})
        found |= {(model._meta.label, str(pk)) for pk in rows.values_list("pk", flat=True)}
    return found


def test_everything_that_pointed_to_the_loser_points_to_the_winner_and_back() -> None:
    winner, loser = LeadFactory(), LeadFactory()
    rows = [
        CallFactory(lead=loser, ended=True),
        EnrolmentFactory(lead=loser),
        AppointmentFactory(lead=loser),
        TimelineEntryFactory(lead=loser),
        LeadScoreFactory(lead=loser),
        ConsentFactory(lead=loser),
    ]
    owned = pointing_to(loser.pk)
    assert len(owned) == len(rows)
    merge = merged(winner, loser)
    assert not Lead.objects.filter(pk=loser.pk).exists()
    assert owned <= pointing_to(winner.pk)
    merge_undo(merge_id=merge.pk, now=timezone.now())
    again = Lead.objects.get(pk=loser.pk)
    assert (str(again.phone), again.created_at) == (str(loser.phone), loser.created_at)
    assert owned <= pointing_to(loser.pk)
    assert not owned & pointing_to(winner.pk)


def test_an_enrolment_of_both_in_one_campaign_becomes_one_with_the_calls_of_both() -> None:
    winner, loser = LeadFactory(), LeadFactory()
    kept = EnrolmentFactory(lead=winner)
    gone = EnrolmentFactory(lead=loser, campaign=kept.campaign)
    call = CallFactory(lead=loser, campaign=kept.campaign, enrolment=gone, ended=True)
    merge = merged(winner, loser)
    call.refresh_from_db()
    assert (call.lead_id, call.enrolment_id) == (winner.pk, kept.pk)
    merge_undo(merge_id=merge.pk, now=timezone.now())
    call.refresh_from_db()
    assert (call.lead_id, call.enrolment_id) == (loser.pk, gone.pk)


def test_the_winner_gets_what_it_lacks_and_keeps_what_it_has() -> None:
    owner = UserFactory()
    winner = LeadFactory(email="", first_name="Maria", tags=["vip"], time_zones=["America/Chicago"])
    loser = LeadFactory(first_name="Mary", tags=["sphere"], owner=owner, stage="contacted",
                        time_zones=["America/Los_Angeles"])  # fmt: skip
    merge = merged(winner, loser)
    winner.refresh_from_db()
    assert (winner.first_name, winner.email, winner.tags) == (
        "Maria",
        loser.email,
        ["vip", "sphere"],
    )
    assert winner.time_zones == ["America/Chicago", "America/Los_Angeles"]
    assert (winner.owner, winner.stage) == (owner, "contacted")
    assert winner.custom_fields["Other phone"] == str(loser.phone)
    winner.stage = "qualified"
    winner.save()
    merge_undo(merge_id=merge.pk, now=timezone.now())
    winner.refresh_from_db()
    assert (winner.email, winner.tags, winner.owner) == ("", ["vip"], None)
    assert winner.custom_fields == {}
    assert winner.stage == "qualified", "a later edit is not undone"


@pytest.mark.parametrize("barred", ["winner", "loser"])
def test_do_not_call_of_either_holds_for_both_numbers(barred: str) -> None:
    winner, loser = LeadFactory(), LeadFactory()
    DoNotCallFactory(phone=(winner if barred == "winner" else loser).phone)
    merge = merged(winner, loser)
    assert DoNotCall.objects.filter(phone__in=[winner.phone, loser.phone]).count() == 2
    merge_undo(merge_id=merge.pk, now=timezone.now())
    assert DoNotCall.objects.count() == 1


@pytest.mark.parametrize("withdrew", ["winner", "loser"])
def test_a_consent_withdrawn_by_either_is_withdrawn_for_both(withdrew: str) -> None:
    winner, loser = LeadFactory(), LeadFactory()
    pair = (winner, loser) if withdrew == "winner" else (loser, winner)
    ConsentFactory(lead=pair[0], revoked_at=timezone.now() - timedelta(days=1))
    valid = ConsentFactory(lead=pair[1])
    merge = merged(winner, loser)
    assert not Consent.objects.filter(revoked_at__isnull=True).exists()
    merge_undo(merge_id=merge.pk, now=timezone.now())
    valid.refresh_from_db()
    assert valid.revoked_at is None


def test_a_lead_on_a_call_is_not_merged_away() -> None:
    winner, loser = LeadFactory(), LeadFactory()
    CallFactory(lead=loser, live=True)
    with pytest.raises(MergeRefused, match="on a call"):
        merged(winner, loser)
    assert Lead.objects.count() == 2
    assert not TimelineEntry.objects.exists()


def test_an_undo_is_refused_when_the_number_is_taken_and_when_it_was_done() -> None:
    winner, loser = LeadFactory(), LeadFactory()
    merge = merged(winner, loser)
    other = LeadFactory(phone=str(loser.phone))
    with pytest.raises(MergeRefused, match="another lead"):
        merge_undo(merge_id=merge.pk, now=timezone.now())
    other.delete()
    merge_undo(merge_id=merge.pk, now=timezone.now())
    with pytest.raises(MergeRefused, match="undone before"):
        merge_undo(merge_id=merge.pk, now=timezone.now())
    with pytest.raises(MergeRefused, match="same lead"):
        merged(winner, winner)


def test_a_chain_of_merges_is_undone_from_its_end() -> None:
    first, second, third = LeadFactory(), LeadFactory(), LeadFactory()
    call = CallFactory(lead=first, ended=True)
    early = merged(second, first)
    late = merged(third, second)
    with pytest.raises(MergeRefused, match="undo the later merge first"):
        merge_undo(merge_id=early.pk, now=timezone.now())
    merge_undo(merge_id=late.pk, now=timezone.now())
    merge_undo(merge_id=early.pk, now=timezone.now())
    call.refresh_from_db()
    assert call.lead_id == first.pk
    assert Lead.objects.count() == 3


def test_duplicates_are_found_by_e_mail_and_by_name_with_address() -> None:
    first = LeadFactory(email="Ann@Example.com", first_name="Ann", last_name="Lee", street="1 Oak")
    second = LeadFactory(email="ann@example.com", first_name="A.", last_name="Lee", street="9 Elm")
    third = LeadFactory(email="", first_name="ann", last_name="LEE", street="1 oak")
    LeadFactory(email="", first_name="", last_name="", street="")
    LeadFactory(email="", first_name="", last_name="", street="")
    groups = duplicate_groups()
    assert {(g.why, frozenset(lead.pk for lead in g.leads)) for g in groups} == {
        ("E-mail", frozenset({first.pk, second.pk})),
        ("Name and address", frozenset({first.pk, third.pk})),
    }


def test_a_lead_that_becomes_like_another_is_found_and_lost_again_when_it_changes() -> None:
    first = LeadFactory(email="ann@example.com")
    second = LeadFactory(email="")
    assert duplicate_groups() == []
    lead_update(
        lead_id=second.pk, changes={"email": "ANN@example.com"}, actor=None, now=timezone.now()
    )
    (group,) = duplicate_groups()
    assert group.leads == [first, second]
    lead_update(
        lead_id=first.pk, changes={"email": "other@example.com"}, actor=None, now=timezone.now()
    )
    assert duplicate_groups() == []


def test_of_many_that_share_one_address_only_the_oldest_are_read() -> None:
    leads = [LeadFactory(email="none@example.com") for _ in range(25)]
    pair = [LeadFactory(email="pair@example.com") for _ in range(2)]
    newest, crowd = duplicate_groups()
    assert (newest.leads, newest.count) == (pair, 2)
    assert (crowd.leads, crowd.count) == (leads[:10], 25)
    assert duplicate_groups(among=Lead.objects.filter(pk__in=[pair[0].pk, leads[0].pk])) == []


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has no notes of alike leads")
def test_notes_that_nobody_looks_at_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("leads.duplicates.LOOKED_AT", 4)
    for _ in range(5):
        LeadFactory(email="none@example.com")
    pair = [LeadFactory(email="pair@example.com") for _ in range(2)]
    before = duplicate_groups()
    assert alike_forget() > 0
    assert alike_forget() == 0
    assert duplicate_groups() == before
    assert before[0].leads == pair
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM lead_alike")
        assert cursor.fetchone() == (4,)
