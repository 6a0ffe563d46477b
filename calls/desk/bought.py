"""What the money of calls bought: answers, minutes, qualified leads, appointments."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db.models import Count, DurationField, ExpressionWrapper, F, Q, QuerySet, Sum

from calls.desk.funnel import STEPS
from calls.models import Call


@dataclass(frozen=True, slots=True)
class Bought:
    """The yield of some calls."""

    answered: int = 0
    """By a person."""
    seconds: int = 0
    """On the line, from answer to end, with people and with machines: all are paid for."""
    qualified: int = 0
    """Leads, each once."""
    appointments: int = 0

    @property
    def minutes(self) -> Decimal:
        """Minutes on the line."""
        return Decimal(self.seconds) / 60


NOTHING = Bought()


@dataclass(frozen=True, slots=True)
class BoughtBy:
    """The yield of calls: of all, and by campaign and voice."""

    in_all: Bought
    campaigns: dict[str, Bought]
    tiers: dict[str, Bought]

    def of_campaign(self, key: str) -> Bought:
        """Return the yield of the campaign with this id; "" is none."""
        return self.campaigns.get(key, NOTHING)

    def of_tier(self, key: str) -> Bought:
        """Return the yield of the calls with this voice."""
        return self.tiers.get(key, NOTHING)


def bought_by(calls: QuerySet[Call]) -> BoughtBy:
    """Return what calls yielded, in two queries."""
    answered = Q(answered_at__isnull=False)
    talk = ExpressionWrapper(F("ended_at") - F("answered_at"), output_field=DurationField())
    rows: list[dict[str, Any]] = [
        {**row}
        for row in calls.order_by()
        .values("campaign_id", "voice_tier")
        .annotate(
            answered=Count("pk", filter=STEPS["answered"][1]),
            booked=Count("pk", filter=STEPS["appointment"][1]),
            talked=Sum(talk, filter=answered & Q(ended_at__isnull=False)),
        )
    ]
    # A lead may be qualified by two campaigns and is one lead all the same: sums would lie.
    in_campaign: dict[UUID | None, set[UUID]] = defaultdict(set)
    in_tier: dict[str, set[UUID]] = defaultdict(set)
    for campaign, tier, lead in (
        calls.filter(STEPS["qualified"][1])
        .order_by()
        .values_list("campaign_id", "voice_tier", "lead_id")
        .distinct()
    ):
        in_campaign[campaign].add(lead)
        in_tier[tier].add(lead)
    return BoughtBy(
        in_all=_bought(rows, set().union(*in_tier.values())),
        campaigns={
            str(key or ""): _bought(
                [row for row in rows if row["campaign_id"] == key], in_campaign[key]
            )
            for key in {row["campaign_id"] for row in rows}
        },
        tiers={
            key: _bought([row for row in rows if row["voice_tier"] == key], in_tier[key])
            for key in {row["voice_tier"] for row in rows}
        },
    )


def _bought(rows: list[dict[str, Any]], leads: set[UUID]) -> Bought:
    talked = sum((row["talked"] or timedelta(0) for row in rows), timedelta(0))
    return Bought(
        answered=sum(row["answered"] for row in rows),
        seconds=talked // timedelta(seconds=1),
        qualified=len(leads),
        appointments=sum(row["booked"] for row in rows),
    )
