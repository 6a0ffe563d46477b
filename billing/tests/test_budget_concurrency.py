"""Many calls want the last dollar at once: it is promised once, and settled once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from django.db import connection, transaction

from billing.models import BudgetPeriod, Charge, Reservation
from billing.services import (
    BudgetExhausted,
    budget_reserve,
    charge_record,
    prices_seed,
    reservation_extend,
    reservation_release,
    reservation_settle,
)
from tests.factories import BudgetFactory, Call, CallFactory
from tests.threads import at_once, shared_database

pytestmark = pytest.mark.django_db(transaction=True)

NOW = datetime(2026, 11, 23, 16, tzinfo=UTC)
TEN_CENTS = Decimal("0.10")


def reserve(call: Call, amount: Decimal = TEN_CENTS) -> Reservation:
    with transaction.atomic():
        return budget_reserve(
            call_id=call.pk,
            campaign_id=call.campaign_id,
            amount=amount,
            now=NOW,
            expires_at=NOW + timedelta(minutes=15),
        )


def reserve_the_last_dollar(threads: int, folder: Path) -> None:
    calls = [CallFactory(live=True) for _ in range(threads)]
    BudgetFactory(limit=1)
    BudgetFactory(period="total", limit=5)
    for call in calls:
        BudgetFactory(campaign=call.campaign, period="week")
    with shared_database(folder):
        results = at_once(threads, lambda n: reserve(calls[n]))
        promised = [result for result in results if isinstance(result, Reservation)]
        refused = [result for result in results if isinstance(result, BudgetExhausted)]
        assert len(promised) + len(refused) == threads, results
        assert len(promised) == min(threads, 10)
        [standing] = at_once(
            1,
            lambda _: list(
                BudgetPeriod.objects.filter(budget__campaign=None)
                .order_by("budget__limit")
                .values_list("reserved", "spent")
            ),
        )
    assert standing == [(TEN_CENTS * len(promised), 0)] * 2


def test_fifty_calls_on_the_last_dollar_overspend_by_nothing(tmp_path: Path):
    reserve_the_last_dollar(50, tmp_path)


def test_a_call_is_settled_once_however_many_try(tmp_path: Path):
    prices_seed()
    budget = BudgetFactory(limit=1)
    call = CallFactory(live=True)
    reserve(call)

    def charge(number: int) -> Charge:
        return charge_record(
            key=f"{call.pk}:telephony_out:{number % 3}", call_id=call.pk,
            campaign_id=call.campaign_id, component="telephony_out", provider="twilio",
            quantity=Decimal(1), at=NOW,
        )  # fmt: skip

    def work(number: int) -> object:
        match number % 4:
            case 0:
                return reservation_settle(call_id=call.pk, now=NOW)
            case 1:
                return reservation_release(call_id=call.pk, now=NOW)
            case 2:
                return reservation_extend(
                    call_id=call.pk, amount_total=Decimal(number) / 50, now=NOW
                )
        return charge(number // 4)

    with shared_database(tmp_path):
        results = at_once(16, work)
        failed = [result for result in results if isinstance(result, Exception)]
        [(spent, reserved, keys)] = at_once(
            1,
            lambda _: (
                *BudgetPeriod.objects.values_list("spent", "reserved").get(budget=budget),
                Charge.objects.count(),
            ),
        )
    assert failed == []
    assert keys == 3
    assert (spent, reserved) == (Decimal("0.042"), 0)


def test_many_whole_calls_at_once_leave_exact_sums(tmp_path: Path):
    prices_seed()
    many = 40 if connection.vendor == "postgresql" else 8
    calls = [CallFactory(live=True) for _ in range(many)]
    for period in ("day", "week", "month", "total"):
        BudgetFactory(period=period, limit=100)

    def live(number: int) -> Decimal:
        call = calls[number]
        reserve(call)
        for minute in range(1, number % 4 + 1):
            charge_record(
                key=f"{call.pk}:{minute}", call_id=call.pk, campaign_id=call.campaign_id,
                component="telephony_out", provider="twilio", quantity=Decimal(1), at=NOW,
            )  # fmt: skip
            total = TEN_CENTS + Decimal(minute) / 10
            assert reservation_extend(call_id=call.pk, amount_total=total, now=NOW) == "normal"
        return reservation_settle(call_id=call.pk, now=NOW)

    with shared_database(tmp_path):
        results = at_once(many, live)
        standing = at_once(1, lambda _: list(BudgetPeriod.objects.values_list("spent", "reserved")))
    assert not [result for result in results if isinstance(result, Exception)], results
    minutes = sum(number % 4 for number in range(many))
    assert standing == [[(minutes * Decimal("0.014"), 0)] * 4]
