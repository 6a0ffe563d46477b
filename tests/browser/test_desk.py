"""Dashboard, live calls, lead and campaign pages: on a laptop, on a phone, by day and by night."""

from __future__ import annotations

from decimal import Decimal

import pytest
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import Page, expect

from calls.models import Call, KillSwitch
from tests import factories
from tests.browser.conftest import dark

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

# Text of our own pages whose contrast with what lies behind it is under 4.5 (3 if large): WCAG AA.
PALE = """() => {
  const spot = document.createElement('canvas').getContext('2d', {willReadFrequently: true});
  const rgba = (colour) => {
    spot.clearRect(0, 0, 1, 1);
    spot.fillStyle = colour;
    spot.fillRect(0, 0, 1, 1);
    const [r, g, b, a] = spot.getImageData(0, 0, 1, 1).data;
    return [r, g, b, a / 255];
  };
  const over = (top, below) => top.slice(0, 3).map((c, i) => c * top[3] + below[i] * (1 - top[3]));
  const ground = (element) => {
    const layers = [];
    for (let at = element; at; at = at.parentElement) {
      layers.push(rgba(getComputedStyle(at).backgroundColor));
    }
    return layers.reverse().reduce((below, top) => over(top, below), [255, 255, 255]);
  };
  const light = (colour) => {
    const [r, g, b] = colour.map((c) => {
      const s = c / 255;
      return s <= 0.03928 ? s / 12.92 : ((s + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const pale = [];
  for (const element of document.querySelectorAll('.desk *')) {
    const own = [...element.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim());
    if (!own || !element.checkVisibility() || element.closest('[disabled]')) continue;
    const style = getComputedStyle(element);
    const below = ground(element);
    const [a, b] = [light(over(rgba(style.color), below)), light(below)];
    const contrast = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    const large = parseFloat(style.fontSize) >= 24;
    if (contrast < (large ? 3 : 4.5)) {
      pale.push(`${element.textContent.trim().slice(0, 40)}: ${contrast.toFixed(2)}`);
    }
  }
  return pale;
}"""


@pytest.fixture
def addresses() -> dict[str, str]:
    """Every page of our own, with something on it."""
    call = factories.call_with_everything()
    live = factories.CallFactory(live=True, campaign=call.campaign)
    factories.TurnFactory(call=live, text="Hello?", latency_ms=1400)
    factories.ConsentFactory(lead=call.lead)
    factories.TimelineEntryFactory(lead=call.lead, call=call)
    factories.EnrolmentFactory(campaign=call.campaign, blocked_reasons=["no_consent"])
    factories.EnrolmentFactory(campaign=call.campaign, lead=call.lead, last_outcome="callback")
    factories.BudgetPeriodFactory(spent=Decimal(9))
    factories.OutboxItemFactory(dead_at=timezone.now())
    lead = reverse("admin:leads_lead_change", args=(call.lead_id,))
    hours = factories.WorkingHoursFactory(weekday=timezone.now().weekday())
    meeting = factories.AppointmentFactory(lead=call.lead, rep=hours.rep)
    factories.TaskFactory(lead=call.lead, due_at=timezone.now())
    factories.TimeOffFactory(rep=hours.rep, starts_at=timezone.now())
    call.lead.overrides.create(value=90, reason="my sister", set_at=timezone.now())
    day = f"{meeting.starts_at:%Y-%m-%d}"
    calendar = reverse("admin:leads_calendar")
    return {
        "dashboard": reverse("admin:index"),
        "live calls": reverse("admin:calls_live"),
        "call": reverse("admin:calls_call_change", args=(call.pk,)),
        "live call": reverse("admin:calls_call_change", args=(live.pk,)),
        "lead": lead,
        "lead's timeline": f"{lead}#timeline",
        "lead's calls": f"{lead}#calls",
        "lead's consent": f"{lead}#consent",
        "lead's history": f"{lead}#history",
        "task for a lead": reverse("admin:leads_lead_task", args=(call.lead_id,)),
        "score of a lead": reverse("admin:leads_lead_score", args=(call.lead_id,)),
        "merge of a lead": reverse("admin:leads_lead_merge", args=(call.lead_id,)) + "?q=a",
        "call now": reverse("admin:calls_call_now", args=(call.lead_id,)),
        "leads": reverse("admin:leads_lead_changelist"),
        "view of leads": reverse("admin:leads_view_save"),
        "tasks": reverse("admin:leads_task_changelist") + "?who=all",
        "day": f"{calendar}?day={day}",
        "week": f"{calendar}?view=week&day={day}&rep={hours.rep_id}",
        "book": reverse("admin:leads_appointment_book") + f"?lead={call.lead_id}",
        "book whom": reverse("admin:leads_appointment_book") + "?q=a",
        "appointment": reverse("admin:leads_appointment_change", args=(meeting.pk,)),
        "rules": reverse("admin:leads_assignmentrule_changelist") + "?kind=seller",
        "campaign": reverse("admin:calls_campaign_change", args=(call.campaign_id,)),
        "start": reverse("admin:calls_campaign_start", args=(factories.CampaignFactory().pk,)),
        "enrol": reverse("admin:calls_campaign_enrol", args=(call.campaign_id,)),
        "kill switch": reverse("admin:calls_kill_switch"),
    }


@pytest.mark.parametrize("night", [False, True], ids=["day", "night"])
def test_every_page_can_be_read_and_fits_a_phone(
    page: Page, addresses: dict[str, str], night: bool
) -> None:
    if night:
        dark(page)
    pale, too_wide = {}, {}
    for name, address in addresses.items():
        page.set_viewport_size({"width": 1280, "height": 900})
        # A change of the fragment alone would not load the page anew.
        page.goto("about:blank")
        page.goto(address)
        expect(page.locator("html.dark")).to_have_count(1 if night else 0)
        pale[name] = page.evaluate(PALE)
        page.set_viewport_size({"width": 390, "height": 844})
        too_wide[name] = page.evaluate("document.documentElement.scrollWidth > innerWidth")
    assert pale == {name: [] for name in addresses}
    assert too_wide == dict.fromkeys(addresses, False)


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
