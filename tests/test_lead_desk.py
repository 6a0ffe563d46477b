"""What is seen and done on the page of a lead."""

from __future__ import annotations

import re
from datetime import timedelta
from html import unescape

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from calls.models import Enrolment
from leads.admin import reads
from leads.models import (
    Lead,
    Mention,
    TimelineEntry,
)
from tests import factories
from tests.desk import filled, page_of, step, told
from tests.factories import (
    AppointmentFactory,
    CallFactory,
    CampaignFactory,
    EnrolmentFactory,
    LeadFactory,
    LeadScoreFactory,
    TaskFactory,
    TimelineEntryFactory,
    UserFactory,
    WorkingHoursFactory,
)

pytestmark = pytest.mark.django_db


def test_what_a_person_changes_in_the_form_is_told(manager: Client) -> None:
    owner = UserFactory(first_name="Ana")
    lead = LeadFactory(city="Austin", tags=["vip"], custom_fields={"Beds": "3"})
    data = filled(manager, lead) | {
        "city": "Dallas", "tags": "vip, pool", "custom_fields": "Beds: 4\nPool: yes",
        "owner": owner.pk, "phone": "(212) 555-0123", "state": "ny",
        "postal_code": "10001",
    }  # fmt: skip
    assert manager.post(page_of(lead), data).status_code == 302
    lead.refresh_from_db()
    assert (lead.city, lead.tags, lead.owner) == ("Dallas", ["vip", "pool"], owner)
    assert lead.custom_fields == {"Beds": "4", "Pool": "yes"}
    assert (lead.raw_phone, lead.state) == ("(212) 555-0123", "NY")
    assert lead.time_zones == ["America/New_York"]
    kinds = {entry.kind for entry in lead.timeline.all()}
    assert kinds == {"edit", "assignment"}
    # Saving it again changes and tells nothing.
    manager.post(page_of(lead), filled(manager, lead))
    assert lead.timeline.count() == 2


@pytest.mark.parametrize(
    ("field", "value", "problem"),
    [
        ("phone", "12", "Enter a valid phone number"),
        ("phone", "(512) 555-0100 ext. 5", "an extension"),
        ("state", "ZZ", "is not a US state"),
        ("custom_fields", "three bedrooms", "Write one field a line"),
        ("email", "nobody", "valid email"),
    ],
)
def test_a_wrong_entry_is_told_at_its_field(
    manager: Client, field: str, value: str, problem: str
) -> None:
    lead = LeadFactory()
    answer = manager.post(page_of(lead), filled(manager, lead) | {field: value})
    assert problem in unescape(answer.content.decode())
    assert not lead.timeline.exists()


def test_the_stage_is_moved_with_a_reason_and_refused_in_words(manager: Client) -> None:
    lead = LeadFactory(stage="qualified")
    answer = manager.post(step(lead, "stage"), {"stage": "lost", "reason": ""}, follow=True)
    assert told(answer) == ["Say why: whoever looks at this lead next will ask."]
    manager.post(step(lead, "stage"), {"stage": "lost", "reason": "sold elsewhere"})
    lead.refresh_from_db()
    assert lead.stage == "lost"
    assert lead.timeline.get().text.endswith("to Lost: sold elsewhere")
    assert manager.post(step(lead, "stage"), {"stage": "nonsense"}).status_code == 404


def test_a_note_names_a_colleague_who_sees_it_on_the_dashboard(manager: Client) -> None:
    lead = LeadFactory(first_name="Mia", last_name="Stone")
    ana = factories.ManagerFactory(username="ana")
    answer = manager.post(step(lead, "note"), {"text": "@ana please call"}, follow=True)
    assert told(answer) == ["Noted. 1 person is told."]
    other = Client()
    other.force_login(ana)
    assert "please call" in other.get(reverse("admin:index")).content.decode()
    other.get(page_of(lead))
    assert Mention.objects.get().seen_at is not None
    assert "please call" not in other.get(reverse("admin:index")).content.decode()


def test_the_score_is_set_by_hand_and_lifted(manager: Client) -> None:
    lead = LeadFactory(score=40)
    LeadScoreFactory(lead=lead, value=40)
    answer = manager.post(step(lead, "score"), {"do": "set", "value": "x"}, follow=True)
    assert told(answer) == ["Write a number from 0 to 100."]
    manager.post(step(lead, "score"), {"do": "set", "value": "95", "reason": "my sister"})
    page = manager.get(page_of(lead)).content.decode()
    assert "95, set by Dana" in page
    assert "my sister" in page
    manager.post(step(lead, "score"), {"do": "lift"})
    lead.refresh_from_db()
    assert lead.score == 40


def test_the_other_half_of_a_duplicate_is_found_from_the_page(manager: Client) -> None:
    lead = LeadFactory(email="ann@example.com", first_name="Ann", last_name="Lee", street="1 Oak")
    same = LeadFactory(email="Ann@Example.com", first_name="Anna")
    named = LeadFactory(last_name="LEE", street="1 oak")
    far = LeadFactory(first_name="Zoe", last_name="Zimmer")
    page = manager.get(step(lead, "merge"), {"q": "zimmer"})
    assert {(row.lead, row.why) for row in page.context["alike"]} == {
        (same, "the same e-mail"), (named, "the same name and street")
    }  # fmt: skip
    assert list(page.context["found"]) == [far]
    assert reverse("admin:leads_merge", args=(lead.pk, far.pk)) in page.content.decode()


def test_the_page_says_who_got_the_lead_and_why(manager: Client) -> None:
    ana = UserFactory(first_name="Ana")
    WorkingHoursFactory(rep=ana)
    manager.post(
        reverse("admin:leads_lead_add"),
        {"first_name": "Ruth", "phone": "(512) 555-0177", "kind": "seller", "tags": "",
         "custom_fields": ""},
    )  # fmt: skip
    lead = Lead.objects.get()
    page = manager.get(page_of(lead)).content.decode()
    assert "Assigned to Ana Rivera by the rule “Everybody in turn”." in page


def test_a_long_timeline_is_read_page_by_page_and_none_is_lost(manager: Client) -> None:
    lead = LeadFactory()
    now = timezone.now()
    # Many at the same moment, as an import or a bulk change writes them.
    TimelineEntry.objects.bulk_create(
        TimelineEntry(
            lead=lead,
            kind="note" if n % 3 else "call",
            text=f"Entry {n}",
            at=now - timedelta(minutes=n // 25),
        )
        for n in range(reads.PAGE * 2 + 7)
    )

    def walk(kind: str) -> list[str]:
        texts: list[str] = []
        page = reads.timeline_page(lead, kind=kind)
        while True:
            texts += [entry.text for entry in page.entries]
            if not page.older:
                return texts
            with CaptureQueriesContext(connection) as queries:
                answer = manager.get(f"{step(lead, 'timeline')}?{page.older}")
            assert len(queries) <= 6
            page = answer.context["timeline"]

    everything = walk("")
    assert len(everything) == len(set(everything)) == reads.PAGE * 2 + 7
    assert set(walk("notes")) == {t for t in everything if int(t.split()[1]) % 3}
    assert reads.timeline_page(lead, kind="nonsense", before="nonsense").entries


def test_the_page_takes_as_many_queries_with_a_long_story(manager: Client) -> None:
    lead = LeadFactory()
    counts = []
    for more in (2, 10):
        for _ in range(more):
            CallFactory(ended=True, lead=lead)
            TimelineEntryFactory(lead=lead, actor=UserFactory())
            AppointmentFactory(lead=lead)
            EnrolmentFactory(lead=lead)
            TaskFactory(lead=lead)
            LeadScoreFactory(lead=lead)
            lead.overrides.create(value=1, reason="x", actor=UserFactory(), set_at=timezone.now())
        manager.get(page_of(lead))
        with CaptureQueriesContext(connection) as queries:
            manager.get(page_of(lead))
        counts.append(len(queries))
    assert counts[0] == counts[1]


def test_calling_now_shows_the_verdict_and_the_price_first(manager: Client) -> None:
    lead = LeadFactory()
    address = reverse("admin:calls_call_now", args=(lead.pk,))
    assert "No campaign is running" in manager.get(address).content.decode()
    campaign = CampaignFactory(running=True)
    page = manager.get(address).content.decode()
    assert "May not be called now" in page
    assert "no written consent" in page
    assert re.search(r"Price: about \$0\.\d+", page)
    assert not Enrolment.objects.exists()
    EnrolmentFactory(campaign=campaign)
    answer = manager.post(address, {"campaign": campaign.pk}, follow=True)
    assert "is called next by" in told(answer)[0]
    first = campaign.enrolments.order_by("-priority", "due_at").first()
    assert first is not None
    assert first.lead == lead
    campaign.enrolments.filter(lead=lead).update(state="claimed", claimed_at=timezone.now())
    answer = manager.post(address, {"campaign": campaign.pk}, follow=True)
    assert told(answer) == ["The lead is being called right now."]
