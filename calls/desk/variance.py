"""How far the estimates were from the bills."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.db.models import Count, F, Sum
from django.db.models.functions import Abs

from billing.models import Reconciliation, UsageBill, VarianceRule
from billing.models.price import Component
from billing.policy.rounding import micro

MOST = 25
"""Calls that are named one by one."""
MOST_BILLS = 62


@dataclass(frozen=True, slots=True)
class Variance:
    """One component over a span of time, USD."""

    component: str
    label: str
    calls: int
    estimated: Decimal
    actual: Decimal
    rule: VarianceRule

    @property
    def difference(self) -> Decimal:
        """USD by which the bills are higher than the estimates."""
        return self.actual - self.estimated

    @property
    def share(self) -> Decimal:
        """The difference as a share of the estimates; 1 where nothing was estimated."""
        if not self.estimated:
            return Decimal(1 if self.actual else 0)
        return self.difference / self.estimated

    @property
    def alerts(self) -> bool:
        """Whether it is so far off, to either side, that a person should look: a price changed."""
        return (
            abs(self.share) * 100 >= self.rule.percent and abs(self.difference) >= self.rule.least
        )


def furthest_off(*, since: datetime, until: datetime, component: str = "") -> list[Reconciliation]:
    """Return the bills that were furthest off their estimates, of one component or all."""
    rows = Reconciliation.objects.filter(at__gte=since, at__lt=until)
    if component:
        rows = rows.filter(component=component)
    return list(
        rows.annotate(off=Abs(F("actual") - F("estimated")))
        .filter(off__gt=0)
        .select_related("call__lead", "call__campaign")
        .order_by("-off", "-at")[:MOST]
    )


def variances(*, since: datetime, until: datetime | None = None) -> list[Variance]:
    """Return the variance of each reconciled component, the largest difference first."""
    rows = Reconciliation.objects.filter(at__gte=since)
    if until is not None:
        rows = rows.filter(at__lt=until)
    rule = VarianceRule.current()
    rent = _rent_billed(since=since, until=until, rule=rule)
    found = [
        Variance(
            component=row["component"],
            label=Component(row["component"]).label,
            calls=row["count"],
            estimated=micro(row["estimated_sum"]),
            actual=micro(row["actual_sum"]),
            rule=rule,
        )
        for row in rows.order_by()
        .values("component")
        .annotate(count=Count("pk"), estimated_sum=Sum("estimated"), actual_sum=Sum("actual"))
    ]
    return sorted(found + rent, key=lambda row: abs(row.difference), reverse=True)


def usage_bills(*, since: datetime, until: datetime) -> list[UsageBill]:
    """Return the bills of days and months that came in between two moments, the newest first."""
    return list(UsageBill.objects.filter(at__gte=since, at__lt=until)[:MOST_BILLS])


def _rent_billed(*, since: datetime, until: datetime | None, rule: VarianceRule) -> list[Variance]:
    """Return the variance of the rent: it is billed by the month, and for no call."""
    rows = UsageBill.objects.filter(component=Component.NUMBER, at__gte=since)
    if until is not None:
        rows = rows.filter(at__lt=until)
    sums = rows.aggregate(estimated=Sum("estimated"), actual=Sum("actual"))
    if sums["estimated"] is None:
        return []
    return [
        Variance(
            component=Component.NUMBER,
            label=Component.NUMBER.label,
            calls=0,
            estimated=micro(sums["estimated"]),
            actual=micro(sums["actual"]),
            rule=rule,
        )
    ]
