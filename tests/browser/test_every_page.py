"""Every page, as the owner opens it: on a laptop, on a phone, by day and by night."""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import Browser, Page

from agents.services.playbooks import playbooks_seed
from billing.services import prices_seed
from tests import factories
from tests.addresses import Everything, addresses, model_of
from tests.browser.conftest import visit
from tests.browser.legible import PALE, TOO_WIDE

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

STILL = """() => document.head.insertAdjacentHTML(
  'beforeend', '<style>* {transition: none !important}</style>')"""
NIGHT = "(on) => document.documentElement.classList.toggle('dark', on)"


def _desk() -> Iterator[tuple[str, str]]:
    """Yield pages of our own with something on them, and what the bare address does not show."""
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
    yield from {
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
    }.items()


def _admin(everything: Everything) -> Iterator[tuple[str, str]]:
    """Yield whatever else the admin has that is a page and has a row to be about."""
    client = everything.client("Owner")
    for name, pattern in addresses():
        address = everything.address(name, pattern, everything.foreign)
        found = model_of(name)
        if address is None and found:
            row = found[0]._base_manager.first()
            address = row and reverse(f"admin:{name}", args=(row.pk,))
        if address is None:
            continue
        answer = client.get(address)
        kind = answer.headers.get("Content-Type", "")
        page = kind.startswith("text/html") and b"<html" in answer.content
        if answer.status_code == 200 and page and name != "login":
            yield name, address


def _seen(page: Page, address: str) -> dict[str, Any]:
    """Open a page, and return what cannot be read on it and what does not fit."""
    page.set_viewport_size({"width": 1280, "height": 900})
    # A change of the fragment alone would not load the page anew.
    page.goto("about:blank")
    page.goto(address)
    page.evaluate(STILL)
    found = {"pale by day": page.evaluate(PALE), "too wide": page.evaluate(TOO_WIDE)}
    page.evaluate(NIGHT, True)
    found["pale by night"] = page.evaluate(PALE)
    page.set_viewport_size({"width": 390, "height": 844})
    found["too wide for a phone"] = page.evaluate(TOO_WIDE)
    return {what: where for what, where in found.items() if where}


@pytest.mark.timeout(600)
def test_every_page_can_be_read_fits_a_phone_and_runs_without_error(
    chromium: Browser, live_server: Any
) -> None:
    everything = Everything()
    playbooks_seed()
    prices_seed()
    pages = [*_desk(), *_admin(everything)]
    assert len(pages) > 150
    wrong: dict[str, Any] = {}
    with visit(chromium, live_server.url, everything.client("Owner")) as (page, problems):
        for name, address in pages:
            seen = _seen(page, address)
            if problems:
                seen["went wrong"] = problems.copy()
                problems.clear()
            if seen:
                wrong[f"{name} {address}"] = seen
    assert not wrong, json.dumps(wrong, indent=1)
