"""What a live call costs is known to the minute that runs, and what the next one adds."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from billing.models import Price
from calls.desk.running_cost import RunningCost, running_costs
from calls.models import Call
from calls.services.metering import call_meter
from tests import factories

pytestmark = pytest.mark.django_db

LINE, STREAM, RECORDING, AMD = (Decimal(text) for text in ("0.014", "0.004", "0.0025", "0.0075"))


def live(now: datetime, *, seconds: float, **more: Any) -> Call:
    answered = now - timedelta(seconds=seconds)
    call: Call = factories.CallFactory(
        live=True,
        began=answered - timedelta(seconds=6),
        answered_at=answered,
        stream_started_at=answered + timedelta(seconds=1),
        **more,
    )
    return call


def cost(call: Call, now: datetime) -> RunningCost:
    return running_costs([call], now=now)[call.pk]


@pytest.mark.parametrize(("seconds", "minutes"), [(2, 1), (59, 1), (62, 2), (190, 4)])
def test_it_is_what_the_meter_charges_whether_the_meter_has_been_or_not(
    seconds: int, minutes: int
) -> None:
    now = timezone.now()
    call = live(now, seconds=seconds)
    before = cost(call, now)
    assert before.spent == minutes * (LINE + STREAM)
    assert call_meter(call_id=call.pk, now=now).cost == before.spent
    assert cost(call, now) == before
    assert before.next_at == call.answered_at + timedelta(minutes=minutes)  # type: ignore[operator]
    assert before.next_amount == LINE + STREAM


def test_the_next_minute_costs_what_it_is_said_to() -> None:
    now = timezone.now()
    call = live(now, seconds=30, recording_policy="carrier", detect_machines=True)
    at_first = cost(call, now)
    assert at_first.spent == LINE + STREAM + RECORDING + AMD
    assert at_first.next_at is not None
    later = at_first.next_at + timedelta(seconds=3)
    assert cost(call, later).spent - at_first.spent == at_first.next_amount


def test_speech_is_in_it_and_another_price_is_used_at_once() -> None:
    now = timezone.now()
    call = live(now, seconds=5)
    price = factories.PriceFactory(component="tts")
    factories.ChargeFactory(call=call, price=price, amount=Decimal("0.0123"))
    assert cost(call, now).spent == LINE + STREAM + Decimal("0.0123")
    Price.objects.filter(provider="twilio", component="telephony_out", region="US").update(
        unit_price=Decimal("0.5")
    )
    assert cost(call, now).next_amount == Decimal("0.5") + STREAM


def test_a_call_that_rings_or_has_ended_has_no_next_minute() -> None:
    now = timezone.now()
    ringing = factories.CallFactory(state=Call.State.RINGING, dialed_at=now)
    ended = factories.CallFactory(ended=True)
    factories.ChargeFactory(call=ended, amount=Decimal("0.056"))
    assert cost(ringing, now) == RunningCost(Decimal(0))
    assert cost(ended, now) == RunningCost(Decimal("0.056"))


def test_pages_tell_it(client: Client) -> None:
    client.force_login(factories.ManagerFactory())
    call = live(timezone.now(), seconds=20)
    card = client.get(reverse("admin:calls_live_json")).json()["cards"][0]["html"]
    news = client.get(reverse("admin:calls_transcript", args=(call.pk,))).json()
    page = client.get(reverse("admin:calls_call_change", args=(call.pk,))).content.decode()
    for text in (card, news["next_minute"], page):
        assert "The next minute adds $0.018" in text
    assert news["cost"] == "$0.0180"
    assert news["next_at"] > timezone.now().timestamp()
