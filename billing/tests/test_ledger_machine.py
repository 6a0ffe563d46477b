"""Any sequence of promises, charges, corrections, bills and crashes leaves exact sums.

A machine does what calls do, in any order, and keeps its own books in plain Python. Each step may
die before its transaction commits, and is then done again, or after, and is then done twice.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any, Literal

import pytest
from django.db import transaction
from django.db.models import Sum
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from billing.models import Budget, BudgetPeriod, Charge, Reservation
from billing.policy.limits import period_start
from billing.selectors import call_cost
from billing.services import (
    BudgetExhausted,
    actual_record,
    budget_reserve,
    charge_correct,
    charge_record,
    price_change,
    prices_seed,
    reservation_extend,
    reservation_release,
    reservation_settle,
    reservations_sweep,
)
from tests.factories import BudgetFactory, Call, CallFactory, CampaignFactory

NOW = datetime(2026, 11, 24, 16, tzinfo=UTC)
DAYS = (NOW, NOW + timedelta(days=1))
CENT = Decimal("0.01")
Fate = Literal["lives", "dies_before", "dies_after"]
fates: st.SearchStrategy[Fate] = st.sampled_from(("lives", "dies_before", "dies_after"))
whose = st.integers(0, 3)


class ProcessDiedError(Exception):
    """The process ended before its transaction did."""


@dataclass
class Book:
    """What a call must have cost, as plain arithmetic has it."""

    call: Call
    campaign: Any
    state: Literal["", "open", "settled", "released"] = ""
    day: datetime = NOW
    promised: Decimal = Decimal(0)
    first: dict[str, Decimal] = field(default_factory=dict)
    """What each charge was when it was written; it stays so."""
    worth: dict[str, Decimal] = field(default_factory=dict)
    """What each is worth with its corrections."""
    billed: bool = False

    @property
    def cost(self) -> Decimal:
        return sum(self.worth.values(), Decimal(0))


class Ledger(RuleBasedStateMachine):
    """The ledger and the reservations beside books of our own."""

    @initialize()
    def begin(self) -> None:
        self.transaction = transaction.atomic()
        self.transaction.__enter__()
        prices_seed()
        campaigns = [CampaignFactory(), CampaignFactory()]
        self.books = [
            Book(CallFactory(live=True, campaign=campaign), campaign)
            for campaign in (*campaigns, *campaigns)
        ]
        self.budgets: list[Budget] = [
            BudgetFactory(limit=Decimal("0.30")),
            BudgetFactory(limit=Decimal("0.90"), period="month"),
            BudgetFactory(limit=Decimal("0.25"), period="week", campaign=campaigns[0]),
            BudgetFactory(limit=Decimal("0.15"), period="call"),
        ]
        self.excess = Decimal(0)
        self.price = Decimal("0.014")

    def teardown(self) -> None:
        if hasattr(self, "transaction"):
            transaction.set_rollback(True)
            self.transaction.__exit__(None, None, None)

    def do(self, fate: Fate, work: Callable[[], Any]) -> Any:
        """Do a step as a process would whose fate this is."""
        if fate == "dies_before":
            with suppress(ProcessDiedError), transaction.atomic():
                work()
                raise ProcessDiedError
        result = work()
        if fate == "dies_after":
            work()
        return result

    @rule(who=whose, cents=st.integers(1, 18), day=st.sampled_from(DAYS), fate=fates)
    def reserve(self, who: int, cents: int, day: datetime, fate: Fate) -> None:
        book, amount = self.books[who], CENT * cents
        if book.state in ("settled", "released") or book.worth:
            return

        def work() -> None:
            with transaction.atomic():
                budget_reserve(
                    call_id=book.call.pk, campaign_id=book.campaign.pk, amount=amount, now=day,
                    expires_at=NOW + timedelta(hours=1),
                )  # fmt: skip

        if book.state == "open":
            self.do(fate, work)
        elif self.has_room(book, amount, day):
            self.do(fate, work)
            book.state, book.promised, book.day = "open", amount, day
        else:
            with pytest.raises(BudgetExhausted):
                work()

    @rule(who=whose, cents=st.integers(0, 18), fate=fates)
    def extend(self, who: int, cents: int, fate: Fate) -> None:
        book, total = self.books[who], CENT * cents
        growth = max(total - book.promised, Decimal(0))
        pressure = self.do(
            fate, lambda: reservation_extend(call_id=book.call.pk, amount_total=total, now=NOW)
        )
        if book.state != "open":
            assert pressure == "hard"
        elif growth and self.has_room(book, growth, book.day, total=total):
            assert pressure != "hard"
            book.promised += growth
        elif growth:
            assert pressure == "hard"

    @rule(who=whose, minute=st.integers(1, 6), fate=fates)
    def charge(self, who: int, minute: int, fate: Fate) -> None:
        book, key = self.books[who], f"{who}:{minute}"
        obeys = book.state == "open" and book.cost + self.price <= book.promised
        if key in book.worth or book.state == "":
            return

        written = self.do(
            fate,
            lambda: charge_record(
                key=key, call_id=book.call.pk, campaign_id=book.campaign.pk,
                component="telephony_out", provider="twilio", quantity=Decimal(1), at=book.day,
            ),
        )  # fmt: skip
        assert written.amount == self.price
        book.first[key] = book.worth[key] = written.amount
        if not obeys:
            self.excess += written.amount

    @rule(who=whose, which=st.integers(0, 5), millis=st.integers(0, 40), fate=fates)
    def correct(self, who: int, which: int, millis: int, fate: Fate) -> None:
        book = self.books[who]
        if not book.worth:
            return
        key = sorted(book.worth)[which % len(book.worth)]
        amount = Decimal(millis) / 1000
        charge = Charge.objects.get(key=key)
        self.do(fate, lambda: charge_correct(charge_id=charge.pk, amount=amount, now=NOW))
        self.excess += max(amount - book.worth[key], Decimal(0))
        book.worth[key] = amount

    @rule(who=whose, micros=st.integers(0, 200_000), fate=fates)
    def bill(self, who: int, micros: int, fate: Fate) -> None:
        book, actual = self.books[who], Decimal(micros) / 1_000_000
        self.do(
            fate,
            lambda: actual_record(
                call_id=book.call.pk, component="telephony_out", actual=actual, now=NOW
            ),
        )
        if not book.worth or book.billed:
            return
        # How the bill is shared out is for `billing.policy.shares`; here the sum counts.
        book.billed = True
        self.excess += max(actual - book.cost, Decimal(0))
        for key in book.worth:
            charge = Charge.objects.get(key=key)
            parts = charge.corrections.values_list("amount", flat=True)
            book.worth[key] = charge.amount + sum(parts, Decimal(0))
        assert book.cost == actual

    @rule(who=whose, how=st.sampled_from((reservation_settle, reservation_release)), fate=fates)
    def close(self, who: int, how: Any, fate: Fate) -> None:
        book = self.books[who]
        self.do(fate, lambda: how(call_id=book.call.pk, now=NOW))
        self.closed(book)

    @rule(fate=fates)
    def sweep(self, fate: Fate) -> None:
        self.do(fate, lambda: reservations_sweep(NOW + timedelta(hours=2)))
        for book in self.books:
            self.closed(book)

    @rule(millis=st.integers(10, 20))
    def change_price(self, millis: int) -> None:
        # It holds from a later day: what is charged today, and what was, stays.
        price_change(
            provider="twilio", component="telephony_out", region="US", unit="minute",
            unit_price=Decimal(millis) / 1000, valid_from=date(2026, 12, 24) + self.later(),
            source="test", author=None, now=NOW,
        )  # fmt: skip

    def later(self) -> timedelta:
        self.changes = getattr(self, "changes", 0) + 1
        return timedelta(days=self.changes)

    def closed(self, book: Book) -> None:
        if book.state == "open":
            book.state = "settled" if book.worth else "released"

    def has_room(
        self, book: Book, amount: Decimal, day: datetime, *, total: Decimal | None = None
    ) -> bool:
        for budget in self.budgets:
            if budget.campaign_id not in (None, book.campaign.pk):
                continue
            if budget.period == "call":
                used = Decimal(0) if total is None else total - amount
            else:
                used = sum(self.expected(budget, day), Decimal(0))
            if used + amount > budget.limit:
                return False
        return True

    def expected(self, budget: Budget, day: datetime) -> tuple[Decimal, Decimal]:
        """Return what the budget's period of a day must have spent and promised."""
        spent = reserved = Decimal(0)

        def starts(moment: datetime) -> date:
            return period_start(budget.period, now=moment, time_zone=budget.time_zone)

        for book in self.books:
            binds = budget.campaign_id in (None, book.campaign.pk)
            if not binds or not book.state or starts(book.day) != starts(day):
                continue
            if book.state == "open":
                reserved += book.promised
            else:
                spent += book.cost
        return spent, reserved

    @invariant()
    def the_ledger_is_the_sum_of_its_parts(self) -> None:
        for book in self.books:
            assert call_cost(book.call.pk) == book.cost >= 0
            amounts = dict(
                Charge.objects.filter(call=book.call, corrects=None).values_list("key", "amount")
            )
            assert amounts == book.first
        total = Charge.objects.aggregate(total=Sum("amount"))["total"] or Decimal(0)
        assert round(total, 6) == sum((book.cost for book in self.books), Decimal(0))

    @invariant()
    def every_budget_holds_what_its_calls_spent_and_were_promised(self) -> None:
        for budget in self.budgets:
            for day in DAYS:
                if budget.period == "call":
                    continue
                starts = period_start(budget.period, now=day, time_zone=budget.time_zone)
                row = BudgetPeriod.objects.filter(budget=budget, starts_on=starts).first()
                spent, reserved = self.expected(budget, day)
                assert (row.spent, row.reserved) == (spent, reserved) if row else not spent

    @invariant()
    def nobody_spends_more_than_there_is_but_what_came_unasked(self) -> None:
        for row in BudgetPeriod.objects.select_related("budget"):
            assert row.committed <= row.budget.limit + self.excess

    @invariant()
    def each_call_is_paid_for_once(self) -> None:
        states = dict(Reservation.objects.values_list("call_id", "state"))
        assert states == {book.call.pk: book.state for book in self.books if book.state}


def run(examples: int, steps: int) -> None:
    run_state_machine_as_test(
        Ledger, settings=settings(max_examples=examples, stateful_step_count=steps, deadline=None)
    )


@pytest.mark.django_db
def test_whatever_happens_in_whatever_order_the_sums_are_exact() -> None:
    run(examples=12, steps=15)


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.django_db
def test_whatever_happens_in_whatever_order_the_sums_are_exact_at_length() -> None:
    run(examples=100, steps=40)
