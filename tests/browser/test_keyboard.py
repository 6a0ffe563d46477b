"""What is done with a mouse can be done without one."""

from __future__ import annotations

from datetime import time, timedelta
from pathlib import Path

import pytest
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import Page, expect

from leads.models import Appointment, ImportBatch
from tests.factories import AppointmentFactory, LeadFactory, UserFactory, WorkingHoursFactory

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def test_a_file_is_uploaded_and_checked_with_the_keyboard(page: Page, tmp_path: Path) -> None:
    file = tmp_path / "leads.csv"
    file.write_text("phone,name\n5122000001,Ann Lee\n")
    page.goto(reverse("admin:leads_importbatch_add"))
    page.set_input_files("input[type=file]", str(file))
    page.get_by_label("File").focus()
    page.keyboard.press("Tab")
    expect(page.get_by_label("Source")).to_be_focused()
    page.keyboard.type("Fair")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="What is in the columns")).to_be_visible()
    page.get_by_label("phone", exact=True).focus()
    page.keyboard.press("Tab")
    expect(page.get_by_label("name", exact=True)).to_be_focused()
    page.keyboard.press("Tab")  # the choice of what happens to leads that are there
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Check the file")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("progressbar")).to_be_visible(timeout=15_000)
    assert ImportBatch.objects.get().on_existing == "overwrite"


def test_a_meeting_is_moved_with_the_keyboard(page: Page) -> None:
    rep = UserFactory(first_name="Ana")
    for weekday in range(7):
        WorkingHoursFactory(rep=rep, weekday=weekday, starts=time(0), ends=time(23, 30),
                            time_zone="UTC")  # fmt: skip
    day = (timezone.now() + timedelta(days=2)).replace(hour=9, minute=0, second=0, microsecond=0)
    meeting = AppointmentFactory(
        rep=rep, lead=LeadFactory(), starts_at=day, ends_at=day + timedelta(minutes=30)
    )
    page.goto(reverse("admin:leads_calendar") + f"?day={day:%Y-%m-%d}")
    page.get_by_role("link", name=str(meeting.lead)).focus()
    page.keyboard.press("Enter")
    page.get_by_role("link", name="Move…").focus()
    page.keyboard.press("Enter")
    page.locator("[name=starts_at]").fill(f"{day + timedelta(hours=3):%Y-%m-%dT%H:%M}")
    page.get_by_role("button", name="Move", exact=True).focus()
    page.keyboard.press("Enter")
    expect(page.get_by_text("Moved.")).to_be_visible()
    assert Appointment.objects.get().sequence == 1
