"""What moves by itself on the dashboard, on live calls and on the page of a lead."""

from __future__ import annotations

import pytest
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import Page, expect

from calls.models import Call, KillSwitch
from tests import factories

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def test_live_calls_come_and_go_by_themselves(page: Page) -> None:
    page.goto(reverse("admin:calls_live"))
    expect(page.locator("#live-none")).to_be_visible()
    call = factories.CallFactory(live=True)
    factories.TurnFactory(call=call, text="Good morning!")
    expect(page.locator(".live-card")).to_contain_text("Good morning!")
    Call.objects.filter(pk=call.pk).update(state="completed", ended_at=timezone.now())
    expect(page.locator(".live-card")).to_have_count(0)
    expect(page.locator("#live-none")).to_be_visible()


def test_all_dialling_is_stopped_in_three_clicks(page: Page) -> None:
    page.goto(reverse("admin:index"))
    page.get_by_role("link", name="Stop all dialling").click()
    page.get_by_label("Why (others will see it)").fill("wrong script")
    page.get_by_role("button", name="Stop all dialling").click()
    expect(page.locator("#kill-switch")).to_contain_text("stopped by Dana Reyes")
    assert KillSwitch.objects.get().reason == "wrong script"


def test_tabs_of_a_lead_work_by_keyboard_and_address(page: Page) -> None:
    lead = factories.TimelineEntryFactory(text="Asked for a brochure.").lead
    page.goto(reverse("admin:leads_lead_change", args=(lead.pk,)))
    expect(page.get_by_role("tab", name="Overview")).to_have_attribute("aria-selected", "true")
    expect(page.locator("#lead_form")).to_be_hidden()
    page.get_by_role("tab", name="Overview").focus()
    page.keyboard.press("ArrowRight")
    expect(page.get_by_text("Asked for a brochure.")).to_be_visible()
    page.get_by_role("tab", name="Details").click()
    expect(page.locator("#lead_form")).to_be_visible()
    page.reload()
    expect(page.locator("#lead_form")).to_be_visible()


def test_a_wrong_entry_shows_the_form_with_its_error(page: Page) -> None:
    lead = factories.LeadFactory()
    page.goto(reverse("admin:leads_lead_change", args=(lead.pk,)) + "#details")
    page.locator("#id_phone").fill("12")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.locator("#id_phone")).to_be_visible()
    expect(page.get_by_text("Enter a valid phone number")).to_be_visible()
