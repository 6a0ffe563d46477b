"""A manager takes a file through the three steps, and takes it back."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import Page, expect

from calls.services.outbox import outbox_run_due
from leads.models import Lead
from tests.factories import DoNotCallFactory, LeadFactory

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def test_a_file_goes_through_three_steps_and_back(page: Page, tmp_path: Path) -> None:
    LeadFactory(phone="+15122000005", email="")
    DoNotCallFactory(phone="+15122000007")
    rows = "".join(f"512200{n:04},Ann Lee{n},a{n}@example.com,TX\n" for n in range(1, 40))
    file = tmp_path / "May open house.csv"
    file.write_text(f"Cell,Name,Email,State\n{rows}12,Bo,,\n")
    page.goto(reverse("admin:index"))
    page.get_by_role("link", name="Imports").click()
    page.goto(reverse("admin:leads_importbatch_add"))
    page.set_input_files("input[type=file]", str(file))
    page.get_by_label("Source").fill("Open house")
    page.get_by_role("button", name="Upload").click()
    expect(page.get_by_label("Cell")).to_have_value("phone")
    page.get_by_role("button", name="Check the file").click()
    expect(page.get_by_role("progressbar")).to_be_visible()
    outbox_run_due(timezone.now())
    commit = page.get_by_role("button", name="Commit: 38 new, 1 updated")
    expect(commit).to_be_visible()
    expect(page.get_by_text("it has too few digits")).to_be_visible()
    commit.click()
    expect(page.get_by_role("progressbar")).to_be_visible()
    outbox_run_due(timezone.now())
    expect(page.get_by_role("link", name="See the leads")).to_be_visible()
    assert Lead.objects.count() == 39
    page.get_by_role("link", name=re.compile("Undo the import")).click()
    page.get_by_role("button", name="Undo the import").click()
    expect(page.get_by_role("progressbar")).to_be_visible()
    outbox_run_due(timezone.now())
    expect(page.get_by_text("is undone")).to_be_visible()
    assert Lead.objects.count() == 1
