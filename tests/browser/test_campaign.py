"""A campaign from its numbers to its pause, as a manager takes it there."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from django.urls import reverse
from playwright.sync_api import Page, expect

from calls.models import Campaign
from calls.policy.cadence import PRESETS
from tests import factories

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def picture(page: Page, name: str) -> None:
    """Keep a picture for whoever wants to look: SCREENSHOTS names the folder."""
    folder = os.environ.get("SCREENSHOTS")
    if folder:
        for width in (1280, 390):
            page.set_viewport_size({"width": width, "height": 900})
            page.screenshot(path=Path(folder) / f"{name}-{width}.png", full_page=True)
        page.set_viewport_size({"width": 1280, "height": 900})


def test_a_campaign_is_set_up_started_explained_and_paused(page: Page) -> None:
    playbook = factories.PlaybookVersionFactory().playbook
    campaign = factories.CampaignFactory(name="Lakeside", playbook=playbook, caller_number="")
    number = factories.CallerNumberFactory(daily_cap=80)
    factories.BudgetFactory()
    factories.ConsentFactory(lead=factories.LeadFactory())
    address = reverse("admin:calls_campaign_change", args=(campaign.pk,))
    page.goto(address)

    page.locator(".field-numbers .select2-selection").click()
    page.locator(".select2-search__field").last.fill("512")
    page.locator(".select2-results__option", has_text=str(number)).click()
    page.get_by_role("button", name="Gentle").click()
    expect(page.locator("[name=cadence-no_answer-gap]")).to_have_value("2")
    page.locator("[name=cadence-busy-gap]").fill("30")
    page.locator("[name=cadence-busy-unit]").select_option("min")
    picture(page, "settings")
    page.get_by_role("button", name="Save and continue editing").click()
    expect(page.get_by_text("If the line is busy: again after 30 min")).to_be_visible()
    campaign.refresh_from_db()
    assert campaign.cadence["voicemail"] == PRESETS["Gentle"].voicemail.model_dump()
    assert list(campaign.numbers.all()) == [number]

    page.get_by_role("link", name="Start", exact=False).first.click()
    expect(page.get_by_role("alert")).to_contain_text("enrol leads first")
    page.get_by_role("link", name="Cancel").click()
    page.get_by_role("link", name="Enrol leads").click()
    page.get_by_role("button", name="Enrol 1 lead").click()

    page.get_by_role("link", name="Start", exact=False).first.click()
    expect(page.locator(".consequences")).to_contain_text("Reach: 1 waiting lead")
    picture(page, "start")
    page.get_by_role("button", name="Start campaign").click()
    expect(page.locator(".because")).to_contain_text("No dialer is running")
    picture(page, "campaign")

    page.get_by_role("link", name="Pause").click()
    page.get_by_label("Also cancel what rings").check()
    picture(page, "pause")
    page.get_by_role("button", name="Pause campaign").click()
    expect(page.get_by_text("Nobody on the line, 1 lead waiting.")).to_be_visible()
    campaign.refresh_from_db()
    assert (campaign.state, campaign.halted_at is not None) == (Campaign.State.PAUSED, True)
