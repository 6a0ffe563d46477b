"""How budgets stand: reads of what is spent, promised and allowed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from uuid import UUID

from django.db.models import Count, Q

from billing.models import Budget, BudgetPeriod
from billing.policy.limits import allowance, percent_used, period_start

_MOST = 20


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


@dataclass(frozen=True, slots=True)
class BudgetUse:
    """How much of a budget's running period is used."""

    budget: Budget
    spent: Decimal
    reserved: Decimal
    limit: Decimal
    """USD that the period may spend: the limit, or what qualified leads have earned."""

    @property
    def share(self) -> float:
        """Spent and promised as a share of the limit."""
        if not self.limit:
            return 1.0
        return float((self.spent + self.reserved) / self.limit)

    @property
    def free(self) -> Decimal:
        """USD neither spent nor promised; a budget that is overdrawn has none."""
        return max(self.limit - self.spent - self.reserved, Decimal(0))

    @property
    def spent_percent(self) -> int:
        """Width of the spent part of its bar."""
        return min(100, percent_used(committed=self.spent, limit=self.limit))

    @property
    def reserved_percent(self) -> int:
        """Width of the promised part of its bar."""
        used = min(100, percent_used(committed=self.spent + self.reserved, limit=self.limit))
        return used - self.spent_percent

    @property
    def thresholds(self) -> list[tuple[int, str]]:
        """At which percents something happens, and what."""
        found = [(self.budget.soft_percent, "the cheaper voice from here on")]
        if self.budget.pause_campaign_at_percent is not None:
            found.append((self.budget.pause_campaign_at_percent, "campaigns pause"))
        return found

    @property
    def standing(self) -> str:
        """In words, so that colour does not carry it alone."""
        if self.share >= 1:
            return "used up: nothing is dialled"
        if self.share * 100 >= self.budget.soft_percent:
            return "cheaper voice"
        return "within"


def budget_uses(now: datetime, budgets: list[Budget] | None = None) -> list[BudgetUse]:
    """Return budgets with what is used of their running period, the fullest first.

    Args:
        budgets: those that are asked for, at most; the first 20 active ones if not given. Budgets
            for a single call have no period and are left out.
    """
    if budgets is None:
        active = Budget.objects.filter(active=True).exclude(period=Budget.Period.CALL)
        budgets = list(active.select_related("campaign")[:_MOST])
    running = {each.period.budget_id: each for each in standings(budgets, now=now)}
    uses = []
    for budget in budgets:
        if budget.period == Budget.Period.CALL:
            continue
        standing = running.get(budget.pk)
        uses.append(
            BudgetUse(
                budget=budget,
                spent=standing.period.spent if standing else Decimal(0),
                reserved=standing.period.reserved if standing else Decimal(0),
                limit=standing.limit if standing else limit_with(budget),
            )
        )
    return sorted(uses, key=lambda use: use.share, reverse=True)


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


def running_since(budgets: Iterable[Budget], *, now: datetime) -> dict[UUID, date]:
    """Return the day on which the running period of each budget began, by the budget's id.

    Budgets for a single call have no period and are left out.
    """
    return {
        budget.pk: period_start(budget.period, now=now, time_zone=budget.time_zone)
        for budget in budgets
        if budget.period != Budget.Period.CALL
    }


def standings(budgets: list[Budget], *, now: datetime) -> list[Standing]:
    """Return the running periods of budgets that have begun one, in one query.

    Budgets for a single call have none.
    """
    running = running_since(budgets, now=now)
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
