"""Dashboard, kill switch, campaigns and leads: what a manager sees and does."""

from __future__ import annotations

import re
from datetime import timedelta
from decimal import Decimal
from html import unescape

import pytest
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from calls.models import Campaign, Enrolment, KillSwitch, Outcome
from leads.models import DoNotCall, Lead, TimelineEntry
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _nothing_searched_before() -> None:
    # Unfold remembers what a user found for five minutes, and tests use the same ids again.
    cache.clear()


@pytest.fixture
def manager(client: Client) -> Client:
    client.force_login(factories.ManagerFactory(first_name="Dana", last_name="Reyes"))
    return client


def talk(outcome: str) -> None:
    call = factories.CallFactory(ended=True, outcome=outcome)
    factories.TurnFactory(call=call, speaker="agent", latency_ms=100 + call.turns.count())
    factories.TurnFactory(call=call, speaker="lead")


@pytest.mark.parametrize("zone", ["UTC", "Pacific/Kiritimati", "Pacific/Pago_Pago"])
def test_the_funnel_counts_each_step_and_links_to_its_rows(manager: Client, zone: str) -> None:
    talk(Outcome.APPOINTMENT)
    talk(Outcome.NOT_INTERESTED)
    factories.CallFactory(ended=True, outcome=Outcome.VOICEMAIL)
    factories.CallFactory(ended=True, outcome=Outcome.HUNG_UP)
    factories.CallFactory(unanswered=True)
    manager.cookies["viewer_zone"] = zone
    answer = manager.get(reverse("admin:index"))
    today = answer.context["periods"][0]
    assert [step.count for step in today.steps] == [5, 3, 2, 1, 1]
    links = [
        unescape(link) for link in re.findall(r'href="([^"]*step=[^"]*)"', answer.content.decode())
    ]
    assert len(links) == 10
    for link, step in zip(links[:5], today.steps, strict=True):
        assert manager.get(link).context["cl"].result_count == step.count


def test_the_dashboard_gives_median_and_p95_by_nearest_rank(manager: Client) -> None:
    call = factories.CallFactory(ended=True)
    for latency in range(10, 210, 10):
        factories.TurnFactory(call=call, latency_ms=latency)
    today = manager.get(reverse("admin:index")).context["periods"][0]
    assert (today.median_ms, today.p95_ms) == (100, 190)


def test_the_dashboard_takes_as_many_queries_with_many_calls(manager: Client) -> None:
    counts = []
    for more in (2, 10):
        for _ in range(more):
            talk(Outcome.APPOINTMENT)
            factories.BudgetPeriodFactory()
            factories.CallFactory(live=True)
            factories.OutboxItemFactory(dead_at=timezone.now())
        manager.get(reverse("admin:index"))
        with CaptureQueriesContext(connection) as queries:
            manager.get(reverse("admin:index"))
        counts.append(len(queries))
    assert counts[0] == counts[1]


def test_a_budget_of_yesterday_is_unused_today(manager: Client) -> None:
    yesterday = timezone.now().date() - timedelta(days=1)
    factories.BudgetPeriodFactory(starts_on=yesterday, spent=Decimal(9))
    assert manager.get(reverse("admin:index")).context["budgets"][0].spent == 0


def test_the_kill_switch_is_asked_first_then_says_who_and_why(manager: Client) -> None:
    address = reverse("admin:calls_kill_switch")
    assert "No new call is dialled" in manager.get(address).content.decode()
    assert not KillSwitch.objects.filter(engaged=True).exists()
    page = manager.post(address, {"to": "stop", "reason": "wrong script"}, follow=True)
    assert KillSwitch.objects.get().engaged
    for words in ("All dialling is stopped", "Dana Reyes", "wrong script"):
        assert words in page.content.decode()
    manager.post(address, {"to": "go"})
    assert not KillSwitch.objects.get().engaged


def test_two_people_who_press_stop_do_not_undo_each_other(manager: Client) -> None:
    for _ in range(2):
        manager.post(reverse("admin:calls_kill_switch"), {"to": "stop"})
    assert KillSwitch.objects.get().engaged


def test_starting_a_campaign_says_reach_price_and_hours_first(manager: Client) -> None:
    enrolment = factories.EnrolmentFactory()
    factories.PlaybookVersionFactory(playbook=enrolment.campaign.playbook)
    factories.BudgetFactory(name="Daily limit")
    address = reverse("admin:calls_campaign_start", args=(enrolment.campaign_id,))
    page = manager.get(address).content.decode()
    for words in ("Reach: 1 waiting lead", "Price: about $0.08", "Hours:", "$10.00 per day"):
        assert words in page
    assert Campaign.objects.get().state == Campaign.State.DRAFT
    manager.post(address)
    assert Campaign.objects.get().state == Campaign.State.RUNNING


def test_a_campaign_that_cannot_start_says_why(manager: Client) -> None:
    campaign = factories.CampaignFactory()
    address = reverse("admin:calls_campaign_start", args=(campaign.pk,))
    page = manager.post(address, follow=True).content.decode()
    assert "no published version" in page


def test_a_campaign_is_paused_and_stopped(manager: Client) -> None:
    campaign = factories.CampaignFactory(running=True)
    factories.EnrolmentFactory(campaign=campaign)
    manager.post(reverse("admin:calls_campaign_pause", args=(campaign.pk,)))
    campaign.refresh_from_db()
    assert campaign.state == Campaign.State.PAUSED
    manager.post(reverse("admin:calls_campaign_stop", args=(campaign.pk,)))
    campaign.refresh_from_db()
    assert campaign.state == Campaign.State.FINISHED
    assert Enrolment.objects.get().state == Enrolment.State.STOPPED


def test_campaigns_are_paused_from_the_list(manager: Client) -> None:
    campaigns = [factories.CampaignFactory(running=True) for _ in range(2)]
    manager.post(
        reverse("admin:calls_campaign_changelist"),
        {"action": "pause_chosen", "_selected_action": [row.pk for row in campaigns]},
    )
    assert set(Campaign.objects.values_list("state", flat=True)) == {Campaign.State.PAUSED}


def test_the_campaign_page_tells_why_leads_are_not_called(manager: Client) -> None:
    campaign = factories.CampaignFactory(running=True)
    for codes in (["no_consent"], ["no_consent", "outside_hours"], []):
        factories.EnrolmentFactory(campaign=campaign, blocked_reasons=codes)
    answer = manager.get(reverse("admin:calls_campaign_change", args=(campaign.pk,)))
    page = answer.context["page"]
    assert {row.key: row.count for row in page.blocked} == {"no_consent": 2, "outside_hours": 1}
    links = re.findall(r'href="([^"]*reason=no_consent[^"]*)"', answer.content.decode())
    assert manager.get(unescape(links[0])).context["cl"].result_count == 2


def test_the_campaign_page_takes_as_many_queries_with_many_leads(manager: Client) -> None:
    campaign = factories.CampaignFactory(running=True)
    counts = []
    for more in (2, 10):
        for _ in range(more):
            lead = factories.EnrolmentFactory(campaign=campaign).lead
            factories.CallFactory(ended=True, campaign=campaign, lead=lead)
        address = reverse("admin:calls_campaign_change", args=(campaign.pk,))
        manager.get(address)
        with CaptureQueriesContext(connection) as queries:
            manager.get(address)
        counts.append(len(queries))
    assert counts[0] == counts[1]


def test_leads_are_enrolled_from_the_campaign_page(manager: Client) -> None:
    campaign = factories.CampaignFactory()
    wanted = [factories.LeadFactory(kind=Lead.Kind.BUYER) for _ in range(2)]
    factories.LeadFactory(kind=Lead.Kind.SELLER)
    address = reverse("admin:calls_campaign_enrol", args=(campaign.pk,))
    chosen = {"kind": "buyer", "stage": "", "state": "", "source": ""}
    assert "2 leads" in manager.get(address, chosen).content.decode()
    manager.post(address, chosen)
    assert {row.lead for row in Enrolment.objects.all()} == set(wanted)


def test_the_lead_page_gives_every_reason_not_to_call(manager: Client) -> None:
    lead = factories.LeadFactory()
    factories.DoNotCallFactory(phone=lead.phone)
    page = manager.get(reverse("admin:leads_lead_change", args=(lead.pk,))).content.decode()
    assert "May not be called now" in page
    assert "do-not-call list" in page
    assert "no written consent" in page


def test_the_lead_page_shows_its_calls_score_and_story(manager: Client) -> None:
    call = factories.call_with_everything()
    factories.TimelineEntryFactory(lead=call.lead, text="Asked for a brochure.")
    factories.ConsentFactory(lead=call.lead)
    page = manager.get(reverse("admin:leads_lead_change", args=(call.lead_id,))).content.decode()
    for words in ("Asked for a brochure.", "+35", "website form", "(512)"):
        assert words in page
    assert reverse("admin:calls_call_change", args=(call.pk,)) in page


def test_the_lead_page_takes_as_many_queries_with_a_long_story(manager: Client) -> None:
    lead = factories.LeadFactory()
    counts = []
    for more in (2, 10):
        for _ in range(more):
            factories.CallFactory(ended=True, lead=lead)
            factories.TimelineEntryFactory(lead=lead, actor=factories.UserFactory())
            factories.AppointmentFactory(lead=lead)
            factories.EnrolmentFactory(lead=lead)
        address = reverse("admin:leads_lead_change", args=(lead.pk,))
        manager.get(address)
        with CaptureQueriesContext(connection) as queries:
            manager.get(address)
        counts.append(len(queries))
    assert counts[0] == counts[1]


def test_do_not_call_is_asked_first_then_told_in_the_story(manager: Client) -> None:
    lead = factories.ConsentFactory().lead
    address = reverse("admin:leads_lead_do_not_call", args=(lead.pk,))
    assert "every campaign" in manager.get(address).content.decode()
    assert not DoNotCall.objects.exists()
    manager.post(address, {"reason": "asked by e-mail"})
    assert DoNotCall.objects.get().reason == "asked by e-mail"
    assert lead.consents.get().revoked_at is not None
    assert lead.timeline.filter(kind=TimelineEntry.Kind.DO_NOT_CALL).exists()


def test_a_lead_entered_at_the_desk_gets_the_time_zones_a_call_needs(manager: Client) -> None:
    manager.post(
        reverse("admin:leads_lead_add"),
        {
            "first_name": "Ruth",
            "last_name": "Hill",
            "phone": "(512) 555-0177",
            "kind": "seller",
            "state": "TX",
            "tags": "",
            "custom_fields": "",
        },
    )
    lead = Lead.objects.get()
    assert str(lead.phone) == "+15125550177"
    assert "America/Chicago" in lead.time_zones
    assert lead.timeline.filter(kind=TimelineEntry.Kind.CREATED).exists()


def test_times_are_written_in_the_viewers_zone(manager: Client) -> None:
    lead = factories.LeadFactory()
    starts = timezone.now().replace(hour=18, minute=0) + timedelta(days=2)
    factories.AppointmentFactory(lead=lead, starts_at=starts, ends_at=starts + timedelta(hours=1))
    manager.cookies["viewer_zone"] = "Asia/Tokyo"
    page = manager.get(reverse("admin:leads_lead_change", args=(lead.pk,))).content.decode()
    assert "03:00" in page
    manager.cookies["viewer_zone"] = "Nowhere/Land"
    assert manager.get(reverse("admin:index")).status_code == 200


def test_ctrl_k_finds_leads_by_name_and_number(manager: Client) -> None:
    lead = factories.LeadFactory(first_name="Ruth", last_name="Hill", phone="+15125550133")
    factories.CampaignFactory(name="Hill Country owners")
    for _ in range(15):
        factories.LeadFactory(last_name="Hilton")
    search = reverse("admin:search")
    by_number = manager.get(search, {"s": "(512) 555-0133", "extended": "1"})
    assert [found.link for found in by_number.context["results"]] == [
        reverse("admin:leads_lead_change", args=(lead.pk,))
    ]
    by_name = manager.get(search, {"s": "hill", "extended": "1"}).context["results"]
    assert "Hill Country owners" in [found.title for found in by_name]
    assert "Ruth Hill" in [found.title for found in by_name]


def test_ctrl_k_finds_nothing_that_a_role_may_not_see(client: Client) -> None:
    factories.LeadFactory(last_name="Hill")
    client.force_login(factories.UserFactory())
    found = client.get(reverse("admin:search"), {"s": "hill", "extended": "1"})
    assert list(found.context["results"]) == []
