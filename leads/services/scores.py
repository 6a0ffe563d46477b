"""A lead's score, with the factors that explain it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol
from uuid import UUID

from django.db import transaction

from leads.models import Lead, LeadScore, ScoreFactor, TimelineEntry
from leads.services.timeline import timeline_add


class Factor(Protocol):
    """One reason for a score, as the scorer gives it."""

    @property
    def name(self) -> str:
        """What was looked at."""

    @property
    def value(self) -> object:
        """What was found."""

    @property
    def points(self) -> int:
        """What it added or took."""

    @property
    def evidence(self) -> str:
        """The lead's own words."""

    @property
    def turn_index(self) -> int | None:
        """The turn in which they were said."""


@transaction.atomic
def lead_score_record(
    *,
    lead_id: UUID,
    call_id: UUID | None,
    value: int,
    scorer_version: str,
    factors: Sequence[Factor],
    now: datetime,
) -> LeadScore:
    """Keep a scoring and make it the lead's score. Once per call and scorer version.

    Args:
        value: 0-100.
    """
    lead = Lead.objects.select_for_update().get(pk=lead_id)
    if call_id is not None:
        known = LeadScore.objects.filter(call_id=call_id, scorer_version=scorer_version).first()
        if known is not None:
            return known
    score = LeadScore.objects.create(
        lead=lead, call_id=call_id, value=value, scorer_version=scorer_version
    )
    ScoreFactor.objects.bulk_create(
        ScoreFactor(
            score=score,
            name=factor.name[:60],
            value="" if factor.value is None else str(factor.value)[:200],
            points=factor.points,
            evidence=factor.evidence,
            turn_index=factor.turn_index,
        )
        for factor in factors
    )
    old = lead.score
    lead.score = value
    lead.save(update_fields=["score", "updated_at"])
    timeline_add(
        lead_id=lead.pk,
        kind=TimelineEntry.Kind.SCORE,
        text=f"Scored {value}." if old is None else f"Score changed from {old} to {value}.",
        call_id=call_id,
        data={"from": old, "to": value, "version": scorer_version},
        key=f"score:{score.pk}",
        at=now,
    )
    return score
