"""Money is promised in every budget that binds a call, grows, and is settled exactly once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.db import transaction
from hypothesis import given, settings
from hypothesis import strategies as st

from billing.models import Budget, BudgetPeriod, Charge, Reservation
from billing.selectors import call_cost
from billing.services import (
    BudgetExhausted,
    NotInTransaction,
    ReservationClosed,
    budget_reserve,
    charge_correct,
    charge_record,
    reservation_extend,
    reservation_release,
    reservation_settle,
    reservations_sweep,
)
from tests.factories import BudgetFactory, Call, CallFactory, CampaignFactory

NOW = datetime(2026, 11, 23, 16, tzinfo=UTC)
LATER = NOW + timedelta(minutes=15)
MINUTE = Decimal("0.014")


@pytest.fixture
def call(db: None) -> Call:
    return CallFactory(live=True)


def reserve(call: Call, amount: str = "0.10", **other: object) -> Reservation:
    values: dict[str, object] = {"now": NOW, "expires_at": LATER}
    return budget_reserve(
        call_id=call.pk,
        campaign_id=call.campaign_id,
        amount=Decimal(amount),
        **(values | other),  # type: ignore[arg-type]
    )


def charge(call: Call, key: str, minutes: int = 1) -> Charge:
    return charge_record(
        key=f"{call.pk}:{key}", call_id=call.pk, campaign_id=call.campaign_id,
        component="telephony_out", provider="twilio", quantity=Decimal(minutes), at=NOW,
    )  # fmt: skip


def standing(budget: Budget) -> tuple[Decimal, Decimal]:
    period = budget.periods.get()
    return period.spent, period.reserved


def extend(call: Call, total: str) -> str:
    return reservation_extend(call_id=call.pk, amount_total=Decimal(total), now=NOW)


def test_it_promises_in_every_budget_that_binds_the_call(call: Call):
    mine = [BudgetFactory(period=period) for period in ("day", "week", "month", "total")]
    mine.append(BudgetFactory(campaign=call.campaign))
    others = [BudgetFactory(campaign=CampaignFactory()), BudgetFactory(active=False)]
    reservation = reserve(call)
    assert {standing(budget) for budget in mine} == {(Decimal(0), Decimal("0.10"))}
    assert not BudgetPeriod.objects.filter(budget__in=others).exists()
    assert reservation.lines.count() == 5


def test_it_records_the_promise_without_any_budget(call: Call):
    assert reserve(call).amount == Decimal("0.10")
    assert extend(call, "0.20") == "normal"
    assert Reservation.objects.get().amount == Decimal("0.20")


def test_it_names_the_budgets_that_refuse_and_promises_nothing(call: Call):
    roomy = BudgetFactory()
    tight = BudgetFactory(name="November", period="month", limit="0.09")
    with pytest.raises(BudgetExhausted, match="November") as caught, transaction.atomic():
        reserve(call)
    assert caught.value.budgets == (tight,)
    assert not Reservation.objects.exists()
    assert not roomy.periods.filter(reserved__gt=0).exists()


def test_it_promises_up_to_the_last_cent_and_not_beyond(call: Call):
    budget = BudgetFactory(limit="0.30")
    for _ in range(3):
        reserve(CallFactory(live=True))
    with pytest.raises(BudgetExhausted):
        reserve(call, "0.000001")
    assert standing(budget) == (0, Decimal("0.30"))


def test_a_new_day_begins_with_a_new_period(call: Call):
    budget = BudgetFactory(limit="0.10")
    reserve(call)
    reserve(CallFactory(live=True), now=NOW + timedelta(days=1))
    assert [period.reserved for period in budget.periods.all()] == [Decimal("0.10")] * 2


def test_a_single_calls_budget_caps_the_call(call: Call):
    BudgetFactory(period="call", limit="0.15")
    with pytest.raises(BudgetExhausted):
        reserve(call, "0.16")
    reserve(call)
    assert [extend(call, total) for total in ("0.11", "0.12", "0.15", "0.16")] == [
        "normal", "soft", "soft", "hard",
    ]  # fmt: skip
    assert Reservation.objects.get().amount == Decimal("0.15")


def test_the_same_call_is_promised_once(call: Call):
    budget = BudgetFactory()
    assert reserve(call) == reserve(call, "5")
    assert standing(budget) == (0, Decimal("0.10"))


def test_a_settled_call_is_not_promised_again(call: Call):
    reserve(call)
    reservation_settle(call_id=call.pk, now=NOW)
    with pytest.raises(ReservationClosed):
        reserve(call)


@pytest.mark.django_db(transaction=True)
def test_it_refuses_to_work_without_a_transaction():
    with pytest.raises(NotInTransaction):
        reserve(CallFactory(live=True))


def test_a_promise_grows_and_presses_as_budgets_fill(call: Call):
    budget = BudgetFactory(limit="0.50", soft_percent=80)
    reserve(call)
    assert extend(call, "0.39") == "normal"
    assert extend(call, "0.40") == "soft"
    assert extend(call, "0.50") == "soft"
    assert extend(call, "0.500001") == "hard"
    assert extend(call, "0.45") == "soft"  # it never shrinks
    assert standing(budget) == (0, Decimal("0.50"))


def test_a_call_without_an_open_promise_is_told_to_end(call: Call):
    assert extend(call, "0.01") == "hard"
    reserve(call)
    reservation_settle(call_id=call.pk, now=NOW)
    assert extend(call, "0.01") == "hard"


def test_settling_spends_what_was_charged_and_frees_the_rest(call: Call):
    budget = BudgetFactory()
    reserve(call)
    charge(call, "1")
    charge(call, "2")
    assert standing(budget) == (0, Decimal("0.10"))
    for _ in range(2):
        assert reservation_settle(call_id=call.pk, now=NOW) == 2 * MINUTE
    assert standing(budget) == (2 * MINUTE, 0)
    reservation = Reservation.objects.get()
    assert (reservation.state, reservation.settled_amount) == ("settled", 2 * MINUTE)
    assert reservation.closed_at == NOW


def test_settling_goes_to_the_period_of_the_promise(call: Call):
    budget = BudgetFactory()
    reserve(call)
    charge(call, "1")
    reservation_settle(call_id=call.pk, now=NOW + timedelta(days=1))
    assert standing(budget) == (MINUTE, 0)


def test_a_call_that_never_was_costs_nothing(call: Call):
    budget = BudgetFactory()
    reserve(call)
    for _ in range(2):
        reservation_release(call_id=call.pk, now=NOW)
    assert standing(budget) == (0, 0)
    assert Reservation.objects.get().state == "released"
    assert reservation_settle(call_id=call.pk, now=NOW) == 0


def test_releasing_does_not_lose_what_was_charged(call: Call):
    budget = BudgetFactory()
    reserve(call)
    charge(call, "1")
    reservation_release(call_id=call.pk, now=NOW)
    assert standing(budget) == (MINUTE, 0)


def test_releasing_and_settling_without_a_promise_change_nothing(call: Call):
    reservation_release(call_id=call.pk, now=NOW)
    assert reservation_settle(call_id=call.pk, now=NOW) == 0


def test_what_is_charged_and_corrected_after_the_end_is_spent(call: Call):
    budget = BudgetFactory()
    reserve(call)
    first = charge(call, "1")
    reservation_settle(call_id=call.pk, now=NOW)
    charge(call, "late")
    assert standing(budget) == (2 * MINUTE, 0)
    charge_correct(charge_id=first.pk, amount=Decimal(0), now=NOW)
    assert standing(budget) == (MINUTE, 0)
    assert call_cost(call.pk) == MINUTE


def test_the_sweep_closes_only_what_has_expired(call: Call):
    budget = BudgetFactory()
    reserve(call)
    charge(call, "1")
    unused = CallFactory(live=True)
    reserve(unused)
    fresh = CallFactory(live=True)
    reserve(fresh, expires_at=LATER + timedelta(hours=1))
    assert reservations_sweep(LATER) == 2
    assert reservations_sweep(LATER) == 0
    assert standing(budget) == (MINUTE, Decimal("0.10"))
    states = dict(Reservation.objects.values_list("call_id", "state"))
    assert states == {call.pk: "settled", unused.pk: "released", fresh.pk: "open"}


steps = st.lists(
    st.one_of(
        st.tuples(st.just("charge"), st.integers(1, 5)),
        st.tuples(st.just("correct"), st.integers(1, 5)),
        st.tuples(st.just("extend"), st.integers(0, 60)),
        st.tuples(st.sampled_from(["settle", "release", "sweep"]), st.just(0)),
    ),
    max_size=12,
)


@settings(max_examples=40, deadline=None)
@given(steps=steps)
@pytest.mark.django_db
def test_in_any_order_the_sums_stay_equal_and_nothing_goes_negative(steps):
    with transaction.atomic():
        budgets = [BudgetFactory(limit=Decimal(limit)) for limit in ("0.30", "1")]
        call = CallFactory(live=True)
        reserve(call)
        for step, number in steps:
            match step:
                case "charge":
                    charge(call, str(number), minutes=number)
                case "correct":
                    first = call.charges.filter(corrects__isnull=True).first()
                    if first:
                        actual = MINUTE * number / 2
                        charge_correct(charge_id=first.pk, amount=actual, now=NOW)
                case "extend":
                    extend(call, str(Decimal(number) / 100))
                case "settle":
                    reservation_settle(call_id=call.pk, now=NOW)
                case "release":
                    reservation_release(call_id=call.pk, now=NOW)
                case "sweep":
                    reservations_sweep(LATER)
            total = sum(call.charges.values_list("amount", flat=True), Decimal(0))
            assert call_cost(call.pk) == total >= 0
            reservation = Reservation.objects.get(call=call)
            for budget in budgets:
                spent, reserved = standing(budget)
                if reservation.state == "open":
                    assert (spent, reserved) == (0, reservation.amount)
                    assert reserved <= budget.limit
                else:
                    assert (spent, reserved) == (total, 0)
        transaction.set_rollback(True)
