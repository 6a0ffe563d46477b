"""A score is kept with its reasons, once per call and scorer."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

import pytest

from leads.models import LeadScore
from leads.services import lead_score_record
from tests.factories import CallFactory

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
