"""A score is kept with its reasons, once per call and scorer."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

import pytest
from django.core.exceptions import ValidationError

from leads.models import LeadScore
from leads.services import lead_score_lift, lead_score_override, lead_score_record
from tests.factories import CallFactory, UserFactory

NOW = datetime(2026, 11, 23, 16, tzinfo=UTC)


@dataclass(frozen=True)
class Found:
    name: str
    value: object
    points: int
    evidence: str = ""
    turn_index: int | None = None


FACTORS = (
    Found("timeframe", "2 months", 35, "In the next two months.", 3),
    Found("price", 450_000, 20, "Around four fifty.", 5),
    Found("objections", None, -5),
)


@pytest.mark.django_db
def test_it_becomes_the_leads_score_with_its_reasons():
    call = CallFactory(ended=True)
    score = lead_score_record(
        lead_id=call.lead_id, call_id=call.pk, value=82, scorer_version="1", factors=FACTORS,
        now=NOW,
    )  # fmt: skip
    call.lead.refresh_from_db()
    assert call.lead.score == 82
    assert [(f.name, f.value, f.points) for f in score.factors.all()] == [
        ("timeframe", "2 months", 35), ("price", "450000", 20), ("objections", "", -5),
    ]  # fmt: skip
    assert call.lead.timeline.get(kind="score").text == "Scored 82."


@pytest.mark.django_db
def test_a_rerun_records_nothing_and_another_call_replaces_it():
    call = CallFactory(ended=True)

    def record(call, value, version="1"):
        return lead_score_record(
            lead_id=call.lead_id, call_id=call.pk, value=value, scorer_version=version,
            factors=FACTORS, now=NOW,
        )  # fmt: skip

    assert record(call, 82) == record(call, 10)
    later = CallFactory(ended=True, lead=call.lead)
    record(later, 55)
    call.lead.refresh_from_db()
    assert call.lead.score == 55
    assert LeadScore.objects.count() == 2
    assert call.lead.timeline.filter(text="Score changed from 82 to 55.").exists()


@pytest.mark.django_db
def test_a_score_set_by_hand_stays_until_it_is_lifted():
    call = CallFactory(ended=True)
    person = UserFactory()
    lead = call.lead

    def record(value: int, version: str) -> None:
        lead_score_record(
            lead_id=lead.pk, call_id=call.pk, value=value, scorer_version=version,
            factors=FACTORS, now=NOW,
        )  # fmt: skip
        lead.refresh_from_db()

    record(40, "1")
    lead_score_override(lead_id=lead.pk, value=95, reason="my sister", actor=person, now=NOW)
    record(50, "2")
    assert lead.score == 95
    assert lead.timeline.filter(text="Scored 50; 95 stays, as it was set by hand.").exists()
    lead_score_override(lead_id=lead.pk, value=90, reason="a bit less", actor=person, now=NOW)
    for _ in range(2):
        lead_score_lift(lead_id=lead.pk, actor=person, now=NOW)
    lead.refresh_from_db()
    assert lead.score == 50
    assert {row.value for row in lead.overrides.filter(lifted_by=person)} == {90, 95}
    assert lead.timeline.filter(text__startswith="Score set by hand lifted").count() == 1


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("value", "reason", "problem"), [(50, " ", "Say why"), (101, "x", "from 0 to 100")]
)
def test_a_score_set_by_hand_needs_a_reason_and_a_range(value: int, reason: str, problem: str):
    lead = CallFactory(ended=True).lead
    with pytest.raises(ValidationError, match=problem):
        lead_score_override(lead_id=lead.pk, value=value, reason=reason, actor=None, now=NOW)
