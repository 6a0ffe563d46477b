"""What is done to many leads at once, from their list."""

from __future__ import annotations

import csv
import io
from html import unescape
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import reverse

from calls.models import Enrolment
from leads.models import (
    AuditEntry,
    BulkChange,
    DoNotCall,
    Lead,
)
from tests.desk import LEADS, page_of, shown, step, told
from tests.factories import (
    CallFactory,
    CampaignFactory,
    ConsentFactory,
    LeadFactory,
    UserFactory,
)

pytestmark = pytest.mark.django_db


def ask(client: Client, action: str, leads: list[Lead], query: str = "", **data: Any) -> Any:
    return client.post(
        reverse(LEADS) + query,
        {
            "action": action,
            "index": "0",
            "select_across": "0",
            "_selected_action": [str(lead.pk) for lead in leads],
            **data,
        },
        follow=True,
    )


def test_a_change_to_many_is_shown_first_then_done_and_undone(manager: Client) -> None:
    old, new = UserFactory(first_name="Old"), UserFactory(first_name="New")
    leads = [LeadFactory(owner=old), LeadFactory()]
    page = ask(manager, "assign", leads)
    words = page.content.decode()
    for expected in ("Assign to: 2 leads", "Old Rivera <b>1</b>", "Nobody <b>1</b>", "be undone"):
        assert expected in words
    assert not BulkChange.objects.exists()
    page = ask(manager, "assign", leads, owner=new.pk, confirmed="1")
    assert "Assign 2 leads to New Rivera: 2 of 2 leads changed" in unescape(told(page)[0])
    assert set(Lead.objects.values_list("owner", flat=True)) == {new.pk}
    change = BulkChange.objects.get()
    address = reverse("admin:leads_bulkchange_change", args=(change.pk,))
    assert "Undo…" in manager.get(address).content.decode()
    undo = reverse("admin:leads_bulk_undo", args=(change.pk,))
    assert "put back as they were" in manager.get(undo).content.decode()
    manager.post(undo)
    assert set(Lead.objects.values_list("owner", flat=True)) == {old.pk, None}


def test_all_that_a_filter_holds_can_be_changed(manager: Client) -> None:
    texan = [LeadFactory(state="TX") for _ in range(3)]
    other = LeadFactory(state="FL")
    across = {"select_across": "1"}
    page = ask(manager, "tag", texan[:1], "?state=TX", **across)
    assert "Add tags: 3 leads" in page.content.decode()
    ask(manager, "tag", texan[:1], "?state=TX", **across, tags="fair, vip,", confirmed="1")
    assert {tuple(lead.tags) for lead in Lead.objects.filter(state="TX")} == {("fair", "vip")}
    other.refresh_from_db()
    assert other.tags == []


def test_what_is_missing_is_asked_for_again(manager: Client) -> None:
    page = ask(manager, "tag", [LeadFactory()], tags=" , ", confirmed="1")
    assert "Write at least one tag." in page.content.decode()
    assert not BulkChange.objects.exists()


def test_do_not_call_for_many_says_that_it_stays(manager: Client) -> None:
    lead = LeadFactory()
    page = ask(manager, "do_not_call", [lead]).content.decode()
    assert "cannot be undone" in page
    assert "It can be undone" not in page
    ask(manager, "do_not_call", [lead], reason="moved away", confirmed="1")
    assert DoNotCall.objects.get(phone=lead.phone).reason == "moved away"


def test_many_are_enrolled_in_a_campaign(manager: Client) -> None:
    campaign = CampaignFactory()
    leads = [LeadFactory(), ConsentFactory().lead]
    page = ask(manager, "enrol", leads).content.decode()
    assert "No valid consent: not called until there is one <b>1</b>" in page
    ask(manager, "enrol", leads, campaign=campaign.pk, confirmed="1")
    assert {row.lead for row in Enrolment.objects.all()} == set(leads)


def test_leads_are_taken_out_as_a_file_and_the_audit_says_so(manager: Client) -> None:
    lead = LeadFactory(first_name="=cmd()", tags=["vip"], custom_fields={"Beds": "3"})
    page = ask(manager, "export", [lead])
    assert "keep the file safe" in page.content.decode()
    answer = ask(manager, "export", [lead], confirmed="1")
    rows = list(csv.DictReader(io.StringIO(b"".join(answer.streaming_content).decode())))
    assert [(row["phone"], row["first_name"], row["tags"]) for row in rows] == [
        (f"'{lead.phone}", "'=cmd()", "vip")
    ]
    entry = AuditEntry.objects.get(action="export")
    assert (entry.text, entry.actor_name) == ("Downloaded 1 leads.", "dana")


def test_leads_are_erased_for_good_and_one_on_a_call_stays(manager: Client) -> None:
    gone, busy = LeadFactory(first_name="Zebedee"), LeadFactory()
    CallFactory(lead=busy, live=True)
    page = ask(manager, "erase", [gone, busy]).content.decode()
    assert "cannot be undone by anybody" in page
    page = ask(manager, "erase", [gone, busy], confirmed="1").content.decode()
    assert "This field is required" in page, "the audit wants a reason"
    ask(manager, "erase", [gone, busy], confirmed="1", reason="request of 3 May")
    assert BulkChange.objects.get().changed == 1
    assert not Lead.objects.filter(first_name="Zebedee").exists()
    assert shown(manager) == {busy}
    assert AuditEntry.objects.get(action="erase").text == "Erased a lead: request of 3 May."


def test_a_long_change_shows_its_progress(manager: Client, monkeypatch: Any) -> None:
    monkeypatch.setattr("leads.admin.bulk.bulk_step", lambda **_: True)
    page = ask(manager, "tag", [LeadFactory()], tags="x", confirmed="1")
    change = BulkChange.objects.get()
    assert "You can leave this page" in page.content.decode()
    news = manager.get(reverse("admin:leads_bulk_progress", args=(change.pk,))).json()
    assert (news["state"], news["percent"], news["words"]) == ("running", 0, "0 of 1 leads")


def test_only_what_a_role_may_do_is_offered(client: Client) -> None:
    person = UserFactory()
    person.user_permissions.add(*Permission.objects.filter(codename__in=["view_lead"]))
    client.force_login(person)
    lead = LeadFactory(owner=person)
    other = UserFactory()
    ask(client, "assign", [lead], owner=other.pk, confirmed="1")
    ask(client, "export", [lead], confirmed="1")
    lead.refresh_from_db()
    assert lead.owner == person
    assert not AuditEntry.objects.exists()
    for name in ("note", "stage"):
        assert client.post(step(lead, name), {"text": "x", "stage": "lost"}).status_code == 403
    for name in ("task", "merge", "score", "do_not_call"):
        assert client.get(step(lead, name)).status_code == 403
    assert client.get(page_of(lead)).status_code == 200
