"""The ledger: each thing is charged once, nothing is changed, corrections are rows."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from billing.models import Charge
from billing.models.charge import ChargeIsFinal
from billing.selectors import PriceUnknown, call_cost
from billing.services import charge_correct, charge_record
from tests.factories import BudgetFactory, Call, CallFactory

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 11, 23, 16, tzinfo=UTC)


@pytest.fixture
def call() -> Call:
    return CallFactory(live=True)


def record(call: Call, key: str = "k", quantity: str = "1", **other: object) -> Charge:
    values: dict[str, object] = {"component": "telephony_out", "provider": "twilio", "at": NOW}
    return charge_record(
        key=f"{call.pk}:{key}",
        call_id=call.pk,
        campaign_id=call.campaign_id,
        quantity=Decimal(quantity),
        **(values | other),  # type: ignore[arg-type]
    )


def test_it_keeps_how_an_amount_came_about(call: Call):
    charge = record(call, quantity="3.166667")
    charge.refresh_from_db()
    assert charge.quantity == Decimal("3.166667")
    assert charge.billed_quantity == 4
    assert charge.unit == "minute"
    assert charge.unit_price == Decimal("0.014")
    assert charge.amount == Decimal("0.056")
    assert charge.price.provider == "twilio"
    assert charge.is_estimate


def test_the_same_thing_is_charged_once(call: Call):
    assert record(call) == record(call, quantity="99")
    assert call_cost(call.pk) == Decimal("0.014")


def test_a_minute_at_a_time_costs_what_the_whole_does(call: Call):
    for minute in (1, 2, 2, 3, 1):
        record(call, f"telephony_out:{minute}")
    assert call_cost(call.pk) == Decimal("0.042")


def test_characters_are_billed_exactly(call: Call):
    voice = {"component": "tts", "provider": "elevenlabs", "model": "eleven_flash_v2_5"}
    assert record(call, quantity="0.142", **voice).amount == Decimal("0.00852")


def test_it_refuses_to_charge_without_a_price(call: Call):
    with pytest.raises(PriceUnknown):
        record(call, region="FR")
    assert not Charge.objects.exists()


def test_a_charge_can_neither_be_changed_nor_deleted(call: Call):
    charge = record(call)
    charge.amount = Decimal(0)
    for forbidden in (
        charge.save,
        charge.delete,
        Charge.objects.all().delete,
        lambda: Charge.objects.update(amount=0),
        call.charges.all().delete,
    ):
        with pytest.raises(ChargeIsFinal, match="charge_correct"):
            forbidden()
    assert call_cost(call.pk) == Decimal("0.014")


def test_a_correction_is_a_row_with_the_difference(call: Call):
    charge = record(call)
    correction = charge_correct(charge_id=charge.pk, amount=Decimal("0.0131"), now=NOW)
    assert correction.amount == Decimal("-0.0009")
    assert correction.corrects == charge
    assert not correction.is_estimate
    assert call_cost(call.pk) == Decimal("0.0131")


def test_the_same_correction_twice_is_one_and_the_last_one_counts(call: Call):
    charge = record(call)
    for actual in ("0.01", "0.01", "0", "0", "0.02"):
        charge_correct(charge_id=charge.pk, amount=Decimal(actual), now=NOW)
        assert call_cost(call.pk) == Decimal(actual)
    assert charge.corrections.count() == 3


def test_it_refuses_corrections_that_make_no_sense(call: Call):
    charge = record(call)
    with pytest.raises(ValueError, match="less than nothing"):
        charge_correct(charge_id=charge.pk, amount=Decimal("-0.01"), now=NOW)
    correction = charge_correct(charge_id=charge.pk, amount=Decimal(0), now=NOW)
    with pytest.raises(ValueError, match="correction itself"):
        charge_correct(charge_id=correction.pk, amount=Decimal(0), now=NOW)


def test_a_charge_outside_any_call_is_spent_from_the_budgets():
    budget = BudgetFactory()
    charge_record(
        key="number:2026-11", call_id=None, campaign_id=None, component="telephony_in",
        provider="twilio", quantity=Decimal(2), at=NOW,
    )  # fmt: skip
    assert budget.periods.get().spent == Decimal("0.017")
