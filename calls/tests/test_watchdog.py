"""Calls whose record and line no longer agree are found and put right."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from billing.models import Reservation
from calls import carrier
from calls.models import Call, Campaign, Enrolment, OutboxItem
from calls.services.dialer import dial_next
from calls.services.outbox import outbox_run_due
from calls.services.sending import dial_of
from calls.services.watchdog import Watchdog, claims_release, why_look
from calls.tests.conftest import Exchange, enrol, state_of
from tests.factories import CallFactory, CampaignFactory, EnrolmentFactory

pytestmark = pytest.mark.django_db
SECOND = timedelta(seconds=1)


def watch(now: datetime) -> int:
    return Watchdog().watch(now)


def on_the_line(campaign: Campaign, **fields: Any) -> Call:
    """Return a live call that the carrier knows too; everybody's telephone rings there."""
    call: Call = CallFactory(campaign=campaign, live=True, provider_sid="")
    sid = carrier.call_create(dial_of(call)).sid
    Call.objects.filter(pk=call.pk).update(provider_sid=sid, **fields)
    call.refresh_from_db()
    return call


def test_a_healthy_call_is_left_alone(now: datetime) -> None:
    call = CallFactory(live=True, answered_at=now, stream_started_at=now, heartbeat_at=now)
    assert why_look(call, now + 29 * SECOND) == ""


def test_a_call_whose_process_died_is_ended_and_promised_its_after_call_work(
    campaign: Campaign, exchange: Exchange
) -> None:
    now = timezone.now()
    call = on_the_line(campaign, heartbeat_at=now - 31 * SECOND)
    assert watch(now) == 1
    call.refresh_from_db()
    assert call.state in Call.FINAL_STATES
    assert call.end_reason == "process_lost"
    assert exchange.calls[0].is_over
    assert OutboxItem.objects.filter(kind="aftercall", payload={"call": str(call.pk)}).exists()


def test_a_call_the_carrier_has_forgotten_ends_with_its_last_sign_of_life(
    campaign: Campaign, exchange: Exchange
) -> None:
    now = timezone.now()
    last = now - timedelta(minutes=3)
    call = CallFactory(campaign=campaign, live=True, heartbeat_at=last)
    watch(now)
    call.refresh_from_db()
    assert (call.state, call.ended_at) == (Call.State.COMPLETED, last)


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"stream_closed_at": -6}, "stream_closed"),
        ({"stream_started_at": None, "answered_at": -31}, "no_stream"),
        ({"answered_at": -631}, "too_long"),
    ],
)
def test_it_ends_what_must_not_go_on(
    campaign: Campaign, exchange: Exchange, fields: dict[str, Any], reason: str
) -> None:
    now = timezone.now()
    moments = {k: v if v is None else now + v * SECOND for k, v in fields.items()}
    call = on_the_line(campaign, **moments)
    watch(now)
    call.refresh_from_db()
    assert call.state in Call.FINAL_STATES
    assert call.end_reason == reason


def test_a_telephone_that_rings_too_long_is_hung_up(
    campaign: Campaign, exchange: Exchange, now: datetime
) -> None:
    enrol(campaign)
    call = dial_next(now)
    assert call is not None
    watch(now + 84 * SECOND)
    assert not exchange.calls[0].is_over
    watch(now + 86 * SECOND)
    assert exchange.calls[0].is_over
    assert state_of(call) in Call.FINAL_STATES


def test_a_call_whose_answer_was_lost_is_found_by_its_number(
    campaign: Campaign, exchange: Exchange
) -> None:
    now = timezone.now()
    call = CallFactory(campaign=campaign, state=Call.State.UNCONFIRMED, dialed_at=now)
    old = CallFactory(campaign=campaign, ended=True)
    sid = carrier.call_create(dial_of(call)).sid
    Call.objects.filter(pk=old.pk).update(provider_sid=carrier.call_create(dial_of(call)).sid)
    watch(now + SECOND)
    call.refresh_from_db()
    assert call.provider_sid == sid
    assert call.state in (Call.State.DIALING, Call.State.RINGING)
    assert not exchange.calls[0].is_over


def test_a_call_that_is_nowhere_is_failed_after_a_minute(
    campaign: Campaign, exchange: Exchange
) -> None:
    now = timezone.now()
    call = CallFactory(campaign=campaign, state=Call.State.UNCONFIRMED, dialed_at=now)
    watch(now + 59 * SECOND)
    assert state_of(call) == Call.State.UNCONFIRMED
    watch(now + 60 * SECOND)
    call.refresh_from_db()
    assert (call.state, call.end_reason) == (Call.State.FAILED, "not_found")


def test_a_sender_that_died_leaves_an_unconfirmed_call(
    campaign: Campaign, exchange: Exchange
) -> None:
    now = timezone.now()
    call = CallFactory(campaign=campaign, state=Call.State.DIALING, dialed_at=now)
    watch(now + 29 * SECOND)
    assert state_of(call) == Call.State.DIALING
    watch(now + 31 * SECOND)
    assert state_of(call) == Call.State.UNCONFIRMED
    assert exchange.calls == []


def test_a_call_that_was_never_sent_is_failed(campaign: Campaign) -> None:
    call = CallFactory(campaign=campaign)
    watch(call.created_at + 59 * SECOND)
    assert state_of(call) == Call.State.CREATED
    watch(call.created_at + 60 * SECOND)
    call.refresh_from_db()
    assert (call.state, call.end_reason) == (Call.State.FAILED, "never_sent")


def test_a_carrier_that_does_not_answer_changes_nothing_until_the_call_must_be_over(
    campaign: Campaign, no_carrier: None
) -> None:
    now = timezone.now()
    call = CallFactory(campaign=campaign, live=True, dialed_at=now, heartbeat_at=now)
    watch(now + timedelta(minutes=5))
    assert state_of(call) == Call.State.IN_PROGRESS
    watch(now + timedelta(minutes=21))
    assert state_of(call) == Call.State.COMPLETED


def test_it_asks_about_one_call_every_five_seconds_at_most(
    campaign: Campaign, exchange: Exchange
) -> None:
    now = timezone.now()
    CallFactory(campaign=campaign, state=Call.State.UNCONFIRMED, dialed_at=now)
    dog = Watchdog()
    assert [dog.watch(now + n * SECOND) for n in range(7)] == [1, 0, 0, 0, 0, 1, 0]


def test_a_claim_without_a_call_is_released(now: datetime) -> None:
    campaign = CampaignFactory(running=True)
    lost, fresh, called = (
        EnrolmentFactory(
            campaign=campaign, state=Enrolment.State.CLAIMED, claimed_at=now - age * SECOND
        )
        for age in (61, 59, 600)
    )
    CallFactory(campaign=campaign, enrolment=called, lead=called.lead, live=True)
    assert claims_release(now) == 1
    for enrolment, state in ((lost, "waiting"), (fresh, "claimed"), (called, "claimed")):
        enrolment.refresh_from_db()
        assert enrolment.state == state


def test_a_process_killed_while_it_dials_leaves_a_call_that_is_found_and_not_repeated(
    campaign: Campaign, exchange: Exchange, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    enrolment = enrol(campaign)
    real = carrier.call_create

    def killed(dial: carrier.Dial) -> carrier.CarrierCall:
        real(dial)
        raise SystemExit  # the request has left; whoever sent it does not live to read the answer

    monkeypatch.setattr(carrier, "call_create", killed)
    sent = timezone.now()
    with pytest.raises(SystemExit):
        dial_next(now)
    call = Call.objects.get()
    Call.objects.filter(pk=call.pk).update(dialed_at=sent)
    assert dial_next(now + 31 * SECOND) is None
    watch(sent + 31 * SECOND)
    call.refresh_from_db()
    assert call.provider_sid == exchange.calls[0].sid
    enrolment.refresh_from_db()
    assert (len(exchange.calls), enrolment.attempts, enrolment.state) == (1, 1, "claimed")


def test_a_process_killed_before_it_dials_costs_the_lead_no_attempt(
    campaign: Campaign, exchange: Exchange, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    enrolment = enrol(campaign)

    def killed(**_call: Any) -> bool:
        raise SystemExit

    monkeypatch.setattr("calls.services.dialer.call_dial", killed)
    with pytest.raises(SystemExit):
        dial_next(now)
    call = Call.objects.get()
    assert call.state == Call.State.CREATED
    watch(call.created_at + 61 * SECOND)
    outbox_run_due(timezone.now() + timedelta(minutes=5))
    enrolment.refresh_from_db()
    assert (enrolment.state, enrolment.attempts) == ("waiting", 0)
    assert Reservation.objects.get(call=call).state == "released"
    assert exchange.calls == []
