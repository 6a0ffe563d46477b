"""The list of leads at the desk, its columns and its views."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from leads.models import (
    Lead,
    SavedView,
)
from tests import factories
from tests.desk import LEADS, shown, told
from tests.factories import (
    AppointmentFactory,
    CallFactory,
    LeadFactory,
    TaskFactory,
    UserFactory,
)

pytestmark = pytest.mark.django_db


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
    order = list(manager.get(reverse(LEADS), {"o": "4"}).context["cl"].result_list)
    assert order == [top, middle, none]


def test_the_list_shows_the_columns_that_are_asked_for(manager: Client) -> None:
    lead = AppointmentFactory().lead
    CallFactory(lead=lead, ended=True)
    TaskFactory(lead=lead)
    names = "name,next_meeting,next_task,last_call,email,nonsense"
    answer = manager.get(reverse(LEADS), {"columns": names})
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
            manager.get(reverse(LEADS), {"columns": "name,owner_name,last_call,next_task"})
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
    links = other.get(reverse(LEADS)).context["views"]
    (link,) = [link for link in links if link.name == "Lone Star"]
    assert set(other.get(reverse(LEADS) + "?" + link.query).context["cl"].result_list) == {texan}
    assert link.by
    assert other.get(edit).status_code == 404, "others see it and do not change it"

    forget = reverse("admin:leads_view_delete", args=(view.pk,))
    assert "Everybody else loses it" in manager.get(forget).content.decode()
    manager.post(forget)
    assert not SavedView.objects.exists()


def test_ready_views_are_there_from_the_start(manager: Client) -> None:
    mine = LeadFactory(owner_id=manager.session["_auth_user_id"])
    LeadFactory()
    (link,) = [x for x in manager.get(reverse(LEADS)).context["views"] if x.name == "Mine"]
    answer = manager.get(reverse(LEADS) + "?" + link.query)
    assert list(answer.context["cl"].result_list) == [mine]
    assert [x.name for x in answer.context["views"] if x.current] == ["Mine"]


def test_only_a_list_that_leaves_something_out_offers_to_show_all(manager: Client) -> None:
    LeadFactory(first_name="Ann")
    LeadFactory(first_name="Bo")
    assert "Show all" not in manager.get(reverse(LEADS)).content.decode()
    assert "1 result " in manager.get(reverse(LEADS), {"q": "ann"}).content.decode()
