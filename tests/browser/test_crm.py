"""A manager asks whether a lead may be called, says who gets leads, and books on the calendar."""

from __future__ import annotations

import re
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import Page, expect

from leads.models import Appointment, AssignmentRule, BulkChange, Lead, SavedView
from tests import factories
from tests.factories import (
    AppointmentFactory,
    ConsentFactory,
    DoNotCallFactory,
    LeadFactory,
    TaskFactory,
    UserFactory,
    WorkingHoursFactory,
)

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def lead_page(lead: Lead) -> str:
    return reverse("admin:leads_lead_change", args=(lead.pk,))


def rep_at_work(name: str = "Ana") -> object:
    """Return somebody who works all day, every day, in the browser's zone."""
    rep = UserFactory(first_name=name, last_name="Rivera")
    for weekday in range(7):
        WorkingHoursFactory(
            rep=rep, weekday=weekday, starts=time(6), ends=time(22), time_zone="UTC"
        )
    return rep


def test_can_we_call_gives_every_rule_with_its_verdict(page: Page) -> None:
    lead = ConsentFactory().lead
    DoNotCallFactory(phone=lead.phone)
    page.goto(lead_page(lead))
    panel = page.get_by_role("region", name="Can we call?")
    expect(panel).to_contain_text("May not be called now")
    expect(panel).to_contain_text("do-not-call list")
    expect(panel.get_by_role("row").first).to_be_hidden()
    panel.get_by_text(re.compile(r"Every rule \(\d+\)")).click()
    expect(panel.get_by_role("row").filter(has_text="no").first).to_be_visible()
    page.get_by_role("link", name="Call now…").click()
    expect(page.get_by_text("No campaign is running")).to_be_visible()


def test_a_rule_sends_texas_to_ana_and_a_lead_says_why(page: Page) -> None:
    rep_at_work("Ben")
    rep_at_work("Ana")
    page.goto(reverse("admin:index"))
    page.get_by_role("link", name="Assignment").click()
    expect(page.get_by_text("So far everybody with working hours takes turns.")).to_be_visible()
    page.get_by_role("link", name="Add a rule").click()
    page.locator("#id_name").fill("Texas")
    page.locator("#id_states").fill("tx")
    page.get_by_label("Ana Rivera").check()
    page.get_by_role("button", name="Save", exact=True).click()
    rule = AssignmentRule.objects.get(name="Texas")
    assert rule.states == ["TX"]
    page.goto(reverse("admin:leads_assignmentrule_changelist"))
    page.get_by_label("US state").fill("FL")
    page.get_by_role("button", name="Try").click()
    expect(page.get_by_role("status")).to_contain_text("“Texas” is skipped: the state is FL.")
    page.goto(reverse("admin:leads_lead_add"))
    page.locator("#id_first_name").fill("Ruth")
    page.locator("#id_phone").fill("(512) 555-0177")
    page.locator("#id_state").fill("TX")
    page.get_by_role("button", name="Save", exact=True).click()
    page.goto(lead_page(Lead.objects.get()))
    expect(page.locator("#overview")).to_contain_text("by the rule “Texas”")


def test_a_free_time_is_clicked_and_booked_and_dragged_to_another(page: Page) -> None:
    rep = rep_at_work()
    lead = LeadFactory(first_name="Mia", last_name="Stone")
    zone = ZoneInfo(page.evaluate("Intl.DateTimeFormat().resolvedOptions().timeZone"))
    day = (timezone.now().astimezone(zone) + timedelta(days=2)).date()
    ten = datetime.combine(day, time(10), tzinfo=zone)
    page.goto(reverse("admin:leads_lead_changelist"))
    page.get_by_role("link", name="Calendar").click()
    page.goto(reverse("admin:leads_calendar") + f"?day={day}")
    page.get_by_role("link", name="10:00 book with Ana Rivera").click()
    page.get_by_label("Find the lead").fill("mia")
    page.get_by_role("button", name="Find").click()
    page.get_by_role("link", name="Choose").click()
    expect(page.locator("[name=starts_at]")).to_have_value(f"{day}T10:00")
    page.get_by_role("button", name="Book", exact=True).click()
    expect(page.get_by_text("Booked. Both sides get an invitation")).to_be_visible()
    meeting = Appointment.objects.get()
    assert (meeting.rep, meeting.lead, meeting.starts_at) == (rep, lead, ten)

    page.goto(reverse("admin:leads_calendar") + f"?day={day}")
    block = page.locator(".meeting")
    block.scroll_into_view_if_needed()
    box = block.bounding_box()
    assert box is not None
    # Two hours down: the grid is as high as its minutes are many.
    minute = page.locator(".calendar-column").first.evaluate(
        "e => e.getBoundingClientRect().height / "
        "Number(e.parentElement.style.getPropertyValue('--minutes'))"
    )
    x, y = box["x"] + box["width"] / 2, box["y"] + 6
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x, y + 60 * minute, steps=5)
    page.mouse.move(x, y + 120 * minute, steps=5)
    page.mouse.up()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("12:00")
    dialog.get_by_role("button", name="Move").click()
    expect(page.get_by_text("Moved. Both sides are told")).to_be_visible()
    meeting.refresh_from_db()
    assert (meeting.starts_at, meeting.sequence) == (ten + timedelta(hours=2), 1)


def test_a_drag_onto_another_meeting_is_refused_and_leaves_it_where_it_was(page: Page) -> None:
    rep = rep_at_work()
    day = (timezone.now() + timedelta(days=2)).replace(minute=0, second=0, microsecond=0)
    first, second = (
        AppointmentFactory(
            rep=rep, lead=LeadFactory(first_name=name, last_name="Stone"),
            starts_at=day.replace(hour=hour), ends_at=day.replace(hour=hour, minute=30),
        )
        for name, hour in (("Mia", 9), ("Tom", 11))
    )  # fmt: skip
    page.goto(reverse("admin:leads_calendar") + f"?day={day:%Y-%m-%d}")
    block, other = (
        page.locator(f'[data-lead="{first.lead}"]'),
        page.locator(f'[data-lead="{second.lead}"]'),
    )
    block.scroll_into_view_if_needed()
    a, b = block.bounding_box(), other.bounding_box()
    assert a is not None
    assert b is not None
    page.mouse.move(a["x"] + 20, a["y"] + 6)
    page.mouse.down()
    page.mouse.move(a["x"] + 20, b["y"] + 3, steps=8)
    page.mouse.move(a["x"] + 20, b["y"] + 6, steps=2)
    page.mouse.up()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("button", name="Move").click()
    expect(dialog.get_by_role("alert")).to_contain_text("has another appointment then")
    dialog.get_by_role("button", name="Leave it").click()
    expect(dialog).to_be_hidden()
    back = block.bounding_box()
    assert back is not None
    assert abs(back["y"] - a["y"]) < 2
    first.refresh_from_db()
    assert first.sequence == 0


def test_a_view_is_kept_and_many_leads_changed_and_put_back(page: Page) -> None:
    for n in range(3):
        LeadFactory(first_name=f"Ann{n}", source="fair")
    LeadFactory(first_name="Zoe", source="website")
    page.goto(reverse("admin:leads_lead_changelist") + "?source=fair")
    page.get_by_role("link", name="Keep this view…").click()
    page.get_by_label("Name", exact=True).fill("From the fair")
    page.get_by_label("Tags").check()
    page.get_by_role("button", name="Keep the view").click()
    expect(page.get_by_role("link", name="From the fair", exact=True)).to_have_attribute(
        "aria-current", "page"
    )
    expect(page.locator("#result_list tbody")).to_have_count(3)
    assert SavedView.objects.get().query == "source=fair"
    page.locator("#action-toggle").check()
    page.locator("select[name=action]").select_option(label="Add tags…")
    page.get_by_role("button", name="Run").click()
    expect(page.get_by_role("heading", name="Add tags: 3 leads")).to_be_visible()
    page.get_by_label("Tags, with commas between").fill("vip")
    page.get_by_role("button", name="Add tags").click()
    page.get_by_role("link", name="See or undo it").click()
    page.get_by_role("link", name="Undo…").click()
    page.get_by_role("button", name="Undo", exact=True).click()
    expect(page.get_by_text("Put back")).to_be_visible()
    assert BulkChange.objects.get().restored == 3


def test_a_task_is_ticked_off_where_it_stands(page: Page) -> None:
    manager = factories.get_user_model().objects.get(first_name="Dana")
    TaskFactory(title="Send contract", owner=manager, due_at=timezone.now() - timedelta(hours=1))
    page.goto(reverse("admin:index"))
    expect(page.get_by_text("Send contract")).to_be_visible()
    page.get_by_role("link", name="task_alt Tasks").click()
    page.get_by_role("button", name="Done: Send contract").click()
    expect(page.get_by_text("Nothing to do for you.")).to_be_visible()


def test_older_entries_are_added_below_without_leaving_the_page(page: Page) -> None:
    lead = LeadFactory()
    for n in range(90):
        factories.TimelineEntryFactory(lead=lead, text=f"Note number {n}.")
    page.goto(lead_page(lead) + "#timeline")
    story = page.locator("#timeline .story")
    expect(story.locator("li.kind-note")).to_have_count(40)
    story.get_by_text("Show older").click()
    expect(story.locator("li.kind-note")).to_have_count(80)
    story.get_by_text("Show older").click()
    expect(story.locator("li.kind-note")).to_have_count(90)
    expect(story.get_by_text("Show older")).to_have_count(0)
