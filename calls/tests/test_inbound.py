"""People who call us."""

from __future__ import annotations

from decimal import Decimal

import pytest

from calls.models import Call, Campaign
from calls.tests.conftest import Post, enrol
from tests.factories import BudgetFactory, CallFactory, DoNotCallFactory

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


def test_a_stranger_hears_a_polite_line(post: Post, campaign: Campaign) -> None:
    answer = ring(post, "+15125559999")
    assert "<Say>" in answer
    assert "<Hangup" in answer
    assert not Call.objects.exists()


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
