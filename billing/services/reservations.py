"""Money is promised before a call is dialled, grows while it runs, and is settled exactly once."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from uuid import UUID

import structlog
from django.db import transaction

from billing.models import Budget, BudgetPeriod, Reservation, ReservationLine
from billing.policy.limits import Pressure, budget_pressure, hardest
from billing.policy.rounding import micro
from billing.selectors import call_cost
from billing.services.periods import (
    period_count,
    periods_lock,
    periods_relock,
    require_transaction,
)
from billing.standing import budgets_for, period_limit

logger = structlog.get_logger(__name__)


class BudgetExhausted(Exception):  # noqa: N818 - says what happened, and is a contract
    """A call would cost more than is left.

    `budgets` are the ones that refuse, `amount` is what was asked for in USD.
    """

    def __init__(self, budgets: Sequence[Budget], amount: Decimal) -> None:
        self.budgets = tuple(budgets)
        self.amount = amount
        names = ", ".join(budget.name for budget in budgets)
        super().__init__(f"Not enough is left in: {names}. Raise the limit or wait for its period.")


class ReservationClosed(Exception):  # noqa: N818 - says what happened
    """The call's money was settled or released already: a call is paid for once."""


def budget_reserve(
    *,
    call_id: UUID,
    campaign_id: UUID | None,
    amount: Decimal,
    now: datetime,
    expires_at: datetime,
) -> Reservation:
    """Promise money to a call in every budget that binds it, or in none.

    Call it in the transaction that makes the call's row, so that neither is there without the
    other. Without any budget there is nothing to exceed, and the promise is recorded all the same.
    Repeated for the same call it returns the promise that is there.

    Args:
        amount: USD that the call is expected to need.
        expires_at: when the call is over whatever happened, for `reservations_sweep`.

    Raises:
        BudgetExhausted: naming the budgets in which not enough is left. Nothing is promised then.
        ReservationClosed: the call's promise was settled or released before.
        NotInTransaction: there is no transaction around.
    """
    require_transaction()
    if amount < 0:
        raise ValueError("A reservation cannot be negative.")
    amount = micro(amount)
    known = Reservation.objects.select_for_update().filter(call_id=call_id).first()
    if known is not None:
        if known.state != Reservation.State.OPEN:
            raise ReservationClosed(f"The money of call {call_id} is {known.state} already.")
        return known
    budgets = budgets_for(campaign_id)
    periods = periods_lock(budgets, now=now)
    refusing = [
        budget
        for budget in budgets
        if budget.period == Budget.Period.CALL and amount > budget.limit
    ]
    refusing += [
        period.budget for period in periods if period.committed + amount > period_limit(period)
    ]
    if refusing:
        raise BudgetExhausted(refusing, amount)
    reservation = Reservation.objects.create(call_id=call_id, amount=amount, expires_at=expires_at)
    for period in periods:
        period_count(period, reserve=amount)
    ReservationLine.objects.bulk_create(
        ReservationLine(reservation=reservation, period=period, amount=amount) for period in periods
    )
    return reservation


@transaction.atomic
def reservation_extend(*, call_id: UUID, amount_total: Decimal, now: datetime) -> Pressure:
    """Grow a call's promise to `amount_total` USD, and return how its budgets press.

    "hard" is a refusal: the promise stays as it was and the call has to come to its end. A call
    without an open promise is always refused. It never shrinks.
    """
    reservation = _locked(call_id)
    if reservation is None or reservation.state != Reservation.State.OPEN:
        return "hard"
    amount_total = micro(amount_total)
    growth = max(amount_total - reservation.amount, Decimal(0))
    lines = {line.period_id: line for line in reservation.lines.all()}
    periods = periods_relock(lines)
    pressure = hardest(
        _call_pressure(reservation, amount_total),
        *(_period_pressure(period, growth) for period in periods),
    )
    if growth == 0 or pressure == "hard":
        return pressure
    for period in periods:
        period_count(period, reserve=growth)
        line = lines[period.pk]
        line.amount += growth
        line.save(update_fields=["amount"])
    reservation.amount += growth
    reservation.save(update_fields=["amount"])
    return pressure


@transaction.atomic
def reservation_settle(*, call_id: UUID, now: datetime) -> Decimal:
    """Turn a promise into what was really spent, free the rest, and return the USD spent.

    Exactly once: whoever comes second, or after a release, changes nothing.
    """
    reservation = _locked(call_id)
    if reservation is not None and reservation.state == Reservation.State.OPEN:
        _close(reservation, now=now)
    return call_cost(call_id)


@transaction.atomic
def reservation_release(*, call_id: UUID, now: datetime) -> None:
    """Give a promise back because the call never came to be. Safe to repeat, or without one.

    What was charged meanwhile is spent, and settled instead of lost.
    """
    reservation = _locked(call_id)
    if reservation is not None and reservation.state == Reservation.State.OPEN:
        _close(reservation, now=now)


def reservations_sweep(now: datetime) -> int:
    """Close the promises that outlived their calls, each on its own. Return how many."""
    expired = Reservation.objects.filter(
        state=Reservation.State.OPEN, expires_at__lte=now
    ).values_list("call_id", flat=True)
    count = 0
    for call_id in list(expired):
        with transaction.atomic():
            reservation = _locked(call_id)
            if reservation is None or reservation.state != Reservation.State.OPEN:
                continue
            _close(reservation, now=now)
            count += 1
            logger.warning("reservation_expired", call_id=str(call_id), state=reservation.state)
    return count


def _locked(call_id: UUID) -> Reservation | None:
    return Reservation.objects.select_for_update().filter(call_id=call_id).first()


def _close(reservation: Reservation, *, now: datetime) -> None:
    actual = call_cost(reservation.call_id)
    lines = {line.period_id: line.amount for line in reservation.lines.all()}
    for period in periods_relock(lines):
        period_count(period, reserve=-lines[period.pk], spend=actual)
    charged = reservation.call.charges.exists()
    reservation.state = Reservation.State.SETTLED if charged else Reservation.State.RELEASED
    reservation.settled_amount = actual if charged else None
    reservation.closed_at = now
    reservation.save(update_fields=["state", "settled_amount", "closed_at"])


def _call_pressure(reservation: Reservation, amount_total: Decimal) -> Pressure:
    wanted = max(amount_total, reservation.amount)
    return hardest(
        *(
            budget_pressure(committed=wanted, limit=budget.limit, soft_percent=budget.soft_percent)
            for budget in budgets_for(reservation.call.campaign_id)
            if budget.period == Budget.Period.CALL
        )
    )


def _period_pressure(period: BudgetPeriod, growth: Decimal) -> Pressure:
    if not period.budget.active:
        return "normal"
    budget = period.budget
    pressure = budget_pressure(
        committed=period.committed + growth,
        limit=period_limit(period),
        soft_percent=budget.soft_percent,
    )
    # What is promised already may be used up even if the limit was lowered meanwhile; and a call
    # that is ended for the average's sake qualifies nobody.
    spare = growth == 0 or budget.measure == Budget.Measure.PER_QUALIFIED_LEAD
    return "soft" if pressure == "hard" and spare else pressure
