"""A manager finds two leads that are one person, merges them, and takes it back."""

from __future__ import annotations

import pytest
from django.urls import reverse
from playwright.sync_api import Page, expect

from leads.models import Lead
from tests.factories import CallFactory, DoNotCallFactory, LeadFactory

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def test_two_leads_become_one_and_two_again(page: Page) -> None:
    first = LeadFactory(email="ann@example.com", first_name="Ann", last_name="Lee")
    LeadFactory(email="Ann@example.com", first_name="Anna", last_name="Lee", city="Dallas")
    CallFactory(lead=first, ended=True)
    DoNotCallFactory(phone=first.phone)
    page.goto(reverse("admin:index"))
    page.get_by_role("link", name="Duplicates").click()
    page.get_by_role("link", name="Compare and merge").click()
    expect(page.get_by_text("on the list")).to_be_visible()
    page.get_by_label("Keep this one").nth(1).check()
    page.get_by_role("button", name="Merge").click()
    expect(page.get_by_text("Ann Lee is part of Anna Lee now.")).to_be_visible()
    assert Lead.objects.count() == 1
    page.get_by_role("link", name="Duplicates").click()
    page.get_by_role("link", name="Undo…").click()
    page.get_by_role("button", name="Undo the merge").click()
    expect(page.get_by_text("Ann Lee is a lead of its own again.")).to_be_visible()
    assert Lead.objects.count() == 2
