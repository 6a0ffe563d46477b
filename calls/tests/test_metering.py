"""What a call costs while it runs, to the minute."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal

import pytest
from django.db import transaction

from billing.models import Charge, Price, Reservation
from billing.selectors import call_cost
from billing.services import budget_reserve
from calls.models import Call, Campaign
from calls.policy.metering import begun_minutes, seconds_to_promise
from calls.services.metering import call_meter, minutes_settle, usage_record
from calls.services.notices import call_notify
from tests.factories import BudgetFactory, CallFactory

pytestmark = pytest.mark.django_db


def live_call(campaign: Campaign, answered: datetime, **fields: object) -> Call:
    call: Call = CallFactory(
        campaign=campaign,
        live=True,
        dialed_at=answered,
        answered_at=answered,
        stream_started_at=answered,
        **{"detect_machines": True, **fields},
    )
    with transaction.atomic():
        budget_reserve(
            call_id=call.pk,
            campaign_id=campaign.pk,
            amount=Decimal("0.0435"),
            now=answered,
            expires_at=answered + timedelta(minutes=15),
        )
    return call


@pytest.mark.parametrize(
    ("seconds", "minutes"), [(0, 1), (0.5, 1), (59.9, 1), (60, 1), (60.1, 2), (190, 4)]
)
def test_a_minute_that_has_begun_is_a_minute(seconds: float, minutes: int) -> None:
    assert begun_minutes(seconds) == minutes
    assert seconds_to_promise(seconds) == (minutes + 1) * 60


def test_each_minute_is_charged_once_however_often_it_is_metered(
    campaign: Campaign, now: datetime
) -> None:
    call = live_call(campaign, now)
    for seconds in (1, 5, 5, 30, 59):
        meter = call_meter(call_id=call.pk, now=now + timedelta(seconds=seconds))
    # A minute of line (0.014) and stream (0.004), and one detection (0.0075).
    assert meter.cost == Decimal("0.0255")
    meter = call_meter(call_id=call.pk, now=now + timedelta(seconds=61))
    assert meter.cost == Decimal("0.0435")
    call.refresh_from_db()
    assert call.cost == Decimal("0.0435")


def test_it_beats_the_heart_of_an_active_call_only(campaign: Campaign, now: datetime) -> None:
    call = live_call(campaign, now)
    call_meter(call_id=call.pk, now=now + timedelta(seconds=5))
    call.refresh_from_db()
    assert call.heartbeat_at == now + timedelta(seconds=5)
    Call.objects.filter(pk=call.pk).update(
        state=Call.State.COMPLETED, ended_at=now + timedelta(seconds=6)
    )
    meter = call_meter(call_id=call.pk, now=now + timedelta(minutes=5))
    assert not meter.active
    assert meter.cost == Decimal("0.0255")


def test_the_next_minute_is_promised_before_it_begins(campaign: Campaign, now: datetime) -> None:
    call = live_call(campaign, now)
    call_meter(call_id=call.pk, now=now + timedelta(seconds=61))
    # Three minutes of line and stream, and the detection.
    assert Reservation.objects.get(call=call).amount == Decimal("0.0615")


def test_a_budget_that_is_used_up_presses(campaign: Campaign, now: datetime) -> None:
    BudgetFactory(campaign=campaign, limit=Decimal("0.06"), soft_percent=50)
    call = live_call(campaign, now)
    assert call_meter(call_id=call.pk, now=now + timedelta(seconds=5)).pressure == "soft"
    assert call_meter(call_id=call.pk, now=now + timedelta(seconds=65)).pressure == "hard"


def test_speech_is_paid_for_on_top(campaign: Campaign, now: datetime) -> None:
    call = live_call(campaign, now)
    price = Price.objects.filter(component="tts").exclude(unit_price=0).first()
    assert price is not None
    for _ in range(2):
        usage_record(
            call_id=call.pk,
            component="tts",
            provider=price.provider,
            model=price.model,
            quantity=Decimal("0.4"),
            key="tts:3",
            now=now,
        )
    charge = Charge.objects.get(call=call, component="tts")
    meter = call_meter(call_id=call.pk, now=now + timedelta(seconds=1))
    assert meter.cost == Decimal("0.0255") + charge.amount
    assert Reservation.objects.get(call=call).amount == Decimal("0.0435") + charge.amount


def test_the_carrier_s_recording_is_paid_by_the_minute(campaign: Campaign, now: datetime) -> None:
    call = live_call(campaign, now, recording_policy="carrier", detect_machines=False)
    meter = call_meter(call_id=call.pk, now=now + timedelta(seconds=61))
    assert meter.cost == 2 * (Decimal("0.014") + Decimal("0.004") + Decimal("0.0025"))


def test_the_carrier_s_duration_has_the_last_word(campaign: Campaign, now: datetime) -> None:
    call = live_call(campaign, now, detect_machines=False)
    call_meter(call_id=call.pk, now=now + timedelta(seconds=61))
    Call.objects.filter(pk=call.pk).update(
        state=Call.State.COMPLETED,
        stream_closed_at=now + timedelta(seconds=59),
        ended_at=now + timedelta(seconds=61),
        carrier_seconds=59,
    )
    call.refresh_from_db()
    for _ in range(2):
        minutes_settle(call, now=now + timedelta(minutes=2))
    lines = Charge.objects.filter(call=call, component="telephony_out")
    assert sum(charge.amount for charge in lines) == Decimal("0.014")


def test_minutes_that_we_missed_are_added(campaign: Campaign, now: datetime) -> None:
    call = live_call(campaign, now, detect_machines=False)
    Call.objects.filter(pk=call.pk).update(
        state=Call.State.COMPLETED, ended_at=now + timedelta(seconds=100), carrier_seconds=125
    )
    call.refresh_from_db()
    minutes_settle(call, now=now)
    assert call_cost(call.pk) == 3 * Decimal("0.014") + 2 * Decimal("0.004")


def test_an_unanswered_call_is_free(campaign: Campaign, now: datetime) -> None:
    call = CallFactory(campaign=campaign, unanswered=True, detect_machines=True)
    minutes_settle(call, now=now)
    assert call_cost(call.pk) == 0


def test_a_missing_price_ends_no_call(campaign: Campaign, now: datetime) -> None:
    call = live_call(campaign, now)
    Price.objects.all().delete()
    meter = call_meter(call_id=call.pk, now=now + timedelta(seconds=5))
    assert (meter.cost, meter.pressure) == (Decimal(0), "normal")


def test_the_meter_brings_every_notice(campaign: Campaign, now: datetime) -> None:
    call = live_call(campaign, now)
    call_notify(call_id=call.pk, kind="machine", data={"beep": True}, now=now)
    for _ in range(2):
        meter = call_meter(call_id=call.pk, now=now + timedelta(seconds=5))
        assert [(notice.kind, notice.data) for notice in meter.notices] == [
            ("machine", {"beep": True})
        ]
