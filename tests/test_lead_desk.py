"""Leads at the desk: the list and its views, many at once, and what is done from a lead's page."""

from __future__ import annotations

import csv
import io
import re
from datetime import timedelta
from html import unescape
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from calls.models import Enrolment
from leads.admin import reads
from leads.models import (
    AssignmentRule,
    AuditEntry,
    BulkChange,
    DoNotCall,
    Lead,
    Mention,
    SavedView,
    Task,
    TimelineEntry,
)
from tests import factories
from tests.factories import (
    AppointmentFactory,
    CallFactory,
    CampaignFactory,
    ConsentFactory,
    EnrolmentFactory,
    LeadFactory,
    LeadScoreFactory,
    TaskFactory,
    TimelineEntryFactory,
    UserFactory,
    WorkingHoursFactory,
)

pytestmark = pytest.mark.django_db
LIST = "admin:leads_lead_changelist"


@pytest.fixture
def manager(client: Client) -> Client:
    client.force_login(factories.ManagerFactory(username="dana", first_name="Dana"))
    return client


def page_of(lead: Lead) -> str:
    return reverse("admin:leads_lead_change", args=(lead.pk,))


def step(lead: Lead, name: str) -> str:
    return reverse(f"admin:leads_lead_{name}", args=(lead.pk,))


def shown(client: Client, **parameters: Any) -> set[Lead]:
    return set(client.get(reverse(LIST), parameters).context["cl"].result_list)


def told(answer: Any) -> list[str]:
    return [str(message) for message in answer.context["messages"]]


def filled(client: Client, lead: Lead) -> dict[str, Any]:
    form = client.get(page_of(lead)).context["adminform"].form
    return {name: form[name].value() or "" for name in form.fields}


# The list


def test_leads_are_narrowed_by_what_they_are(manager: Client) -> None:
    owner = UserFactory()
    hot = LeadFactory(score=80, state="TX", source="fair", tags=["vip", "é"], owner=owner)
    cold = LeadFactory(score=10, state="FL", source="website", tags=[])
    unscored = LeadFactory(kind=Lead.Kind.BUYER, stage="won")
    assert shown(manager, temperature="hot") == {hot}
    assert shown(manager, temperature="cold") == {cold, unscored}
    assert shown(manager, state="FL") == {cold}
    assert shown(manager, source="fair") == {hot}
    assert shown(manager, tag="vip") == shown(manager, tag="é") == {hot}
    assert shown(manager, tag="vi") == set()
    assert shown(manager, kind__exact="buyer") == {unscored}
    assert shown(manager, stage__exact="won") == {unscored}
    assert shown(manager, owner="nobody") == {cold, unscored}
    assert shown(manager, owner=owner.pk) == {hot}
    assert shown(manager, q="(512) " + str(hot.phone)[5:]) == {hot}


def test_those_with_the_highest_score_come_first_and_those_without_last(manager: Client) -> None:
    middle, none, top = LeadFactory(score=40), LeadFactory(), LeadFactory(score=90)
    order = list(manager.get(reverse(LIST), {"o": "4"}).context["cl"].result_list)
    assert order == [top, middle, none]


def test_the_list_shows_the_columns_that_are_asked_for(manager: Client) -> None:
    lead = AppointmentFactory().lead
    CallFactory(lead=lead, ended=True)
    TaskFactory(lead=lead)
    names = "name,next_meeting,next_task,last_call,email,nonsense"
    answer = manager.get(reverse(LIST), {"columns": names})
    columns = answer.context["cl"].list_display
    assert columns[1:] == ["name", "last_call", "next_meeting", "next_task", "email"]
    row = answer.context["cl"].result_list[0]
    assert row.next_meeting_at == lead.appointments.get().starts_at
    assert row.next_task_at == lead.tasks.get().due_at
    assert row.last_call_at is not None


def test_the_list_takes_as_many_queries_with_many_leads(manager: Client) -> None:
    counts = []
    for more in (2, 20):
        for _ in range(more):
            lead = LeadFactory(owner=UserFactory(), source=f"fair {more}")
            CallFactory(lead=lead, ended=True)
            TaskFactory(lead=lead)
        with CaptureQueriesContext(connection) as queries:
            manager.get(reverse(LIST), {"columns": "name,owner_name,last_call,next_task"})
        counts.append(len(queries))
    assert counts[0] == counts[1]


def test_a_view_is_kept_shared_changed_and_forgotten(manager: Client, client: Client) -> None:
    texan = LeadFactory(state="TX")
    LeadFactory(state="FL")
    save = reverse("admin:leads_view_save")
    assert "state=TX" in manager.get(save, {"state": "TX", "p": "3"}).content.decode()
    data = {"name": "Texas", "columns": ["number", "email"], "query": "state=TX&p=3&view=x"}
    page = manager.post(save, data, follow=True)
    assert told(page) == ["The view “Texas” is kept."]
    assert set(page.context["cl"].result_list) == {texan}
    assert page.context["cl"].list_display[1:] == ["name", "number", "email"]
    view = SavedView.objects.get()
    assert (view.query, view.shared) == ("state=TX", False)
    assert "You have a view" in manager.post(save, data).content.decode()

    edit = reverse("admin:leads_view_edit", args=(view.pk,))
    manager.post(edit, {"name": "Lone Star", "shared": "on", "columns": ["number"]})
    other = Client()
    other.force_login(factories.ManagerFactory())
    links = other.get(reverse(LIST)).context["views"]
    (link,) = [link for link in links if link.name == "Lone Star"]
    assert set(other.get(reverse(LIST) + "?" + link.query).context["cl"].result_list) == {texan}
    assert link.by
    assert other.get(edit).status_code == 404, "others see it and do not change it"

    forget = reverse("admin:leads_view_delete", args=(view.pk,))
    assert "Everybody else loses it" in manager.get(forget).content.decode()
    manager.post(forget)
    assert not SavedView.objects.exists()


def test_ready_views_are_there_from_the_start(manager: Client) -> None:
    mine = LeadFactory(owner_id=manager.session["_auth_user_id"])
    LeadFactory()
    (link,) = [x for x in manager.get(reverse(LIST)).context["views"] if x.name == "Mine"]
    answer = manager.get(reverse(LIST) + "?" + link.query)
    assert list(answer.context["cl"].result_list) == [mine]
    assert [x.name for x in answer.context["views"] if x.current] == ["Mine"]


# Many at once


def ask(client: Client, action: str, leads: list[Lead], query: str = "", **data: Any) -> Any:
    return client.post(
        reverse(LIST) + query,
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


# One lead


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


def test_a_task_is_given_from_the_page_and_ticked_off(manager: Client) -> None:
    lead = LeadFactory()
    ana = UserFactory(first_name="Ana")
    manager.cookies["viewer_zone"] = "America/Chicago"
    page = manager.get(step(lead, "task"), {"kind": "callback"})
    assert page.context["form"]["kind"].value() == "callback"
    data = {
        "kind": "callback", "title": "Ring back", "due_at": "2026-12-01T15:00",
        "owner": ana.pk, "remind": "60",
    }  # fmt: skip
    manager.post(step(lead, "task"), data)
    task = Task.objects.get()
    assert task.due_at.isoformat() == "2026-12-01T21:00:00+00:00"
    assert task.remind_at == task.due_at - timedelta(hours=1)
    assert "Ring back" in manager.get(page_of(lead)).content.decode()
    done = reverse("admin:leads_task_done", args=(task.pk,))
    assert manager.get(done).status_code == 405
    answer = manager.post(done + "?next=" + page_of(lead))
    assert answer["Location"] == page_of(lead)
    assert manager.post(done + "?next=https://evil.example/")["Location"].startswith("/admin/")
    task.refresh_from_db()
    assert task.done_at is not None


def test_the_page_of_tasks_has_them_by_when_they_are_due(manager: Client) -> None:
    me = manager.session["_auth_user_id"]
    now = timezone.now()
    for title, due in (("Late", -1), ("Soon", 30), ("Then", 24 * 20)):
        TaskFactory(title=title, owner_id=me, due_at=now + timedelta(hours=due))
    TaskFactory(title="Theirs", due_at=now - timedelta(hours=1))
    address = reverse("admin:leads_task_changelist")
    groups = {group.key: group.tasks for group in manager.get(address).context["groups"]}
    assert {key: [task.title for task in tasks] for key, tasks in groups.items()} == {
        "overdue": ["Late"], "today": [], "week": ["Soon"], "later": ["Then"]
    }  # fmt: skip
    everybody = manager.get(address, {"who": "all"}).content.decode()
    assert "Theirs" in everybody
    late = Task.objects.get(title="Late")
    manager.post(reverse("admin:leads_task_tomorrow", args=(late.pk,)))
    late.refresh_from_db()
    assert now < late.due_at <= now + timedelta(days=1)


def test_a_task_is_changed_and_opened_again(manager: Client) -> None:
    task = TaskFactory()
    ben = UserFactory()
    address = reverse("admin:leads_task_change", args=(task.pk,))
    data = {"title": "Send it", "due_at": "2026-12-01T15:00", "owner": ben.pk, "remind": ""}
    manager.post(address, data)
    task.refresh_from_db()
    assert (task.title, task.owner, task.remind_at) == ("Send it", ben, None)
    manager.post(reverse("admin:leads_task_done", args=(task.pk,)))
    assert "Not done after all" in manager.get(address).content.decode()
    manager.post(reverse("admin:leads_task_reopen", args=(task.pk,)))
    task.refresh_from_db()
    assert task.done_at is None


def test_overdue_tasks_stand_on_the_dashboard(manager: Client) -> None:
    me = manager.session["_auth_user_id"]
    TaskFactory(title="Send contract", owner_id=me, due_at=timezone.now() - timedelta(hours=1))
    TaskFactory(title="Not mine", due_at=timezone.now() - timedelta(hours=1))
    page = manager.get(reverse("admin:index")).content.decode()
    assert "Send contract" in page
    assert "2 overdue tasks" in page


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


# Calling


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


# Assignment rules


def rules(client: Client) -> list[str]:
    page = client.get(reverse("admin:leads_assignmentrule_changelist"))
    return [item.row.name for item in page.context["rows"]]


def test_rules_are_made_ordered_and_tried(manager: Client) -> None:
    ana = UserFactory(first_name="Ana")
    WorkingHoursFactory(rep=ana)
    add = reverse("admin:leads_assignmentrule_add")
    for name, states in (("Texas", "tx"), ("Florida", "FL")):
        data = {"name": name, "active": "on", "states": states, "cities": "Austin, Miami",
                "reps": [ana.pk]}  # fmt: skip
        assert manager.post(add, data).status_code == 302
    assert rules(manager) == ["Texas", "Florida", "Everybody in turn"]
    florida = AssignmentRule.objects.get(name="Florida")
    assert (florida.states, florida.cities) == (["FL"], ["Austin", "Miami"])
    manager.post(reverse("admin:leads_assignmentrule_move", args=(florida.pk,)), {"to": "up"})
    assert rules(manager) == ["Florida", "Texas", "Everybody in turn"]
    page = manager.get(
        reverse("admin:leads_assignmentrule_changelist"),
        {"kind": "seller", "state": "TX", "city": "austin"},
    ).content.decode()
    assert "Ana Rivera, by “Texas”" in page
    assert "“Florida” is skipped: the state is TX." in page
    assert AssignmentRule.objects.get(name="Texas").turn == 0, "only tried"


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        ({"states": "Texas"}, "Not a US state: TEXAS"),
        ({"postal_prefixes": "78x"}, "One to five digits each"),
        ({"score_from": "80", "score_to": "20"}, "must not end below"),
        ({"name": ""}, "This field is required"),
    ],
)
def test_a_rule_that_makes_no_sense_is_refused_in_words(
    manager: Client, data: dict[str, str], problem: str
) -> None:
    add = reverse("admin:leads_assignmentrule_add")
    page = manager.post(add, {"name": "Rule", "active": "on"} | data).content.decode()
    assert problem in unescape(page)


def test_the_default_rule_cannot_be_removed_moved_or_narrowed(manager: Client) -> None:
    rules(manager)
    rule = AssignmentRule.objects.get(is_default=True)
    change = reverse("admin:leads_assignmentrule_change", args=(rule.pk,))
    assert "states" not in manager.get(change).context["adminform"].form.fields
    assert manager.post(change, {"name": "All", "states": "TX"}).status_code == 302
    rule.refresh_from_db()
    assert (rule.name, rule.states, rule.active) == ("All", [], True)
    delete = reverse("admin:leads_assignmentrule_delete", args=(rule.pk,))
    assert manager.post(delete, {"post": "yes"}).status_code == 403
    move = reverse("admin:leads_assignmentrule_move", args=(rule.pk,))
    assert manager.post(move, {"to": "up"}).status_code == 404
