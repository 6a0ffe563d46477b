"""A lead's score, with the factors that explain it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Protocol
from uuid import UUID

from django.contrib.auth.models import AbstractBaseUser
from django.core.exceptions import ValidationError
from django.db import transaction

from leads.models import Lead, LeadScore, ScoreFactor, ScoreOverride, TimelineEntry
from leads.services.assignment import lead_reassign
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

    A score that a person set stays the lead's; the scoring is kept beside it.

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
    override = override_in_force(lead.pk)
    old = lead.score
    text = f"Scored {value}." if old is None else f"Score changed from {old} to {value}."
    if override is not None:
        text = f"Scored {value}; {override.value} stays, as it was set by hand."
    else:
        lead.score = value
        lead.save(update_fields=["score", "updated_at"])
    timeline_add(
        lead_id=lead.pk,
        kind=TimelineEntry.Kind.SCORE,
        text=text,
        call_id=call_id,
        data={"from": old, "to": value, "version": scorer_version},
        key=f"score:{score.pk}",
        at=now,
    )
    if override is None and old != value:
        lead_reassign(lead_id=lead.pk, trigger="score", now=now)
    return score


def score_evidence_add(
    *, call_id: UUID, evidence: Mapping[str, str], turns: Iterable[tuple[int, str]]
) -> int:
    """Give factors of a call's score the lead's words that tell of them, where they have none.

    The points stay as they are. Return how many factors were given words.

    Args:
        evidence: factor -> words.
        turns: index and words of the lead's turns, to find where the words were said.
    """
    said = [(index, " ".join(text.casefold().split())) for index, text in turns]
    given = 0
    for name, words in evidence.items():
        wanted = " ".join(words.casefold().split()).rstrip(".?!")
        index = next((index for index, text in said if wanted in text), None)
        if wanted and index is not None:
            given += ScoreFactor.objects.filter(
                score__call_id=call_id, name=name, evidence=""
            ).update(evidence=words, turn_index=index)
    return given


@transaction.atomic
def lead_score_override(
    *, lead_id: UUID, value: int, reason: str, actor: AbstractBaseUser | None, now: datetime
) -> ScoreOverride:
    """Set a lead's score by hand. It stays, whatever calls find, until it is lifted.

    Args:
        value: 0-100.
        reason: why; others will see it.

    Raises:
        ValidationError: the reason is missing, or the value is none.
    """
    if not reason.strip():
        raise ValidationError({"reason": "Say why: others will see it beside the score."})
    if not 0 <= value <= 100:
        raise ValidationError({"value": "A score is from 0 to 100."})
    lead = Lead.objects.select_for_update().get(pk=lead_id)
    _lift(lead.pk, actor, now)
    override = ScoreOverride.objects.create(
        lead=lead,
        value=value,
        reason=reason.strip()[:200],
        actor_id=actor.pk if actor else None,
        set_at=now,
    )
    old = lead.score
    lead.score = value
    lead.save(update_fields=["score", "updated_at"])
    timeline_add(
        lead_id=lead.pk,
        kind=TimelineEntry.Kind.SCORE,
        text=f"Score set to {value} by hand: {override.reason}",
        actor=actor,
        data={"from": old, "to": value, "override": str(override.pk)},
        key=f"override:{override.pk}",
        at=now,
    )
    lead_reassign(lead_id=lead.pk, trigger="score", now=now)
    return override


@transaction.atomic
def lead_score_lift(*, lead_id: UUID, actor: AbstractBaseUser | None, now: datetime) -> Lead:
    """Let calls decide on the score again: it becomes what the newest scoring says."""
    lead = Lead.objects.select_for_update().get(pk=lead_id)
    if not _lift(lead.pk, actor, now):
        return lead
    newest = lead.scores.values_list("value", flat=True).first()
    old, lead.score = lead.score, newest
    lead.save(update_fields=["score", "updated_at"])
    says = "there is no scoring yet" if newest is None else f"the last scoring says {newest}"
    timeline_add(
        lead_id=lead.pk,
        kind=TimelineEntry.Kind.SCORE,
        text=f"Score set by hand lifted: {says}.",
        actor=actor,
        data={"from": old, "to": newest},
        at=now,
    )
    return lead


def override_in_force(lead_id: UUID) -> ScoreOverride | None:
    """Return the score that a person set and nobody lifted."""
    return ScoreOverride.objects.filter(lead_id=lead_id, lifted_at__isnull=True).first()


def _lift(lead_id: UUID, actor: AbstractBaseUser | None, now: datetime) -> int:
    return ScoreOverride.objects.filter(lead_id=lead_id, lifted_at__isnull=True).update(
        lifted_at=now, lifted_by_id=actor.pk if actor else None
    )
