"""The dialer: who is dialled, who is not and why, and what becomes of a request that went wrong."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.utils import timezone

from billing.models import BudgetPeriod, Reservation
from calls import carrier
from calls.models import Call, Campaign, Enrolment, OutboxItem
from calls.policy.turns import PROMISED
from calls.services.campaigns import kill_switch_set
from calls.services.dialer import call_dial, dial_next
from calls.services.outbox import outbox_run_due
from calls.services.pace import dialer_state
from calls.tests.conftest import Exchange, enrol
from leads.models import DoNotCall
from tests.factories import BudgetFactory, CallFactory, CampaignFactory, DoNotCallFactory

pytestmark = pytest.mark.django_db


def after_calls() -> None:
    outbox_run_due(timezone.now() + timedelta(seconds=1))


def test_it_dials_the_lead_with_the_money_reserved(
    campaign: Campaign, exchange: Exchange, now: datetime
) -> None:
    enrolment = enrol(campaign)
    call = dial_next(now)
    assert call is not None
    (line,) = exchange.calls
    assert (line.to, line.from_) == (str(enrolment.lead.phone), str(campaign.numbers.get().number))
    assert (call.state, call.provider_sid) == (Call.State.DIALING, line.sid)
    assert str(call.pk) in line.request.url
    assert str(call.pk) in line.request.status_callback
    enrolment.refresh_from_db()
    assert (enrolment.state, enrolment.attempts) == (Enrolment.State.CLAIMED, 1)
    # Two minutes of line and stream, and the detection.
    assert Reservation.objects.get(call=call).amount == Decimal("0.0435")
    assert call.rules_version


def test_nobody_is_dialled_twice(campaign: Campaign, exchange: Exchange, now: datetime) -> None:
    enrol(campaign)
    assert dial_next(now) is not None
    assert dial_next(now) is None
    assert len(exchange.calls) == 1


def test_it_keeps_to_the_campaign_s_concurrency(
    campaign: Campaign, exchange: Exchange, now: datetime
) -> None:
    for _ in range(5):
        enrol(campaign)
    assert [dial_next(now) is not None for _ in range(5)] == [True, True, True, False, False]


def test_higher_priority_and_earlier_due_go_first(
    campaign: Campaign, exchange: Exchange, now: datetime
) -> None:
    late, early, urgent = (enrol(campaign) for _ in range(3))
    Enrolment.objects.filter(pk=early.pk).update(due_at=now - timedelta(hours=1))
    Enrolment.objects.filter(pk=urgent.pk).update(priority=5)
    dialled = [dial_next(now) for _ in range(3)]
    assert [call and call.enrolment_id for call in dialled] == [urgent.pk, early.pk, late.pk]


def test_campaigns_take_turns(campaign: Campaign, exchange: Exchange, now: datetime) -> None:
    other = CampaignFactory(running=True, playbook=campaign.playbook)
    for _ in range(2):
        enrol(campaign)
        enrol(other)
    calls = [dial_next(now) for _ in range(4)]
    assert {call.campaign_id for call in calls[:2] if call} == {campaign.pk, other.pk}
    assert {call.campaign_id for call in calls[2:] if call} == {campaign.pk, other.pk}


def test_only_running_campaigns_are_dialled(
    campaign: Campaign, exchange: Exchange, now: datetime
) -> None:
    enrol(campaign)
    Campaign.objects.filter(pk=campaign.pk).update(state=Campaign.State.PAUSED)
    assert dial_next(now) is None


def test_the_kill_switch_stops_dialling(
    campaign: Campaign, exchange: Exchange, now: datetime
) -> None:
    enrol(campaign)
    kill_switch_set(engaged=True, actor=None, reason="test")
    assert dial_next(now) is None
    kill_switch_set(engaged=False, actor=None, reason="")
    assert dial_next(now) is not None


def test_the_kill_switch_stops_a_call_that_is_claimed_and_not_sent(
    campaign: Campaign, exchange: Exchange, now: datetime
) -> None:
    call = CallFactory(campaign=campaign)
    kill_switch_set(engaged=True, actor=None, reason="test")
    assert not call_dial(call_id=call.pk, now=now)
    call.refresh_from_db()
    assert call.state == Call.State.CANCELED
    assert exchange.calls == []


def test_a_lead_on_the_do_not_call_list_is_stopped_for_good(
    campaign: Campaign, exchange: Exchange, now: datetime
) -> None:
    enrolment = enrol(campaign)
    DoNotCallFactory(phone=enrolment.lead.phone)
    assert dial_next(now) is None
    enrolment.refresh_from_db()
    assert enrolment.state == Enrolment.State.STOPPED
    assert "do_not_call" in enrolment.blocked_reasons
    assert exchange.calls == []


def test_at_night_the_lead_waits_until_morning(
    campaign: Campaign, exchange: Exchange, now: datetime
) -> None:
    enrolment = enrol(campaign)
    night = now + timedelta(hours=11)
    assert dial_next(night) is None
    enrolment.refresh_from_db()
    assert enrolment.blocked_reasons == ["outside_hours"]
    assert enrolment.state == Enrolment.State.WAITING
    assert night < enrolment.due_at < night + timedelta(hours=12)


def test_a_refused_lead_does_not_hold_up_the_next(
    campaign: Campaign, exchange: Exchange, now: datetime
) -> None:
    refused = enrol(campaign)
    DoNotCallFactory(phone=refused.lead.phone)
    allowed = enrol(campaign)
    call = dial_next(now)
    assert call is not None
    assert call.enrolment_id == allowed.pk


def test_without_budget_nothing_is_dialled_and_nothing_left_behind(
    campaign: Campaign, exchange: Exchange, now: datetime
) -> None:
    budget = BudgetFactory(campaign=campaign, limit=Decimal("0.04"))
    enrolment = enrol(campaign)
    assert dial_next(now) is None
    enrolment.refresh_from_db()
    assert enrolment.blocked_reasons == ["no_budget"]
    assert enrolment.state == Enrolment.State.WAITING
    assert not Call.objects.exists()
    assert not BudgetPeriod.objects.filter(budget=budget, reserved__gt=0).exists()


def test_a_lead_on_another_call_waits(
    campaign: Campaign, exchange: Exchange, now: datetime
) -> None:
    enrolment = enrol(campaign)
    CallFactory(lead=enrolment.lead, live=True)
    assert dial_next(now) is None
    enrolment.refresh_from_db()
    assert "already_on_call" in enrolment.blocked_reasons


def test_a_bad_number_is_failed_and_never_tried_again(
    campaign: Campaign, exchange: Exchange, now: datetime
) -> None:
    enrolment = enrol(campaign, phone="+15005550001")
    call = dial_next(now)
    assert call is not None
    after_calls()
    call.refresh_from_db()
    enrolment.refresh_from_db()
    assert (call.state, call.end_reason) == (Call.State.FAILED, "carrier_21211")
    assert enrolment.state == Enrolment.State.STOPPED
    assert Reservation.objects.get(call=call).state == Reservation.State.RELEASED


def test_too_many_requests_cost_the_lead_no_attempt(
    campaign: Campaign, exchange: Exchange, now: datetime
) -> None:
    enrolment = enrol(campaign)
    exchange.simulator.faults.scope().rest_429 = 1
    call = dial_next(now)
    assert call is not None
    after_calls()
    enrolment.refresh_from_db()
    assert (enrolment.state, enrolment.attempts) == (Enrolment.State.WAITING, 0)
    assert Reservation.objects.get(call=call).state == Reservation.State.RELEASED
    Enrolment.objects.filter(pk=enrolment.pk).update(due_at=now)
    assert dial_next(now) is not None


def test_wrong_credentials_pause_the_campaign_and_say_why(
    campaign: Campaign, exchange: Exchange, now: datetime, settings: Any
) -> None:
    enrolment = enrol(campaign)
    settings.ENV = settings.ENV.model_copy(update={"twilio_account_sid": "AC" + "0" * 32})
    dial_next(now)
    campaign.refresh_from_db()
    assert campaign.state == Campaign.State.PAUSED
    assert "20003" in campaign.pause_reason
    after_calls()
    enrolment.refresh_from_db()
    assert (enrolment.state, enrolment.attempts) == (Enrolment.State.WAITING, 0)


def test_an_opt_out_known_to_the_carrier_becomes_ours(
    campaign: Campaign, exchange: Exchange, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_dial: carrier.Dial) -> carrier.CarrierCall:
        raise carrier.CarrierError(carrier.OPTED_OUT, "HTTP 400", permanent=True)

    # The simulator has no number that answers 21610.
    monkeypatch.setattr(carrier, "call_create", refuse)
    enrolment = enrol(campaign)
    dial_next(now)
    assert DoNotCall.objects.filter(phone=enrolment.lead.phone, source="carrier").exists()


def test_a_lost_answer_is_unconfirmed_and_not_dialled_again(
    campaign: Campaign, exchange: Exchange, now: datetime
) -> None:
    enrol(campaign)
    exchange.simulator.faults.scope().lose_response = 1
    call = dial_next(now)
    assert call is not None
    assert call.state == Call.State.UNCONFIRMED
    for minute in range(5):
        dial_next(now + timedelta(minutes=minute))
    assert len(exchange.calls) == 1
    assert not OutboxItem.objects.filter(kind="aftercall").exists()


def test_a_created_call_is_sent_by_one_sender_only(
    campaign: Campaign, exchange: Exchange, now: datetime
) -> None:
    call = CallFactory(campaign=campaign)
    assert call_dial(call_id=call.pk, now=now)
    assert not call_dial(call_id=call.pk, now=now)
    assert len(exchange.calls) == 1


def test_premium_voice_goes_to_leads_with_the_score(
    campaign: Campaign, exchange: Exchange, now: datetime, premium_voice: None
) -> None:
    Campaign.objects.filter(pk=campaign.pk).update(voice_tier="by_score", premium_from_score=70)
    enrol(campaign, score=90)
    call = dial_next(now)
    assert call is not None
    assert call.voice_tier == "premium"


def test_the_account_s_pace_lets_one_call_through_per_interval(
    campaign: Campaign, exchange: Exchange, now: datetime
) -> None:
    for _ in range(3):
        enrol(campaign)
    tenths = [dial_next(now + timedelta(seconds=n / 10), per_second=2) for n in range(10)]
    assert [n for n, call in enumerate(tenths) if call] == [0, 5]


def test_a_campaign_s_own_pace_holds_it_back_and_no_other(
    campaign: Campaign, exchange: Exchange, now: datetime
) -> None:
    Campaign.objects.filter(pk=campaign.pk).update(calls_per_minute=4)
    other = CampaignFactory(running=True, playbook=campaign.playbook)
    for _ in range(3):
        enrol(campaign)
        enrol(other)
    calls = [dial_next(now + timedelta(seconds=second)) for second in range(5)]
    assert [call and call.campaign_id for call in calls].count(campaign.pk) == 1
    assert [call and call.campaign_id for call in calls].count(other.pk) == 3
    later = dial_next(now + timedelta(seconds=15))
    assert later is not None
    assert later.campaign_id == campaign.pk


def test_campaigns_of_one_priority_share_by_weight(
    campaign: Campaign, exchange: Exchange, now: datetime
) -> None:
    other = CampaignFactory(running=True, playbook=campaign.playbook, weight=3)
    Campaign.objects.update(max_concurrent=20)
    for _ in range(8):
        enrol(campaign)
        enrol(other)
    calls = [dial_next(now) for _ in range(8)]
    assert [call and call.campaign_id for call in calls].count(other.pk) == 6


def test_a_campaign_that_had_nobody_to_call_does_not_catch_up(
    campaign: Campaign, exchange: Exchange, now: datetime
) -> None:
    other = CampaignFactory(running=True, playbook=campaign.playbook)
    Campaign.objects.update(max_concurrent=20)
    for _ in range(8):
        enrol(campaign)
    for _ in range(4):
        dial_next(now)
    for _ in range(4):
        enrol(other)
    calls = [dial_next(now) for _ in range(4)]
    assert [call and call.campaign_id for call in calls].count(other.pk) == 2


def test_a_campaign_of_high_priority_goes_first(
    campaign: Campaign, exchange: Exchange, now: datetime
) -> None:
    urgent = CampaignFactory(running=True, playbook=campaign.playbook, priority=1)
    for _ in range(2):
        enrol(campaign)
        enrol(urgent)
    calls = [dial_next(now) for _ in range(4)]
    assert [call and call.campaign_id for call in calls][:2] == [urgent.pk, urgent.pk]


def test_promised_callbacks_go_before_campaigns_of_high_priority(
    campaign: Campaign, exchange: Exchange, now: datetime
) -> None:
    high = CampaignFactory(running=True, playbook=campaign.playbook, priority=1)
    enrol(high)
    promised, next_hour = enrol(campaign), enrol(campaign)
    Enrolment.objects.filter(campaign=campaign).update(priority=PROMISED, attempts=9)
    Enrolment.objects.filter(pk=next_hour.pk).update(due_at=now + timedelta(hours=1))
    calls = [dial_next(now) for _ in range(3)]
    assert [call and call.campaign_id for call in calls] == [campaign.pk, high.pk, None]
    assert calls[0] is not None
    assert calls[0].enrolment_id == promised.pk


def test_many_leads_where_it_is_night_do_not_hold_up_one_where_it_is_day(
    campaign: Campaign, exchange: Exchange, now: datetime
) -> None:
    for _ in range(60):
        enrol(campaign)
    early = now + timedelta(hours=-5)  # 7 in Austin, 8 in New York
    awake = enrol(campaign, phone="+12125550177", state="NY", time_zones=["America/New_York"])
    Enrolment.objects.update(due_at=early)
    Enrolment.objects.filter(pk=awake.pk).update(due_at=early + timedelta(seconds=1))
    call = dial_next(early + timedelta(seconds=1))
    assert call is not None
    assert call.enrolment_id == awake.pk
    asleep = Enrolment.objects.filter(state=Enrolment.State.WAITING)
    assert set(asleep.values_list("due_at", flat=True)) == {now - timedelta(hours=4)}
    assert list(asleep.values_list("blocked_reasons", flat=True)[:1]) == [["outside_hours"]]


def test_an_open_circuit_is_told_to_whoever_asks_why_nothing_is_dialled(
    campaign: Campaign, exchange: Exchange, now: datetime
) -> None:
    enrol(campaign)
    for _ in range(20):
        carrier.circuit.failed()
    assert dial_next(now) is None
    until = dialer_state().carrier_down_until
    assert until is not None
    assert until > now
