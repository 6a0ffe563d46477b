"""People who call us."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from calls.briefs import call_brief
from calls.models import Call, CallerNumber, Campaign
from calls.selectors import enrolment_facts
from calls.services.aftercall import aftercall_run
from calls.tests.conftest import NOON, Post, enrol
from leads.models import Lead, Task
from leads.policy.may_call import may_call
from tests.factories import BudgetFactory, CallFactory, DoNotCallFactory, EnrolmentFactory

pytestmark = pytest.mark.django_db
SID = "CA" + "3" * 32


def ring(post: Post, number: object, sid: str = SID) -> str:
    answer = post("incoming", CallSid=sid, From=str(number), To="+15125550100")
    assert answer.status_code == 200
    return answer.content.decode()


def test_a_lead_who_calls_back_is_connected(post: Post, campaign: Campaign) -> None:
    lead = enrol(campaign).lead
    assert "<Stream" in ring(post, lead.phone)
    call = Call.objects.get(provider_sid=SID)
    assert (call.direction, call.state, call.lead_id) == ("inbound", "in_progress", lead.pk)
    assert call.reservation.amount == 2 * (Decimal("0.0085") + Decimal("0.004"))


def test_a_repeated_webhook_is_the_same_call(post: Post, campaign: Campaign) -> None:
    lead = enrol(campaign).lead
    ring(post, lead.phone)
    assert "<Stream" in ring(post, lead.phone)
    assert Call.objects.count() == 1


def test_who_must_not_be_called_may_call(post: Post, campaign: Campaign) -> None:
    lead = enrol(campaign).lead
    DoNotCallFactory(phone=lead.phone)
    assert "<Stream" in ring(post, lead.phone)


def test_somebody_unknown_is_connected_and_becomes_a_lead_who_gave_no_consent(
    post: Post, campaign: Campaign, now: datetime
) -> None:
    assert "<Stream" in ring(post, "+15125559999")
    lead = Lead.objects.get(phone="+15125559999")
    assert (lead.source, lead.first_name) == ("inbound", "")
    enrolment = EnrolmentFactory(campaign=campaign, lead=lead)
    assert "no_consent" in may_call(enrolment_facts(enrolment, now=now), now=now).codes
    brief = call_brief(Call.objects.get(provider_sid=SID), recorded=True, now=now)
    assert (brief.inbound, brief.stranger) == (True, True)


def test_the_same_stranger_calls_twice_and_is_one_lead(post: Post, campaign: Campaign) -> None:
    ring(post, "+15125559999")
    Call.objects.update(state="completed", ended_at=timezone.now())
    ring(post, "+15125559999", sid="CA" + "4" * 32)
    assert Lead.objects.filter(source="inbound").count() == 1


@pytest.mark.parametrize("number", ["anonymous", "+266696687", ""])
def test_a_withheld_number_hears_a_polite_line(post: Post, campaign: Campaign, number: str) -> None:
    answer = ring(post, number)
    assert "<Say>" in answer
    assert "call you back" not in answer
    assert not Lead.objects.exists()


def test_a_number_that_no_campaign_has_takes_no_calls(post: Post, campaign: Campaign) -> None:
    CallerNumber.objects.update(number="+15125550111")
    assert "takes no calls" in ring(post, "+15125559999")
    assert not Lead.objects.exists()


@pytest.mark.parametrize(
    ("opens", "closes", "taken"),
    [
        (time(9), time(18), True),
        (time(19), time(22), False),
        (time(19), time(8), False),
        (time(17), time(8), True),
    ],
)
def test_hours_are_kept_and_who_calls_outside_them_is_called_back(
    post: Post,
    campaign: Campaign,
    monkeypatch: pytest.MonkeyPatch,
    opens: time,
    closes: time,
    taken: bool,
) -> None:
    monkeypatch.setattr("django.utils.timezone.now", lambda: NOON)  # 18:00 UTC
    if (opens, closes) == (time(9), time(18)):
        monkeypatch.setattr("django.utils.timezone.now", lambda: NOON - timedelta(minutes=1))
    Campaign.objects.update(inbound_opens=opens, inbound_closes=closes)
    lead = enrol(campaign).lead
    for _ in range(2):
        answer = ring(post, lead.phone)
    assert ("<Stream" in answer) == taken
    assert ("We are closed now" in answer) != taken
    assert Task.objects.filter(lead=lead, kind="callback").count() == (0 if taken else 1)


def test_without_a_free_line_a_line_is_said_and_a_callback_promised(
    post: Post, campaign: Campaign, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("calls.services.inbound.voice_capacity_free", lambda now: 0)
    Campaign.objects.update(inbound_busy_line="All our agents are talking. We call you back.")
    lead = enrol(campaign).lead
    assert "All our agents are talking" in ring(post, lead.phone)
    assert Task.objects.get(lead=lead).title.startswith("Called us while all lines were busy")


def test_what_a_stranger_said_of_themselves_is_kept(post: Post, campaign: Campaign) -> None:
    ring(post, "+15125559999")
    call = Call.objects.get(provider_sid=SID)
    signals = {"caller_name": "Erin Walsh", "caller_need": "buyer"}
    end = timezone.now()
    Call.objects.filter(pk=call.pk).update(
        notes={"signals": signals}, state="completed", ended_at=end, carrier_seconds=30
    )
    aftercall_run(call_id=call.pk, now=end)
    lead = call.lead
    lead.refresh_from_db()
    assert (lead.full_name, lead.kind) == ("Erin Walsh", "buyer")


def test_a_lead_who_is_on_a_call_hears_a_polite_line(post: Post, campaign: Campaign) -> None:
    lead = enrol(campaign).lead
    CallFactory(lead=lead, campaign=campaign, live=True)
    assert "<Say>" in ring(post, lead.phone)


def test_without_budget_nobody_is_connected(post: Post, campaign: Campaign) -> None:
    lead = enrol(campaign).lead
    BudgetFactory(campaign=campaign, limit=Decimal("0.001"))
    assert "<Say>" in ring(post, lead.phone)
    assert not Call.objects.exists()


def test_an_unsigned_call_is_refused(post: Post, campaign: Campaign) -> None:
    assert post("incoming", CallSid=SID, From="+15125559999", signature="x").status_code == 403
