"""The running periods of budgets: found or begun, locked, and counted.

Every amount on a period is changed here, by someone who holds its row's lock. PostgreSQL locks the
rows, always in the order of their ids, so that two calls never wait for each other; SQLite has one
writer, who holds the lock from the beginning of the transaction (`transaction_mode` IMMEDIATE).
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from django.db import connection
from django.db.models import Q

from billing.models import Budget, BudgetPeriod
from billing.standing import running_since


class NotInTransaction(RuntimeError):  # noqa: N818 - says what is wrong
    """Money was about to be moved without a transaction around it."""


def require_transaction() -> None:
    """Raise NotInTransaction unless the caller has opened `transaction.atomic()`."""
    if not connection.in_atomic_block:
        raise NotInTransaction("Call this inside transaction.atomic(): it holds locks until then.")


def periods_lock(budgets: Iterable[Budget], *, now: datetime) -> list[BudgetPeriod]:
    """Return the running period of each budget, begun if need be, locked in order of their ids.

    Budgets for a single call have no period and are passed over.
    """
    running = running_since(budgets, now=now)
    if not running:
        return []
    its_own = [Q(budget=budget, starts_on=day) for budget, day in running.items()]
    wanted = Q(*its_own, _connector=Q.OR)
    periods = _locked(wanted)
    if len(periods) < len(running):
        # Once in each period. Begun together by two calls, the second one's rows are dropped.
        begun = [BudgetPeriod(budget_id=pk, starts_on=day) for pk, day in running.items()]
        BudgetPeriod.objects.bulk_create(begun, ignore_conflicts=True)
        periods = _locked(wanted)
    return periods


def periods_relock(ids: Iterable[UUID]) -> list[BudgetPeriod]:
    """Return periods by id, locked in order, with their budgets."""
    return _locked(Q(pk__in=list(ids)))


def _locked(wanted: Q) -> list[BudgetPeriod]:
    return list(
        BudgetPeriod.objects.select_for_update(of=("self",), no_key=True)
        .select_related("budget")
        .filter(wanted)
        .order_by("pk")
    )


def period_count(
    period: BudgetPeriod, *, reserve: Decimal = Decimal(0), spend: Decimal = Decimal(0)
) -> None:
    """Add to what is promised and spent in a locked period; negative amounts take away."""
    # Computed here and not in SQL: SQLite would add decimals as binary fractions.
    period.reserved += reserve
    period.spent = max(period.spent + spend, Decimal(0))
    period.save(update_fields=["reserved", "spent"])
