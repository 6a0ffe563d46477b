"""A call's voice follows the lead's worth and the money, and the record says when and why."""

from __future__ import annotations

import itertools
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from billing.models import Budget, QualifiedLead
from billing.policy.tiers import TierReason
from billing.services import budget_reserve, reservation_settle
from calls.models import Call, CallEvent, Campaign
from calls.services.aftercall import aftercall_run
from calls.services.dialer import dial_next
from calls.services.inbound import call_receive
from calls.services.metering import Meter, call_meter, usage_record
from calls.services.record import event_record
from calls.services.tiers import tier_begin
from calls.tests.conftest import Exchange, enrol
from leads.models import TimelineEntry
from tests.factories import BudgetFactory, CallFactory, ConsentFactory, LeadFactory, TurnFactory

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("premium_voice")]

# What a seller says who wants to sell at once, as `agents.scoring` counts it.
EAGER = {
    "answers": {
        "motivation": {"type": "choice", "value": "moving", "strength": 3, "said": "we move"},
        "timeframe": {"type": "months", "value": 1, "said": "next month"},
        "price": {"type": "money", "value": 400000, "said": "four hundred"},
        "property": {"type": "property", "value": {"bedrooms": 3}, "said": "three bedrooms"},
        "has_agent": {"type": "yes_no", "value": False, "said": "no agent"},
    },
    "signals": {},
    "memory": {},
}


def begin(campaign: Campaign, now: datetime, mode: str = "by_score", **lead: Any) -> Call:
    """Let a call begin as the dialer does: its money promised, its tier decided."""
    Campaign.objects.filter(pk=campaign.pk).update(voice_tier=mode, premium_from_score=70)
    campaign.refresh_from_db()
    call: Call = CallFactory(
        campaign=campaign, live=True, dialed_at=now, answered_at=now, stream_started_at=now,
        lead=LeadFactory(**lead), detect_machines=False,
    )  # fmt: skip
    with transaction.atomic():
        budget_reserve(
            call_id=call.pk, campaign_id=campaign.pk, amount=Decimal("0.036"), now=now,
            expires_at=now + timedelta(minutes=20),
        )  # fmt: skip
        tier_begin(call=call, now=now)
    return call


def tick(call: Call, now: datetime, seconds: int = 5) -> Meter:
    return call_meter(call_id=call.pk, now=now + timedelta(seconds=seconds))


def decisions(call: Call) -> list[tuple[str, str]]:
    events = CallEvent.objects.filter(call=call, kind="tier").order_by("at")
    return [(event.data["tier"], event.data["reason"]) for event in events]


def hear(call: Call, notes: dict[str, Any]) -> None:
    Call.objects.filter(pk=call.pk).update(notes=notes)


def fail(call: Call, reason: str, now: datetime) -> None:
    """Let voice report what it does when the premium engine gives up."""
    data = {"tier": "local", "before": "premium", "reason": reason}
    event_record(call_id=call.pk, kind="voice_tier", data=data, now=now)


@pytest.mark.parametrize(
    ("mode", "score", "tier", "reason"),
    [
        ("local", 99, "local", "local_only"),
        ("premium", None, "premium", "premium_only"),
        ("by_score", 69, "local", "score_below"),
        ("by_score", 70, "premium", "score_reached"),
    ],
)
def test_a_call_begins_with_the_campaign_s_wish_and_says_why(
    campaign: Campaign, now: datetime, mode: str, score: int | None, tier: str, reason: str
) -> None:
    call = begin(campaign, now, mode, score=score)
    call.refresh_from_db()
    assert call.voice_tier == tier
    assert decisions(call) == [(tier, reason)]
    meter = tick(call, now)
    assert (meter.tier, meter.tier_reason) == (tier, TierReason(reason).words)


def test_the_dialer_and_calls_to_us_decide_alike(
    campaign: Campaign, exchange: Exchange, now: datetime, settings: Any
) -> None:
    Campaign.objects.filter(pk=campaign.pk).update(voice_tier="by_score")
    enrolment = enrol(campaign, score=80)
    dialed = dial_next(now)
    assert dialed is not None
    assert dialed.voice_tier == "premium"
    Call.objects.filter(pk=dialed.pk).update(state=Call.State.COMPLETED, ended_at=now)
    taken = call_receive(
        parameters={
            "AccountSid": settings.ENV.twilio_account_sid, "CallSid": "CA" + "7" * 32,
            "From": str(enrolment.lead.phone), "To": str(campaign.numbers.get().number),
        },
        now=now,
    )  # fmt: skip
    assert taken.voice_tier == "premium"
    assert decisions(taken) == [("premium", "score_reached")]


def test_a_lead_who_proves_to_be_worth_it_is_spoken_to_better(
    campaign: Campaign, now: datetime
) -> None:
    call = begin(campaign, now, score=40)
    assert tick(call, now).tier == "local"
    hear(call, EAGER)
    for seconds in (10, 15):
        assert tick(call, now, seconds).tier == "premium"
    hear(call, {"answers": {}, "signals": {}, "memory": {}})
    assert tick(call, now, 20).tier == "premium"
    assert decisions(call) == [("local", "score_below"), ("premium", "score_reached")]
    [entry] = TimelineEntry.objects.filter(lead=call.lead, call=call)
    assert entry.text.startswith("Voice of the call changed to premium: the lead's score")
    assert entry.at == now + timedelta(seconds=10)
    assert CallEvent.objects.filter(call=call, kind="tier").last().offset_ms == 10_000
    call.refresh_from_db()
    assert call.voice_tier == "local"  # what it began with


def test_a_budget_that_presses_takes_the_voice_down_for_good(
    campaign: Campaign, now: datetime
) -> None:
    budget = BudgetFactory(campaign=campaign, limit=1, soft_percent=80)
    call = begin(campaign, now, score=90)
    assert tick(call, now).tier == "premium"
    Budget.objects.filter(pk=budget.pk).update(limit=Decimal("0.04"))
    meter = tick(call, now, 10)
    assert (meter.tier, meter.pressure) == ("local", "soft")
    Budget.objects.filter(pk=budget.pk).update(limit=1)
    meter = tick(call, now, 15)
    assert (meter.tier, meter.pressure) == ("local", "normal")
    assert decisions(call) == [("premium", "score_reached"), ("local", "budget")]


def test_the_call_s_own_promise_counts_when_it_begins(campaign: Campaign, now: datetime) -> None:
    BudgetFactory(campaign=campaign, limit=Decimal("0.045"), soft_percent=80)
    call = begin(campaign, now, "premium")
    assert decisions(call) == [("local", "budget")]
    assert tick(call, now).tier == "local"


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        ("the premium voice failed: no answer within 2 s", "engine"),
        ("the premium voice failed: 401 quota_exceeded", "quota"),
        ("no premium voice is set up", "engine"),
    ],
)
def test_a_failed_voice_is_not_asked_for_again_on_this_call_nor_the_next(
    campaign: Campaign, now: datetime, words: str, reason: str
) -> None:
    call = begin(campaign, now, score=90)
    fail(call, words, now + timedelta(seconds=8))
    for seconds in (10, 15):
        assert tick(call, now, seconds).tier == "local"
    assert decisions(call) == [("premium", "score_reached"), ("local", reason)]
    Call.objects.update(created_at=now)
    soon = begin(campaign, now + timedelta(minutes=2), score=90)
    assert decisions(soon) == [("local", reason)]
    later = begin(campaign, now + timedelta(minutes=6), score=90)
    assert decisions(later) == [("premium", "score_reached")]


def test_a_change_that_was_asked_for_is_no_failure(campaign: Campaign, now: datetime) -> None:
    call = begin(campaign, now, score=90)
    fail(call, TierReason.BUDGET.words, now)
    Call.objects.update(created_at=now)
    assert decisions(begin(campaign, now, score=90)) == [("premium", "score_reached")]


def test_without_a_premium_voice_nobody_is_promised_one(
    campaign: Campaign, now: datetime, settings: Any
) -> None:
    settings.ENV = settings.ENV.model_copy(
        update={"elevenlabs_api_keys": type(settings.ENV.elevenlabs_api_keys)("")}
    )
    call = begin(campaign, now, score=90)
    hear(call, EAGER)
    assert tick(call, now).tier == "local"
    assert decisions(call) == [("local", "engine")]


def test_a_local_campaign_costs_no_question(campaign: Campaign, now: datetime) -> None:
    call = begin(campaign, now, "local", score=99)
    hear(call, EAGER)
    assert tick(call, now).tier == "local"
    assert decisions(call) == [("local", "local_only")]


def test_a_call_at_its_cap_says_goodbye_and_ends_in_the_minute_it_has_paid(
    campaign: Campaign, now: datetime
) -> None:
    cap = Decimal("0.10")
    BudgetFactory(period="call", limit=cap)
    call = begin(campaign, now, "premium")
    hard_from = None
    for seconds in range(5, 600, 5):
        meter = tick(call, now, seconds)
        if meter.pressure == "hard":
            hard_from = hard_from or seconds
            assert meter.tier == "local"
        if any(notice.kind == "hang_up" for notice in meter.notices):
            break
    # Five minutes of line and stream fit in ten cents: the fifth is there for the goodbye.
    assert (hard_from, seconds) == (245, 290)
    assert tick(call, now, 295).cost == Decimal("0.090") <= cap
    notices = [notice.data for notice in tick(call, now, 299).notices]
    assert notices == [{"reason": "budget"}]


def test_refused_growth_is_the_cheaper_voice_then_goodbye_then_the_end(
    campaign: Campaign, now: datetime
) -> None:
    # No soft share: the budget says nothing until it refuses. Two minutes of line and stream are
    # 0.036, a turn of the premium voice 0.018, so the fourth minute leaves no room for a turn.
    budget = BudgetFactory(campaign=campaign, limit=Decimal("0.10"), soft_percent=100)
    call = begin(campaign, now, "premium")
    told: list[tuple[int, str, str]] = []
    said = 0
    for seconds in range(5, 900, 5):
        meter = tick(call, now, seconds)
        if not told or told[-1][1:] != (meter.pressure, meter.tier):
            told.append((seconds, meter.pressure, meter.tier))
        if any(notice.kind == "hang_up" for notice in meter.notices):
            break
        if meter.tier == "premium" and seconds % 20 == 0 and said < 4:
            said += 1
            usage_record(
                call_id=call.pk, component="tts", provider="elevenlabs", key=f"tts:{seconds}",
                model="eleven_flash_v2_5", quantity=Decimal("0.1"), now=now,
            )  # fmt: skip
    assert [step[1:] for step in told] == [
        ("normal", "premium"), ("soft", "local"), ("normal", "local"), ("hard", "local"),
    ]  # fmt: skip
    assert seconds - told[-1][0] == 45
    assert decisions(call) == [("premium", "premium_only"), ("local", "budget")]
    line = TimelineEntry.objects.get(lead=call.lead, text__startswith="Voice of the call changed")
    assert "a budget is nearly used up" in line.text
    assert line.at == now + timedelta(seconds=told[1][0])
    reservation_settle(call_id=call.pk, now=now)
    assert budget.periods.get().spent <= budget.limit


def test_a_score_that_comes_when_no_turn_can_be_paid_changes_nothing(
    campaign: Campaign, now: datetime
) -> None:
    BudgetFactory(campaign=campaign, limit=Decimal("0.05"), soft_percent=100)
    call = begin(campaign, now)
    hear(call, EAGER)
    assert [tick(call, now, seconds).tier for seconds in (5, 10)] == ["local", "local"]
    assert decisions(call) == [("local", "score_unknown")]


@settings(
    max_examples=4, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(cents=st.integers(4, 13), beats=st.lists(st.integers(4, 7), min_size=1, max_size=9))
def test_a_call_that_obeys_never_costs_more_than_its_cap(
    campaign: Campaign, now: datetime, cents: int, beats: list[int]
) -> None:
    cap = Decimal(cents) / 100
    with transaction.atomic():
        BudgetFactory(period="call", limit=cap)
        call = begin(campaign, now, "local")
        seconds = 0
        for beat in itertools.cycle(beats):
            seconds += beat
            meter = tick(call, now, seconds)
            assert meter.cost <= cap
            if any(notice.kind == "hang_up" for notice in meter.notices) or seconds > 400:
                break
        transaction.set_rollback(True)


def test_a_call_that_qualifies_counts_for_the_budget_that_paid_it(
    campaign: Campaign, now: datetime
) -> None:
    BudgetFactory(measure="per_qualified_lead", limit=2, minimum_spend=5)
    for outcome in ("appointment", "not_interested"):
        call = begin(campaign, now, "local")
        ConsentFactory(lead=call.lead)
        TurnFactory(call=call, index=1, speaker="lead")
        Call.objects.filter(pk=call.pk).update(
            state=Call.State.COMPLETED, outcome=outcome, ended_at=now + timedelta(seconds=50),
            stream_closed_at=now + timedelta(seconds=50), carrier_seconds=50,
        )  # fmt: skip
        for _ in range(2):
            aftercall_run(call_id=call.pk, now=now + timedelta(minutes=1))
    assert QualifiedLead.objects.count() == 1
