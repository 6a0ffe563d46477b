"""Passing a live call on to a human: who is rung, who gets it, and what the lead hears of it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from calls.models import Call, CallEvent, Campaign, RepLine, Transfer, TransferLeg
from calls.services.notices import notices_of
from calls.services.outbox import outbox_run_due
from calls.services.transfers import (
    ANSWER_BY,
    HAND_OVER_BY,
    listener_add,
    transfer_connect,
    transfer_request,
    transfers_sweep,
)
from calls.services.watchdog import why_look
from calls.tests.conftest import Exchange, Post
from tests.factories import CallFactory, LeadFactory, UserFactory

pytestmark = pytest.mark.django_db

SID = "CA" + "4" * 32
REP_SID = "CA" + "5" * 32


@pytest.fixture
def call(campaign: Campaign) -> Call:
    """A call that the agent has on the line."""
    now = timezone.now()
    made: Call = CallFactory(
        campaign=campaign,
        live=True,
        provider_sid=SID,
        answered_at=now - timedelta(seconds=30),
        stream_started_at=now - timedelta(seconds=29),
        heartbeat_at=now,
    )
    return made


@pytest.fixture
def rep() -> Callable[..., User]:
    def make(name: str, *, phone: str = "", **line: Any) -> User:
        user: User = UserFactory(first_name=name)
        RepLine.objects.create(
            user=user,
            available=line.pop("available", True),
            via="phone" if phone else "browser",
            phone=phone,
            **line,
        )
        return user

    return make


Rep = Callable[..., User]
PHONE = "+15125550177"


def request(call: Call, **options: Any) -> bool:
    return transfer_request(
        call_id=call.pk, reason="wants a person", now=options.pop("now", timezone.now()), **options
    )


def ring(call: Call) -> TransferLeg:
    """Do the ringing that was promised, and return the first telephone."""
    outbox_run_due(timezone.now())
    leg: TransferLeg = TransferLeg.objects.filter(transfer__call=call).order_by("pk").first()
    return leg


def news(call: Call) -> list[dict[str, Any]]:
    return [dict(notice.data) for notice in notices_of(call.pk) if notice.kind == "transfer"]


def on_leg(post: Post, name: str, leg: TransferLeg, **fields: str) -> str:
    leg.refresh_from_db()
    fields.setdefault("CallSid", leg.provider_sid or REP_SID)
    answer = post(name, **fields, kwargs={"leg": leg.pk})
    assert answer.status_code in (200, 204), answer.content
    return answer.content.decode()


# Who is rung


def test_the_owner_is_rung_and_those_who_are_available(
    call: Call, exchange: Exchange, rep: Rep
) -> None:
    rep("Away", phone="+15125550171", available=False)
    rep("Closed")  # a browser that nobody has open
    others = [rep("Open", browser_seen_at=timezone.now()), rep("Phone", phone=PHONE)]
    owner = rep("Owner", phone="+15125550172")
    call.lead.owner = owner
    call.lead.save()
    assert request(call)
    ring(call)
    assert {one.to for one in exchange.calls} == {
        "+15125550172",
        f"client:rep_{others[0].pk}",
        PHONE,
    }
    assert {one.request.time_limit_s for one in exchange.calls} == {3600}


def test_with_nobody_available_the_agent_knows_at_once(call: Call, rep: Rep) -> None:
    rep("Away", available=False, phone=PHONE)
    assert not request(call)
    assert not Transfer.objects.exists()


def test_asking_twice_rings_once(call: Call, exchange: Exchange, rep: Rep) -> None:
    rep("Dana", phone=PHONE)
    assert request(call)
    assert request(call)
    ring(call)
    outbox_run_due(timezone.now())
    assert len(exchange.calls) == 1


def test_a_colleague_who_is_on_a_call_is_not_rung(call: Call, exchange: Exchange, rep: Rep) -> None:
    dana = rep("Dana", phone=PHONE)
    other = CallFactory(campaign=call.campaign, lead=LeadFactory(), live=True)
    busy = Transfer.objects.create(
        call=other, state=Transfer.State.CONNECTED, rep=dana, expires_at=timezone.now()
    )
    TransferLeg.objects.create(transfer=busy, rep=dana, address=PHONE, state="joined")
    assert not request(call)


# Who gets it


def test_a_key_after_the_summary_takes_the_call(
    call: Call, exchange: Exchange, rep: Rep, post: Post
) -> None:
    call.lead.first_name, call.lead.score = "Erin", 80
    call.lead.save()
    rep("Dana", phone=PHONE)
    request(call)
    leg = ring(call)
    told = on_leg(post, "leg-answer", leg)
    assert "Erin" in told
    assert "Score 80" in told
    assert "<Gather" in told
    assert news(call) == []
    assert f"transfer-{leg.transfer_id}</Conference>" in on_leg(post, "leg-key", leg, Digits="1")
    assert news(call) == [{"ok": True, "name": "Dana"}]
    assert Transfer.objects.get().state == "accepted"


def test_a_key_without_meaning_is_asked_for_again(
    call: Call, exchange: Exchange, rep: Rep, post: Post
) -> None:
    rep("Dana", phone=PHONE)
    request(call)
    leg = ring(call)
    on_leg(post, "leg-answer", leg)
    assert "<Gather" in on_leg(post, "leg-key", leg, Digits="7")
    assert Transfer.objects.get().state == "ringing"


def test_picking_up_in_the_browser_takes_the_call(
    call: Call, exchange: Exchange, rep: Rep, post: Post
) -> None:
    rep("Dana", browser_seen_at=timezone.now())
    request(call)
    assert "<Conference" in on_leg(post, "leg-answer", ring(call))
    assert news(call)[0]["ok"]


def test_a_cold_transfer_takes_whoever_answers(
    call: Call, exchange: Exchange, rep: Rep, post: Post, campaign: Campaign
) -> None:
    Campaign.objects.filter(pk=campaign.pk).update(transfer_mode="cold")
    rep("Dana", phone=PHONE)
    request(call)
    assert "<Conference" in on_leg(post, "leg-answer", ring(call))


def test_of_two_who_press_the_first_has_it(
    call: Call, exchange: Exchange, rep: Rep, post: Post
) -> None:
    rep("Dana", phone=PHONE)
    rep("Robin", phone="+15125550178")
    request(call)
    ring(call)
    first, second = TransferLeg.objects.filter(transfer__call=call)
    for leg in (first, second):
        on_leg(post, "leg-answer", leg)
    assert "<Conference" in on_leg(post, "leg-key", first, Digits="1")
    assert "no longer waiting" in on_leg(post, "leg-key", second, Digits="1")
    assert "<Conference" in on_leg(post, "leg-key", first, Digits="1"), "a repeated webhook"
    assert [one.status for one in exchange.calls].count("canceled") <= 1
    assert len(news(call)) == 1


def test_when_everybody_declines_the_agent_is_told(
    call: Call, exchange: Exchange, rep: Rep, post: Post
) -> None:
    rep("Dana", phone=PHONE)
    request(call)
    leg = ring(call)
    on_leg(post, "leg-answer", leg)
    on_leg(post, "leg-key", leg, Digits="2")
    assert news(call) == [{"ok": False, "asked": True}]
    assert Transfer.objects.get().failed_because == "nobody_took_it"


@pytest.mark.parametrize("status", ["busy", "no-answer", "failed"])
def test_when_no_telephone_answers_the_agent_is_told(
    call: Call, exchange: Exchange, rep: Rep, post: Post, status: str
) -> None:
    rep("Dana", phone=PHONE)
    request(call)
    leg = ring(call)
    on_leg(post, "leg-status", leg, CallStatus=status, SequenceNumber="0")
    on_leg(post, "leg-status", leg, CallStatus=status, SequenceNumber="0")
    assert news(call) == [{"ok": False, "asked": True}]


def test_a_telephone_that_the_carrier_refuses_is_none(
    call: Call, exchange: Exchange, rep: Rep
) -> None:
    rep("Dana", phone="+15005550001")
    request(call)
    ring(call)
    assert news(call) == [{"ok": False, "asked": True}]


def test_ringing_ends_by_itself(call: Call, exchange: Exchange, rep: Rep) -> None:
    rep("Dana", phone=PHONE)
    request(call)
    ring(call)
    transfers_sweep(timezone.now())
    assert news(call) == []
    transfers_sweep(timezone.now() + ANSWER_BY)
    assert news(call) == [{"ok": False, "asked": True}]


# Putting the lead through


@pytest.fixture
def accepted(call: Call, exchange: Exchange, rep: Rep, post: Post) -> Transfer:
    """A transfer that Dana has taken."""
    # The lead's call, as the carrier has it.
    from calls import carrier
    from calls.tests.test_carrier import DIAL

    sid = carrier.call_create(DIAL).sid
    Call.objects.filter(pk=call.pk).update(provider_sid=sid)
    call.refresh_from_db()
    rep("Dana", phone=PHONE)
    request(call)
    leg = ring(call)
    on_leg(post, "leg-answer", leg)
    on_leg(post, "leg-key", leg, Digits="1")
    return Transfer.objects.get()


def lead_sent(post: Post, transfer: Transfer) -> str:
    sid = Call.objects.get(pk=transfer.call_id).provider_sid
    answer = post("transfer-lead", CallSid=sid, kwargs={"transfer": transfer.pk})
    return answer.content.decode()


def test_the_lead_meets_the_human_and_the_watchdog_lets_them_talk(
    accepted: Transfer, post: Post
) -> None:
    now = timezone.now()
    assert transfer_connect(call_id=accepted.call_id, now=now)
    assert accepted.room in lead_sent(post, accepted)
    accepted.refresh_from_db()
    call = accepted.call
    assert (accepted.state, call.outcome) == ("connected", "transferred")
    Call.objects.filter(pk=call.pk).update(stream_closed_at=now)
    call.refresh_from_db()
    assert why_look(call, now + timedelta(minutes=30)) == ""
    assert why_look(call, now + timedelta(minutes=63)) == "too_long"
    assert accepted.room in lead_sent(post, accepted), "a repeated webhook"


def test_a_lead_whose_end_nobody_reports_is_looked_for_when_the_human_is_gone(
    accepted: Transfer, post: Post
) -> None:
    now = timezone.now()
    transfer_connect(call_id=accepted.call_id, now=now)
    lead_sent(post, accepted)
    leg = accepted.legs.get()
    on_leg(post, "leg-status", leg, CallStatus="completed", SequenceNumber="0", CallDuration="9")
    call = Call.objects.get(pk=accepted.call_id)
    assert why_look(call, now) == ""
    later = timezone.now() + timedelta(seconds=31)
    assert why_look(call, later) == "human_gone"


def test_a_lead_whose_human_is_gone_is_told_and_called_again(
    accepted: Transfer, post: Post
) -> None:
    leg = accepted.legs.get()
    transfer_connect(call_id=accepted.call_id, now=timezone.now())
    on_leg(post, "leg-status", leg, CallStatus="completed", SequenceNumber="0", CallDuration="9")
    assert "cut off" in lead_sent(post, accepted)
    call = Call.objects.get(pk=accepted.call_id)
    assert call.outcome == "callback"
    assert call.callback_at is not None


def test_a_human_who_hangs_up_before_the_lead_comes_leaves_the_lead_with_the_agent(
    accepted: Transfer, post: Post
) -> None:
    leg = accepted.legs.get()
    on_leg(post, "leg-status", leg, CallStatus="completed", SequenceNumber="0", CallDuration="9")
    assert news(accepted.call)[-1] == {"ok": False, "asked": True}


def test_a_process_that_dies_after_the_key_leaves_nobody_waiting(
    accepted: Transfer, exchange: Exchange
) -> None:
    transfers_sweep(timezone.now() + HAND_OVER_BY)
    assert Call.objects.get(pk=accepted.call_id).handed_over_at is not None
    lead = exchange.simulator.calls[accepted.call.provider_sid]
    assert lead.request.time_limit_s > 600


def test_a_lead_who_hangs_up_meanwhile_leaves_no_telephone_ringing(
    call: Call, exchange: Exchange, rep: Rep
) -> None:
    rep("Dana", phone=PHONE)
    request(call)
    ring(call)
    now = timezone.now()
    Call.objects.filter(pk=call.pk).update(state=Call.State.COMPLETED, ended_at=now)
    transfers_sweep(now)
    assert Transfer.objects.get().failed_because == "lead_hung_up"
    exchange.run(exchange.simulator.wait_for(exchange.calls[0].sid, 5))
    assert exchange.calls[0].status == "canceled"
    assert news(call) == []


# Money


def test_every_leg_and_seat_is_paid(accepted: Transfer, post: Post) -> None:
    transfer_connect(call_id=accepted.call_id, now=timezone.now())
    lead_sent(post, accepted)
    later = timezone.now() + timedelta(seconds=90)
    for _ in range(2):
        transfers_sweep(later)
    charges = {
        part: sum(charge.amount for charge in accepted.call.charges.filter(component=part))
        for part in ("transfer", "conference")
    }
    # Two begun minutes of the telephone; two of each of the two seats.
    assert charges == {"transfer": Decimal("0.028"), "conference": Decimal("0.0072")}


# Supervisors


def test_a_takeover_rings_only_the_supervisor_and_needs_no_key(
    call: Call, exchange: Exchange, rep: Rep, post: Post
) -> None:
    rep("Dana", phone=PHONE)
    boss = rep("Boss", phone="+15125550199", available=False)
    assert request(call, kind=Transfer.Kind.TAKEOVER, actor=boss)
    leg = ring(call)
    assert [one.to for one in exchange.calls] == ["+15125550199"]
    assert "<Conference" in on_leg(post, "leg-answer", leg)
    event = CallEvent.objects.get(call=call, kind="transfer.takeover")
    assert event.data["by"] == boss.pk


def test_a_takeover_that_fails_is_nothing_to_the_lead(
    call: Call, exchange: Exchange, rep: Rep, post: Post
) -> None:
    boss = rep("Boss", phone="+15125550199")
    request(call, kind=Transfer.Kind.TAKEOVER, actor=boss)
    on_leg(post, "leg-status", ring(call), CallStatus="busy", SequenceNumber="0")
    assert news(call) == [{"ok": False, "asked": False}]


def test_a_supervisor_hears_a_human_s_call_and_is_not_heard(
    accepted: Transfer, exchange: Exchange, rep: Rep, post: Post
) -> None:
    boss = rep("Boss", phone="+15125550199")
    assert not listener_add(call_id=accepted.call_id, actor=boss, now=timezone.now())
    transfer_connect(call_id=accepted.call_id, now=timezone.now())
    lead_sent(post, accepted)
    assert listener_add(call_id=accepted.call_id, actor=boss, now=timezone.now())
    outbox_run_due(timezone.now())
    leg = accepted.legs.get(rep=boss)
    told = on_leg(post, "leg-answer", leg)
    assert 'muted="true"' in told
    on_leg(post, "leg-status", leg, CallStatus="completed", SequenceNumber="0", CallDuration="9")
    accepted.refresh_from_db()
    assert accepted.state == "connected", "the talk goes on"


# Strangers


def test_nobody_but_the_carrier_takes_a_call(
    call: Call, exchange: Exchange, rep: Rep, post: Post
) -> None:
    rep("Dana", phone=PHONE)
    request(call)
    leg = ring(call)
    answer = post("leg-key", Digits="1", signature="x", kwargs={"leg": leg.pk})
    assert answer.status_code == 403
    answer = post("leg-key", Digits="1", CallSid="CA" + "9" * 32, kwargs={"leg": leg.pk})
    assert answer.status_code == 403
    assert Transfer.objects.get().state == "ringing"


def test_a_call_that_is_over_is_not_passed_on(call: Call, rep: Rep) -> None:
    rep("Dana", phone=PHONE)
    Call.objects.filter(pk=call.pk).update(state=Call.State.COMPLETED, ended_at=timezone.now())
    assert not request(call)
