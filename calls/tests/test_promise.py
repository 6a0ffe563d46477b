"""Less than $0.10 a call: by the price list in the database and the rounding of the ledger."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from billing.models import Price
from billing.policy.promise import (
    PROMISE,
    CallPolicy,
    SimulatedCall,
    all_policies,
    call_bill,
    campaign_simulated,
    shipped_assumptions,
)
from billing.selectors import call_estimate
from billing.services import price_change
from calls.desk.promise import default_policy, promise_report, settled_costs, tariffs_on
from calls.models import Campaign
from tests import factories

pytestmark = pytest.mark.django_db

ASSUMED = shipped_assumptions()


def bill(seconds: int, policy: CallPolicy, rank: float = 0.0) -> Decimal:
    return call_bill(
        SimulatedCall(seconds, rank),
        policy,
        tariffs=tariffs_on(timezone.now().date()),
        assumptions=ASSUMED,
    ).total


def test_the_default_policy_is_a_fresh_campaigns_and_keeps_the_promise() -> None:
    report = promise_report(calls=2000, seed=1, day=timezone.now().date())
    fresh = Campaign()
    assert (report.default.policy.voice, report.default.policy.carrier_records) == (
        fresh.voice_tier,
        fresh.recording_policy == "carrier",
    )
    assert report.default.keeps
    assert len(report.outcomes) == 12


def test_the_speech_cache_is_what_keeps_a_premium_call_under_the_promise() -> None:
    for carrier_records in (False, True):
        assert bill(180, CallPolicy("premium", True, carrier_records)) < PROMISE
        assert bill(180, CallPolicy("premium", False, carrier_records)) > PROMISE


@pytest.mark.parametrize("seconds", [1, 59, 60, 61, 180, 190, 600])
@pytest.mark.parametrize("carrier_records", [False, True])
def test_it_bills_the_line_as_calls_are_estimated(seconds: int, carrier_records: bool) -> None:
    assert bill(seconds, CallPolicy("local", True, carrier_records)) == call_estimate(
        seconds=seconds,
        recorded_by_carrier=carrier_records,
        detect_machines=True,
        region="US",
        day=timezone.now().date(),
    )


def test_another_price_gives_another_report() -> None:
    day = timezone.now().date()
    before = promise_report(calls=500, seed=1, day=day).default.three_minutes
    price_change(
        provider="twilio", component="telephony_out", region="US", unit_price=Decimal("0.03"),
        valid_from=day, source="test", author=None, now=timezone.now(),
    )  # fmt: skip
    after = promise_report(calls=500, seed=1, day=day).default
    assert after.three_minutes - before == 3 * Decimal("0.016")
    assert not after.keeps
    with pytest.raises(CommandError, match=r"\$0\.1095"):
        call_command("cost_report", calls=500)


def test_by_score_costs_between_the_two_voices() -> None:
    day = timezone.now().date()
    rows = {
        row.policy.voice: row.per_answered
        for row in promise_report(calls=2000, seed=3, day=day).outcomes
        if row.policy == replace(row.policy, cached=True, carrier_records=False)
    }
    assert rows["local"] < rows["by_score"] < rows["premium"]


def test_a_lead_upgraded_on_the_call_pays_premium_from_then_on() -> None:
    policy = CallPolicy("by_score", False, False)
    upgraded = ASSUMED.premium_from_dial + 0.01
    assert bill(60, policy, upgraded) == bill(60, policy, 0.99)
    assert bill(170, policy, 0.99) < bill(170, policy, upgraded) < bill(170, policy, 0.0)


@given(seed=st.integers(0, 10_000))
def test_simulated_calls_stay_within_their_bounds_and_can_be_repeated(seed: int) -> None:
    calls = campaign_simulated(ASSUMED, calls=50, seed=seed)
    assert calls == campaign_simulated(ASSUMED, calls=50, seed=seed)
    longest = max(kind.longest for kind in ASSUMED.kinds)
    assert all(0 <= call.seconds <= longest for call in calls)


def test_the_simulated_shares_are_those_assumed() -> None:
    calls = campaign_simulated(ASSUMED, calls=20_000, seed=5)
    unanswered = sum(not call.seconds for call in calls) / len(calls)
    assert unanswered == pytest.approx(ASSUMED.kinds[0].share, abs=0.02)


def test_an_unanswered_call_is_free_whatever_the_policy() -> None:
    assert {bill(0, policy) for policy in all_policies(detects_machines=True)} == {Decimal(0)}


def test_the_command_writes_the_same_report_twice(tmp_path: Path) -> None:
    files = [tmp_path / "1.json", tmp_path / "2.json"]
    for file in files:
        call_command("cost_report", calls=800, seed=7, file=file)
    first, second = (json.loads(file.read_text()) for file in files)
    assert first == second
    assert first["default"]["keeps"] is True
    assert len(first["policies"]) == 12
    assert all(len(row) == 3 for row in first["assumptions"])


def test_a_missing_price_is_named() -> None:
    Price.objects.filter(component="recording").delete()
    with pytest.raises(CommandError, match="twilio recording"):
        call_command("cost_report", calls=100)


def test_the_ledger_says_what_calls_really_cost() -> None:
    for cents in (4, 6, 20):
        factories.CallFactory(ended=True, cost=Decimal(cents) / 100)
    factories.CallFactory(unanswered=True)
    row = settled_costs(since=timezone.now() - timedelta(days=1))[0]
    assert (row.tier, row.calls, row.mean, row.p95) == ("local", 3, Decimal("0.1"), Decimal("0.2"))
    assert row.share_under == pytest.approx(2 / 3)


def test_the_page_says_whether_the_promise_holds(client: Client) -> None:
    client.force_login(factories.ManagerFactory())
    factories.CallFactory(ended=True, cost=Decimal("0.0832"))
    text = client.get(reverse("costs-promise")).content.decode()
    assert "The promise holds" in text
    assert "$0.0832" in text
    Price.objects.filter(component="amd").delete()
    assert "twilio amd" in client.get(reverse("costs-promise")).content.decode()
    client.force_login(factories.UserFactory())
    assert client.get(reverse("costs-promise")).status_code == 403


def test_a_campaign_as_it_comes_detects_machines_and_records_at_home() -> None:
    policy = default_policy()
    assert (policy.voice, policy.carrier_records, policy.detects_machines) == (
        "local",
        False,
        True,
    )
