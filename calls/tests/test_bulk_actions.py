"""Many leads are enrolled in a campaign, or scored anew, at once."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from agents import scoring
from calls.models import Enrolment
from calls.services.outbox import outbox_run_due
from leads.models import BulkChange, Lead
from leads.services import lead_score_override
from leads.services.bulk import bulk_begin, bulk_step, bulk_undo
from tests.factories import (
    CallFactory,
    CampaignFactory,
    DoNotCallFactory,
    EnrolmentFactory,
    LeadFactory,
    TurnFactory,
)

pytestmark = pytest.mark.django_db


def begin(action: str, leads: list[Lead], **options: Any) -> BulkChange:
    return bulk_begin(
        action=action, title=f"Do {action}", options=options,
        lead_ids=[lead.pk for lead in leads], actor=None, now=timezone.now(),
    )  # fmt: skip


def run(change: BulkChange) -> BulkChange:
    while bulk_step(change_id=change.pk, seconds=0):
        pass
    change.refresh_from_db()
    return change


def test_leads_are_enrolled_and_those_never_called_taken_out_again() -> None:
    campaign = CampaignFactory()
    waiting, done, stopped = (
        EnrolmentFactory(campaign=campaign, state=state).lead
        for state in ("waiting", "done", "stopped")
    )
    new, called, barred = LeadFactory(), LeadFactory(), LeadFactory()
    DoNotCallFactory(phone=barred.phone)
    change = run(
        begin("enrol", [waiting, done, stopped, new, called, barred], campaign=str(campaign.pk))
    )
    assert change.changed == 3
    assert set(campaign.enrolments.filter(state="waiting").values_list("lead", flat=True)) == {
        waiting.pk, stopped.pk, new.pk, called.pk
    }  # fmt: skip
    Enrolment.objects.filter(lead=called).update(attempts=1)
    bulk_undo(change_id=change.pk, now=timezone.now())
    run(change)
    assert change.restored == 2
    assert set(campaign.enrolments.filter(state="waiting").values_list("lead", flat=True)) == {
        waiting.pk, called.pk
    }  # fmt: skip


def test_leads_are_scored_anew_by_todays_scorer(monkeypatch: pytest.MonkeyPatch) -> None:
    call = CallFactory(ended=True, notes={"answers": {"timeframe_months": {"value": 1}}})
    TurnFactory(call=call, speaker="lead")
    never = LeadFactory()
    by_hand = CallFactory(ended=True, outcome="qualified").lead
    TurnFactory(call=by_hand.calls.get(), speaker="lead")
    lead_score_override(
        lead_id=by_hand.pk, value=99, reason="a friend", actor=None, now=timezone.now()
    )
    monkeypatch.setattr(scoring, "VERSION", "rules-of-tomorrow")
    change = run(begin("rescore", [call.lead, never, by_hand]))
    call.lead.refresh_from_db()
    by_hand.refresh_from_db()
    assert change.done == 3
    assert call.lead.scores.get().scorer_version == "rules-of-tomorrow"
    assert call.lead.score == call.lead.scores.get().value
    assert by_hand.score == 99
    assert not never.scores.exists()


def test_begun_work_is_done_by_the_outbox() -> None:
    lead = LeadFactory()
    begin("tag", [lead], tags=["fair"])
    for _ in range(3):
        outbox_run_due(timezone.now() + timedelta(seconds=1))
    lead.refresh_from_db()
    assert lead.tags == ["fair"]
