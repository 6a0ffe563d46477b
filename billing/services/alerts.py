"""Thresholds that budgets reach, each kept once, and the qualified leads they are measured by."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from django.db import transaction

from billing.models import Budget, BudgetAlert, BudgetPeriod, QualifiedLead, ReservationLine
from billing.policy.limits import thresholds_reached
from billing.services.periods import periods_lock
from billing.services.reservations import BudgetExhausted
from billing.standing import Standing, period_limit, standings


@dataclass(frozen=True, slots=True)
class Crossing:
    """A threshold that a period has reached, whether or not somebody knows of it."""

    standing: Standing
    percent: int
    """The highest threshold of the kind that was reached."""
    kind: str
    lesser: tuple[int, ...] = ()
    """Thresholds below it that were passed on the way."""


def crossings(*, now: datetime) -> list[Crossing]:
    """Return what the running periods of all active budgets have reached and nobody knows of."""
    standing = standings(list(Budget.objects.filter(active=True)), now=now)
    known = set(
        BudgetAlert.objects.filter(period__in=[each.period for each in standing]).values_list(
            "period_id", "kind", "percent", "limit"
        )
    )
    found = (crossing for each in standing for crossing in _crossings_of(each, each.percent))
    return [crossing for crossing in found if _identity(crossing, crossing.percent) not in known]


def refusal_crossings(exhausted: BudgetExhausted, *, now: datetime) -> list[Crossing]:
    """Return the budgets that a refused call shows to be used up: 100 % of them.

    Only where what is spent leaves no room for such a call. One that is merely promised away may
    have room again when the calls on the line are settled.
    """
    found: list[Crossing] = []
    with transaction.atomic():
        for period in periods_lock(exhausted.budgets, now=now):
            limit = period_limit(period)
            if period.spent + exhausted.amount > limit:
                found += _crossings_of(Standing(period, limit), 100)
    return found


@transaction.atomic
def budget_alert_raise(*, crossing: Crossing, now: datetime) -> BudgetAlert | None:
    """Keep that a threshold was reached. `None` when somebody has done so before.

    The lesser thresholds are kept with it, so that they are not told of afterwards.
    """
    lesser = [
        _row(crossing, percent, now) for percent in crossing.lesser if percent < crossing.percent
    ]
    alert, is_new = BudgetAlert.objects.get_or_create(
        period=crossing.standing.period,
        kind=crossing.kind,
        percent=crossing.percent,
        limit=crossing.standing.period.budget.limit,
        defaults={"committed": crossing.standing.period.committed, "at": now},
    )
    if not is_new:
        return None
    BudgetAlert.objects.bulk_create(lesser, ignore_conflicts=True)
    return alert


@transaction.atomic
def qualified_lead_record(*, call_id: UUID, lead_id: UUID, now: datetime) -> int:
    """Count a lead that a call qualified in the periods that pay for the call.

    Each period counts a lead once. Returns in how many it is new.
    """
    periods = BudgetPeriod.objects.filter(
        pk__in=ReservationLine.objects.filter(reservation__call_id=call_id).values("period_id"),
        budget__measure=Budget.Measure.PER_QUALIFIED_LEAD,
    ).order_by("pk")
    counted = 0
    for period in periods:
        _, is_new = QualifiedLead.objects.get_or_create(
            period=period, lead_id=lead_id, defaults={"call_id": call_id, "at": now}
        )
        counted += is_new
    return counted


def _crossings_of(standing: Standing, percent: int) -> list[Crossing]:
    found = []
    reached = thresholds_reached(percent)
    if reached:
        found.append(Crossing(standing, reached[-1], BudgetAlert.Kind.NOTICE, reached[:-1]))
    pause_at = standing.period.budget.pause_campaign_at_percent
    if pause_at is not None and percent >= pause_at:
        found.append(Crossing(standing, pause_at, BudgetAlert.Kind.PAUSE))
    return found


def _identity(crossing: Crossing, percent: int) -> tuple[UUID, str, int, Decimal]:
    period = crossing.standing.period
    return period.pk, crossing.kind, percent, period.budget.limit


def _row(crossing: Crossing, percent: int, now: datetime) -> BudgetAlert:
    period = crossing.standing.period
    return BudgetAlert(
        period=period,
        kind=crossing.kind,
        percent=percent,
        limit=period.budget.limit,
        committed=period.committed,
        at=now,
    )
