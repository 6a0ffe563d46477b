"""Duplicates at the desk: found, compared, merged, and taken apart again."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from leads.models import Lead, LeadMerge
from tests.factories import CallFactory, LeadFactory, ManagerFactory, UserFactory

pytestmark = pytest.mark.django_db

DUPLICATES = "admin:leads_leadmerge_changelist"


def test_a_manager_compares_merges_and_undoes(client: Client) -> None:
    client.force_login(ManagerFactory())
    first = LeadFactory(email="ann@example.com", first_name="Ann", last_name="Lee")
    second = LeadFactory(email="Ann@example.com", first_name="Anna", last_name="Lee")
    CallFactory(lead=first, ended=True)
    compare = reverse("admin:leads_merge", args=(first.pk, second.pk))
    assert compare in client.get(reverse(DUPLICATES)).content.decode()
    shown = client.get(compare).content.decode()
    assert "Anna Lee" in shown
    assert '<th scope="row">Calls<' in shown
    answer = client.post(compare, {"keep": "2"})
    assert answer.url == reverse("admin:leads_lead_change", args=(second.pk,))
    assert Lead.objects.get() == second
    assert client.get(compare).status_code == 404
    merge = LeadMerge.objects.get()
    undo = reverse("admin:leads_merge_undo", args=(merge.pk,))
    assert undo in client.get(reverse(DUPLICATES)).content.decode()
    assert "a lead of its own again?" in client.get(undo).content.decode()
    client.post(undo)
    assert Lead.objects.count() == 2
    assert client.post(undo, follow=True).status_code == 200
    assert "was undone before" in client.post(undo, follow=True).content.decode()


def test_a_refusal_is_shown_on_the_page_of_both(client: Client) -> None:
    client.force_login(ManagerFactory())
    first, second = LeadFactory(), LeadFactory()
    CallFactory(lead=second, live=True)
    answer = client.post(reverse("admin:leads_merge", args=(first.pk, second.pk)), {"keep": "1"})
    assert "on a call" in answer.content.decode()


def test_who_may_not_merge_is_refused(client: Client) -> None:
    client.force_login(UserFactory(is_staff=True))
    first, second = LeadFactory(), LeadFactory()
    assert client.get(reverse(DUPLICATES)).status_code == 403
    compare = reverse("admin:leads_merge", args=(first.pk, second.pk))
    assert client.post(compare, {"keep": "1"}).status_code == 403
