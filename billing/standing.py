"""How budgets stand: reads of what is spent, promised and allowed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from django.db.models import Count, Q

from billing.models import Budget, BudgetPeriod
from billing.policy.limits import allowance, percent_used, period_start


@dataclass(frozen=True, slots=True)
class Standing:
    """The running period of a budget, and what it may spend."""

    period: BudgetPeriod
    limit: Decimal
    """USD: the budget's limit, or what its qualified leads have earned it."""

    @property
    def percent(self) -> int:
        """Whole percents of the limit that are spent or promised."""
        return percent_used(committed=self.period.committed, limit=self.limit)


def budgets_for(campaign_id: UUID | None) -> list[Budget]:
    """Return the active budgets that bind a campaign's calls: the account's and its own."""
    applies = Q(campaign__isnull=True)
    if campaign_id is not None:
        applies |= Q(campaign_id=campaign_id)
    return list(Budget.objects.filter(applies, active=True).order_by("id"))


def period_limit(period: BudgetPeriod) -> Decimal:
    """Return what a period may spend in USD."""
    budget = period.budget
    if budget.measure == Budget.Measure.SPEND:
        return budget.limit
    return limit_with(budget, period.qualified_leads.count())


def limit_with(budget: Budget, qualified: int = 0) -> Decimal:
    """Return what a budget's period may spend in USD with some qualified leads."""
    if budget.measure == Budget.Measure.SPEND:
        return budget.limit
    return allowance(per_lead=budget.limit, minimum=budget.minimum_spend, qualified=qualified)


def standings(budgets: list[Budget], *, now: datetime) -> list[Standing]:
    """Return the running periods of budgets that have begun one, in one query.

    Budgets for a single call have none.
    """
    running = {
        budget.pk: period_start(budget.period, now=now, time_zone=budget.time_zone)
        for budget in budgets
        if budget.period != Budget.Period.CALL
    }
    if not running:
        return []
    rows = (
        BudgetPeriod.objects.filter(budget__in=running, starts_on__gte=min(running.values()))
        .select_related("budget")
        .annotate(qualified=Count("qualified_leads"))
        .order_by("pk")
    )
    return [
        Standing(row, limit_with(row.budget, row.qualified))
        for row in rows
        if row.starts_on == running[row.budget_id]
    ]
