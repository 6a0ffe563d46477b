"""When each budget ends if spending goes on as it has lately."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from billing.models import Charge
from billing.policy.forecast import look_back, runs_out_at
from billing.policy.limits import period_end, period_start
from billing.selectors import charges_total
from calls.desk.dashboard import BudgetUse, budget_uses

_PERIODS = ("day", "week", "month", "total")
"""A limit for a single call or lead never runs out."""


@dataclass(frozen=True, slots=True)
class Forecast:
    """A budget, its rate and its end."""

    use: BudgetUse
    per_hour: Decimal
    """USD an hour, lately."""
    ends_at: datetime | None
    """When nothing is left at that rate; None if it lasts, or nothing is being spent."""

    @property
    def in_words(self) -> str:
        """What the figures mean, where no time is to be told."""
        if self.ends_at is not None:
            return ""
        return "lasts at this rate" if self.per_hour else "nothing spent lately"


def forecasts(now: datetime) -> list[Forecast]:
    """Return the forecast of each active budget that has a period, the fullest first."""
    return [_forecast(use, now) for use in budget_uses(now) if use.budget.period in _PERIODS]


def _forecast(use: BudgetUse, now: datetime) -> Forecast:
    budget = use.budget
    zone = budget.time_zone
    starts_on = period_start(budget.period, now=now, time_zone=zone)
    over = look_back(budget.period, starts_on=starts_on, time_zone=zone, now=now)
    charges = Charge.objects.filter(at__gt=now - over, at__lte=now)
    if budget.campaign_id is not None:
        charges = charges.filter(campaign_id=budget.campaign_id)
    spent = charges_total(charges)
    return Forecast(
        use=use,
        per_hour=spent / Decimal(over.total_seconds()) * 3600,
        ends_at=runs_out_at(
            left=use.limit - use.spent - use.reserved,
            spent=spent,
            over=over,
            now=now,
            ends=period_end(budget.period, starts_on=starts_on, time_zone=zone),
        ),
    )
