"""When each budget ends if spending goes on as it has lately."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db.models import Q, Sum
from django.utils import timezone

from billing.formats import usd
from billing.models import Budget, Charge
from billing.policy.forecast import look_back, runs_out_at
from billing.policy.limits import period_end, period_start
from billing.policy.rounding import micro
from billing.spend import SpendScope, account_zone, day_begins, spend_cells
from billing.standing import BudgetUse, budget_uses

_PERIODS = ("day", "week", "month", "total")
"""A limit for a single call or lead never runs out."""
_SHORT = timedelta(days=1)
"""A rate of no more than this is read from the charges themselves; a longer one from whole days."""

_Spent = dict[tuple[datetime, UUID | None], Decimal]
"""USD since a moment, by campaign; `None` is everything."""


@dataclass(frozen=True, slots=True)
class Forecast:
    """A budget, its rate and its end."""

    use: BudgetUse
    per_hour: Decimal
    """USD an hour, lately."""
    ends_at: datetime | None
    """When nothing is left at that rate; None if it lasts, or nothing is being spent."""
    period_ends: datetime | None
    """When it begins anew; None if it never does."""
    now: datetime

    @property
    def sentence(self) -> str:
        """The forecast in words."""
        anew = f" It begins anew {_when(self.period_ends)}." if self.period_ends else ""
        if self.use.free <= 0:
            return f"Used up: nothing more is dialled on it.{anew}"
        if not self.per_hour:
            return f"Nothing was spent lately: {usd(self.use.free)} is free.{anew}"
        rate = f"At {usd(_cents(self.per_hour))} an hour, as lately,"
        if self.ends_at is not None:
            return f"{rate} it is used up {_when(self.ends_at)}, {_in(self.ends_at - self.now)}."
        if self.period_ends is None:
            return f"{rate} it lasts for years."
        hours = Decimal((self.period_ends - self.now).total_seconds()) / 3600
        left = max(self.use.free - self.per_hour * hours, Decimal(0))
        return f"{rate} it lasts: about {usd(_cents(left))} is left {_when(self.period_ends)}."


def forecasts(now: datetime) -> list[Forecast]:
    """Return the forecast of each active budget that has a period, the fullest first.

    A constant number of queries, however many budgets there are.
    """
    uses = [use for use in budget_uses(now) if use.budget.period in _PERIODS]
    windows = {use.budget.pk: _rate_from(use.budget, now) for use in uses}
    spent = _spent_since(set(windows.values()), now)
    return [_forecast(use, windows[use.budget.pk], spent, now) for use in uses]


def _rate_from(budget: Budget, now: datetime) -> datetime:
    """Return since when spending tells a budget's rate."""
    starts_on = period_start(budget.period, now=now, time_zone=budget.time_zone)
    over = look_back(budget.period, starts_on=starts_on, time_zone=budget.time_zone, now=now)
    since = now - over
    if over <= _SHORT:
        return since
    return day_begins(since.astimezone(account_zone()).date())


def _spent_since(moments: set[datetime], now: datetime) -> _Spent:
    short = sorted(moment for moment in moments if now - moment <= _SHORT)
    long = sorted(moment for moment in moments if now - moment > _SHORT)
    spent: _Spent = defaultdict(Decimal)
    for row in _recent(short, now):
        for index, moment in enumerate(short):
            amount = micro(row[f"since_{index}"] or Decimal(0))
            spent[moment, None] += amount
            if row["campaign_id"] is not None:
                spent[moment, row["campaign_id"]] += amount
    if not long:
        return spent
    first, today = (moment.astimezone(account_zone()).date() for moment in (long[0], now))
    for cell in spend_cells(SpendScope(first, today)):
        for moment in long:
            if cell.day >= moment.astimezone(account_zone()).date():
                spent[moment, None] += cell.amount
                if cell.campaign_id is not None:
                    spent[moment, cell.campaign_id] += cell.amount
    return spent


def _recent(moments: list[datetime], now: datetime) -> list[dict[str, Any]]:
    if not moments:
        return []
    sums = {
        f"since_{index}": Sum("amount", filter=Q(at__gt=moment))
        for index, moment in enumerate(moments)
    }
    rows = Charge.objects.filter(at__gt=moments[0], at__lte=now).order_by()
    return [{**row} for row in rows.values("campaign_id").annotate(**sums)]


def _forecast(use: BudgetUse, since: datetime, spent: _Spent, now: datetime) -> Forecast:
    budget = use.budget
    lately = spent.get((since, budget.campaign_id), Decimal(0))
    over = now - since
    starts_on = period_start(budget.period, now=now, time_zone=budget.time_zone)
    ends = period_end(budget.period, starts_on=starts_on, time_zone=budget.time_zone)
    return Forecast(
        use=use,
        per_hour=lately / Decimal(over.total_seconds()) * 3600,
        ends_at=runs_out_at(left=use.free, spent=lately, over=over, now=now, ends=ends),
        period_ends=ends,
        now=now,
    )


def _when(moment: datetime) -> str:
    return f"on {timezone.localtime(moment):%a %-d %b at %H:%M}"


def _in(time: timedelta) -> str:
    hours = round(time.total_seconds() / 3600)
    if hours < 1:
        return "within the hour"
    if hours < 48:
        return f"in about {hours} hour{'' if hours == 1 else 's'}"
    return f"in about {round(hours / 24)} days"


def _cents(amount: Decimal) -> Decimal:
    return amount.quantize(Decimal("0.01")) if amount >= Decimal("0.01") else amount
