"""Campaigns start, pause, stop and finish; leads are enrolled; everything can be stopped."""

from __future__ import annotations

from datetime import datetime
from uuid import uuid4

import pytest

from calls.models import Campaign, Enrolment, KillSwitch
from calls.selectors import campaign_progress
from calls.services.campaigns import (
    CampaignRefused,
    campaign_finish_if_done,
    campaign_pause,
    campaign_start,
    campaign_stop,
    kill_switch_set,
    leads_enrol,
)
from calls.services.notices import notices_of
from tests.factories import (
    CallFactory,
    CampaignFactory,
    EnrolmentFactory,
    LeadFactory,
    PlaybookVersionFactory,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def draft() -> Campaign:
    made: Campaign = CampaignFactory(playbook=PlaybookVersionFactory().playbook)
    return made


def test_it_starts_pauses_and_starts_again(draft: Campaign, now: datetime) -> None:
    EnrolmentFactory(campaign=draft)
    campaign_start(campaign_id=draft.pk, now=now)
    assert campaign_pause(campaign_id=draft.pk, reason="Lunch", now=now)
    draft.refresh_from_db()
    assert (draft.state, draft.pause_reason) == ("paused", "Lunch")
    assert not campaign_pause(campaign_id=draft.pk, now=now)
    campaign_start(campaign_id=draft.pk, now=now)
    draft.refresh_from_db()
    assert (draft.state, draft.pause_reason, draft.started_at) == ("running", "", now)


def test_it_does_not_start_without_leads(draft: Campaign, now: datetime) -> None:
    with pytest.raises(CampaignRefused, match="enrol leads first"):
        campaign_start(campaign_id=draft.pk, now=now)


def test_it_does_not_start_without_a_published_playbook(now: datetime) -> None:
    campaign = EnrolmentFactory().campaign
    with pytest.raises(CampaignRefused, match="publish it first"):
        campaign_start(campaign_id=campaign.pk, now=now)


def test_stopping_stops_whoever_waits(draft: Campaign, now: datetime) -> None:
    waiting = EnrolmentFactory(campaign=draft)
    campaign_stop(campaign_id=draft.pk, now=now)
    waiting.refresh_from_db()
    draft.refresh_from_db()
    assert (waiting.state, draft.state) == ("stopped", "finished")


def test_it_finishes_when_nobody_waits_and_nobody_is_called(now: datetime) -> None:
    campaign = CampaignFactory(running=True)
    assert not campaign_finish_if_done(campaign_id=campaign.pk, now=now)
    claimed = EnrolmentFactory(campaign=campaign, state=Enrolment.State.CLAIMED, claimed_at=now)
    assert not campaign_finish_if_done(campaign_id=campaign.pk, now=now)
    Enrolment.objects.filter(pk=claimed.pk).update(state=Enrolment.State.DONE)
    assert campaign_finish_if_done(campaign_id=campaign.pk, now=now)
    campaign.refresh_from_db()
    assert (campaign.state, campaign.finished_at) == ("finished", now)


def test_leads_are_enrolled_once(draft: Campaign, now: datetime) -> None:
    leads = [LeadFactory() for _ in range(3)]
    ids = [lead.pk for lead in leads]
    assert leads_enrol(campaign_id=draft.pk, lead_ids=[*ids, ids[0], uuid4()], now=now) == 3
    assert leads_enrol(campaign_id=draft.pk, lead_ids=ids, now=now) == 0


def test_a_stopped_lead_waits_again_and_a_finished_one_does_not(
    draft: Campaign, now: datetime
) -> None:
    stopped = EnrolmentFactory(campaign=draft, state="stopped", blocked_reasons=["no_consent"])
    done = EnrolmentFactory(campaign=draft, state="done")
    ids = [stopped.lead_id, done.lead_id]
    assert leads_enrol(campaign_id=draft.pk, lead_ids=ids, now=now) == 1
    stopped.refresh_from_db()
    done.refresh_from_db()
    assert (stopped.state, stopped.blocked_reasons, done.state) == ("waiting", [], "done")


def test_the_kill_switch_is_one_row_and_tells_live_calls(now: datetime) -> None:
    live = CallFactory(live=True)
    kill_switch_set(engaged=True, actor=None, reason="Complaint", now=now)
    kill_switch_set(engaged=True, actor=None, reason="Complaint", now=now)
    assert KillSwitch.objects.get().engaged
    assert {notice.kind for notice in notices_of(live.pk)} == {"kill"}


def test_progress_counts_leads_and_outcomes(now: datetime) -> None:
    campaign = CampaignFactory(running=True)
    EnrolmentFactory(campaign=campaign, blocked_reasons=["outside_hours"])
    EnrolmentFactory(campaign=campaign, state="done")
    CallFactory(campaign=campaign, ended=True)
    progress = campaign_progress(campaign.pk)
    assert (progress.waiting, progress.done) == (1, 1)
    assert progress.outcomes == {"appointment": 1}
    assert progress.blocked == {"outside_hours": 1}
