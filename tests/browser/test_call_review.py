"""The player is locked to the words, and a live call's words grow."""

from __future__ import annotations

import pytest
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import Page, expect

from calls.models import Call
from tests import factories

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

AT = "document.querySelector('#sound').currentTime"
READY = "document.querySelector('#sound').readyState >= 2"


def review(page: Page, call: Call) -> None:
    page.goto(reverse("admin:calls_call_change", args=(call.pk,)))


def test_clicking_a_line_plays_it_and_lights_it(page: Page) -> None:
    review(page, factories.call_with_everything())
    page.wait_for_function(READY)
    page.locator("#turn-5 .turn-time").click()
    page.wait_for_function(f"{AT} >= 15.8 && {AT} < 18")
    expect(page.locator("#turn-5")).to_have_class("turn turn-lead turn-now")
    expect(page.locator("#play")).to_have_attribute("aria-label", "Pause")


def test_the_line_that_plays_is_lit_when_the_position_moves(page: Page) -> None:
    review(page, factories.call_with_everything())
    page.wait_for_function(READY)
    box = page.locator("#wave").bounding_box()
    assert box is not None
    # The lead says "Tuesday is fine" from 24.3 to 25.4 s of 30.3 s.
    page.mouse.click(box["x"] + box["width"] * 24.8 / 30.3, box["y"] + 10)
    expect(page.locator("#turn-7")).to_have_class("turn turn-lead turn-now")
    expect(page.locator("#now")).to_have_text("0:24")


def test_it_is_driven_by_the_keyboard(page: Page) -> None:
    review(page, factories.call_with_everything())
    page.wait_for_function(READY)
    page.keyboard.press("ArrowRight")
    page.wait_for_function(f"{AT} == 5")
    page.keyboard.press("ArrowDown")
    page.wait_for_function(f"Math.abs({AT} - 6.2) < 0.01")
    page.keyboard.press("ArrowUp")
    page.wait_for_function(f"Math.abs({AT} - 0.3) < 0.01")
    page.keyboard.press(" ")
    expect(page.locator("#play")).to_have_attribute("aria-label", "Pause")
    page.keyboard.press(" ")
    expect(page.locator("#play")).to_have_attribute("aria-label", "Play")


def test_the_waveform_is_drawn_in_two_rows(page: Page) -> None:
    review(page, factories.call_with_everything())
    # Left is the lead: nothing but the thin line of silence while the agent speaks first.
    drawn = """() => {
      const canvas = document.querySelector('#wave-canvas');
      const pen = canvas.getContext('2d');
      const ink = (top) => {
        const x = canvas.width * 3 / 30.3, half = canvas.height / 2;
        const cut = pen.getImageData(x, top ? 0 : half, 60, half).data;
        let count = 0;
        for (let i = 3; i < cut.length; i += 4) if (cut[i] > 0) count += 1;
        return count;
      };
      return ink(false) > 4 * ink(true) && ink(false) > 100;
    }"""
    page.wait_for_function(drawn)


def test_a_score_factor_leads_to_the_words_behind_it(page: Page) -> None:
    review(page, factories.call_with_everything())
    page.wait_for_function(READY)
    page.get_by_role("button", name="“We want to sell in the next two months.”").click()
    expect(page.locator("#turn-3")).to_be_in_viewport()
    page.wait_for_function(f"{AT} >= 10.5")


def test_a_live_call_grows_and_turns_into_its_review(page: Page) -> None:
    call = factories.CallFactory(live=True)
    factories.TurnFactory(call=call, text="Hi, this is an automated assistant.")
    review(page, call)
    expect(page.locator(".turn")).to_have_count(1)
    factories.TurnFactory(call=call, text="Who is this?")
    expect(page.locator("#turn-1")).to_contain_text("Who is this?")
    # More of a turn that is shown already replaces it.
    call.turns.filter(index=1).update(text="Who is this, please?")
    expect(page.locator("#turn-1")).to_contain_text("Who is this, please?")
    now = timezone.now()
    Call.objects.filter(pk=call.pk).update(
        state="completed", outcome="hung_up", ended_at=now, settled_at=now
    )
    expect(page.locator(".pill-hung_up")).to_be_visible()
    expect(page.locator("#live-state")).to_have_count(0)


def test_a_live_page_says_so_when_the_connection_is_lost(page: Page) -> None:
    call = factories.CallFactory(live=True)
    review(page, call)
    expect(page.locator("#live-state")).to_contain_text("Live")
    page.route("**/transcript.json*", lambda route: route.fulfill(status=200, body="no json"))
    expect(page.locator("#live-state")).to_contain_text("Connection lost")
    page.unroute("**/transcript.json*")
    expect(page.locator("#live-state")).to_contain_text("Live")
