"""Estimates are corrected by what the carrier bills, once."""

from __future__ import annotations

import json
import time
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.urls import reverse
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from billing.models import Charge, Reconciliation, VarianceAlert, VarianceRule
from billing.policy.shares import split
from billing.selectors import call_cost, charges_total
from billing.services import actual_record, charge_record
from calls import carrier
from calls.desk.dashboard import needs_a_person
from calls.desk.variance import variances
from calls.jobs import HANDLERS
from calls.models import Call, OutboxItem, WebhookDelivery
from calls.services.reconciliation import costs_reconcile
from calls.services.variance_alerts import variances_watch
from calls.services.webhook_endpoints import endpoint_add
from calls.tests.conftest import Exchange
from calls.tests.test_carrier import DIAL
from tests.factories import BudgetFactory, CallFactory, ManagerFactory, ReconciliationFactory

pytestmark = pytest.mark.django_db

money = st.decimals(min_value=0, max_value=1000, places=6)


def settled_call(*, minutes: int = 2, **fields: Any) -> Call:
    call: Call = CallFactory(ended=True, **fields)
    for minute in range(1, minutes + 1):
        charge_record(
            key=f"{call.pk}:telephony_out:{minute}",
            call_id=call.pk,
            campaign_id=call.campaign_id,
            component="telephony_out",
            provider="twilio",
            quantity=Decimal(1),
            at=timezone.now(),
        )
    return call


@given(total=money, weights=st.lists(money, min_size=1, max_size=9))
def test_parts_sum_up_to_the_whole(total: Decimal, weights: list[Decimal]) -> None:
    parts = split(total, weights)
    assert sum(parts) == total
    assert all(part >= 0 for part in parts)


def test_a_bill_corrects_the_ledger_and_the_budgets_once() -> None:
    budget = BudgetFactory()
    call = settled_call(minutes=3)
    rows = [
        actual_record(
            call_id=call.pk,
            component="telephony_out",
            actual=Decimal("0.05"),
            now=timezone.now(),
        )
        for _ in range(2)
    ]
    assert rows[0] == rows[1]
    assert rows[0] is not None
    assert (rows[0].estimated, rows[0].actual) == (Decimal("0.042"), Decimal("0.05"))
    assert call_cost(call.pk) == Decimal("0.05")
    assert budget.periods.get().spent == Decimal("0.05")
    assert Charge.objects.filter(corrects__isnull=False, is_estimate=False).count() == 3


def test_nothing_charged_is_nothing_to_correct() -> None:
    call = CallFactory(ended=True)
    assert (
        actual_record(call_id=call.pk, component="recording", actual=Decimal(1), now=timezone.now())
        is None
    )


def carrier_call(exchange: Exchange, *, seconds: int) -> str:
    """Return the sid of a call that the carrier has billed for some seconds."""
    sid = carrier.call_create(DIAL).sid
    made = exchange.calls[-1]
    carrier.call_end(sid)
    deadline = time.monotonic() + 5
    while made.ended is None and time.monotonic() < deadline:
        time.sleep(0.02)
    made.status = "completed"
    made.ended = timezone.now() - timedelta(seconds=2)
    made.started = made.ended - timedelta(seconds=seconds)
    return sid


def test_the_carriers_price_replaces_the_estimate(exchange: Exchange) -> None:
    sid = carrier_call(exchange, seconds=130)
    call = settled_call(minutes=2, provider_sid=sid)
    now = timezone.now()
    first = costs_reconcile(now=now, since=now - timedelta(days=1))
    again = costs_reconcile(now=now, since=now - timedelta(days=1))
    assert (first.checked, again.checked) == (1, 0)
    assert call_cost(call.pk) == Decimal("0.042")
    call.refresh_from_db()
    assert call.cost == Decimal("0.042")


def test_a_price_that_is_not_known_yet_is_asked_for_again(exchange: Exchange) -> None:
    sid = carrier_call(exchange, seconds=130)
    exchange.calls[-1].ended = timezone.now() + timedelta(minutes=1)
    settled_call(provider_sid=sid)
    now = timezone.now()
    done = costs_reconcile(now=now, since=now - timedelta(days=1))
    assert (done.checked, done.waiting) == (0, 1)
    assert not Reconciliation.objects.exists()
    exchange.calls[-1].ended = timezone.now() - timedelta(seconds=2)
    assert costs_reconcile(now=now, since=now - timedelta(days=1)).checked == 1


def test_a_recording_without_a_price_waits_while_the_line_is_settled(exchange: Exchange) -> None:
    sid = carrier_call(exchange, seconds=50)
    call = settled_call(minutes=1, provider_sid=sid)
    charge_record(
        key=f"{call.pk}:recording:1",
        call_id=call.pk,
        campaign_id=None,
        component="recording",
        provider="twilio",
        quantity=Decimal(1),
        at=timezone.now(),
    )
    assert carrier.recordings_price(sid) is None
    now = timezone.now()
    done = costs_reconcile(now=now, since=now - timedelta(days=1))
    assert (done.checked, done.waiting) == (1, 1)
    assert Reconciliation.objects.get().component == "telephony_out"


def test_one_call_that_the_carrier_does_not_know_holds_up_no_other(exchange: Exchange) -> None:
    settled_call(provider_sid="CA" + "9" * 32)
    settled_call(provider_sid=carrier_call(exchange, seconds=50))
    now = timezone.now()
    done = costs_reconcile(now=now, since=now - timedelta(days=1))
    assert (done.checked, done.failed) == (1, 1)


def test_the_command_reports_the_variance_by_component(
    exchange: Exchange, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settled_call(minutes=2, provider_sid=carrier_call(exchange, seconds=50))
    file = tmp_path / "result.json"
    call_command("reconcile_costs", file=file)
    row = json.loads(file.read_text())["variances"][0]
    assert (row["component"], row["estimated"], row["actual"], row["alert"]) == (
        "telephony_out",
        "0.028000",
        "0.014000",
        True,
    )
    assert "look at its price" in capsys.readouterr().out


def test_the_command_fails_when_the_carrier_cannot_be_asked(no_carrier: None) -> None:
    settled_call()
    with pytest.raises(CommandError, match="run it again"):
        call_command("reconcile_costs")


def test_a_small_variance_alerts_nobody_and_a_large_one_is_on_the_dashboard() -> None:
    now = timezone.now()
    ReconciliationFactory(actual=Decimal("0.057"))
    assert not [row for row in needs_a_person(now) if "estimate" in row.text]
    ReconciliationFactory(actual=Decimal("0.080"))
    found = [row for row in needs_a_person(timezone.now()) if "estimate" in row.text]
    assert found[0].text.startswith("Telephony, outbound is billed +22 %")
    assert variances(since=now - timedelta(days=1))[0].difference == Decimal("0.025")


def test_a_component_that_is_off_is_told_of_once_a_day(
    settings: Any, mailoutbox: list[Any]
) -> None:
    settings.EMAIL_HOST = "mail.example.com"
    VarianceRule.objects.create(percent=10, notify="ana@example.com, ben@example.com")
    endpoint_add(
        name="CRM", url="https://crm.example.com/", events=["cost.variance"], actor=None,
        now=timezone.now(),
    )  # fmt: skip
    ReconciliationFactory(actual=Decimal("0.080"))
    now = timezone.now()
    assert [variances_watch(now), variances_watch(now)] == [1, 0]
    for _ in range(2):
        for item in OutboxItem.objects.filter(kind="variance_alert"):
            HANDLERS["variance_alert"](item.payload, now)
    [mail] = mailoutbox
    assert mail.to == ["ana@example.com", "ben@example.com"]
    assert mail.subject == "Telephony, outbound: billed otherwise than estimated"
    assert "Estimated: $0.0560" in mail.body
    assert "Billed: $0.08" in mail.body
    sent = json.loads(WebhookDelivery.objects.get().body)
    assert sent["data"]["component"] == "telephony_out"
    assert sent["data"]["percent"] == "42.9"
    # The next day it is told of again, while it lasts.
    assert variances_watch(now + timedelta(days=1)) == 1
    assert variances_watch(now + timedelta(days=9)) == 0


def test_a_manager_says_from_when_on_it_is_told_of(client: Any) -> None:
    client.force_login(ManagerFactory())
    ReconciliationFactory(actual=Decimal("0.080"))
    page = client.get(reverse("admin:billing_variancerule_changelist"), follow=True)
    [(address, _)] = page.redirect_chain
    client.post(address, {"percent": "50", "least": "0", "notify": ""})
    assert variances_watch(timezone.now()) == 0
    client.post(address, {"percent": "40", "least": "1", "notify": ""})
    assert variances_watch(timezone.now()) == 0
    client.post(address, {"percent": "40", "least": "0.01", "notify": "no address"})
    assert VarianceRule.objects.get().least == 1
    client.post(address, {"percent": "40", "least": "0.01", "notify": ""})
    assert variances_watch(timezone.now()) == 1
    assert b"$0.08" in client.get(reverse("admin:billing_variancealert_changelist")).content


def test_the_night_s_reconciliation_looks_at_it(exchange: Exchange) -> None:
    ReconciliationFactory(actual=Decimal("0.080"))
    call_command("reconcile_costs")
    call_command("reconcile_costs")
    assert VarianceAlert.objects.count() == 1


def test_the_alert_leads_to_the_bills(client: Any) -> None:
    client.force_login(ManagerFactory())
    row = ReconciliationFactory(actual=Decimal("0.080"))
    answer = client.get(
        reverse("admin:billing_reconciliation_changelist"), {"component__exact": row.component}
    )
    assert b"$0.024" in answer.content


def test_all_charges_still_sum_up_to_their_parts() -> None:
    call = settled_call(minutes=3)
    actual_record(
        call_id=call.pk, component="telephony_out", actual=Decimal("0.01"), now=timezone.now()
    )
    rows = Charge.objects.filter(call=call)
    assert charges_total(rows) == sum((row.amount for row in rows), Decimal(0)) == Decimal("0.01")
