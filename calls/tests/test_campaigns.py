"""Campaigns start, pause, stop and finish; leads are enrolled; everything can be stopped."""

from __future__ import annotations

from datetime import datetime
from uuid import uuid4

import pytest

from billing.models import Budget
from calls.models import Call, Campaign, Enrolment, KillSwitch
from calls.selectors import campaign_progress
from calls.services.campaign_edits import ChangesRefused, campaign_edit
from calls.services.campaigns import (
    CampaignRefused,
    campaign_finish_if_done,
    campaign_pause,
    campaign_start,
    campaign_stop,
    kill_switch_set,
    leads_enrol,
)
from calls.services.goals import goal_check
from calls.services.guards import harmful_changes
from calls.services.notices import notices_of
from leads.models import AuditEntry
from tests.factories import (
    BudgetFactory,
    CallFactory,
    CampaignFactory,
    EnrolmentFactory,
    LeadFactory,
    PlaybookVersionFactory,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def draft() -> Campaign:
    BudgetFactory()
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


def test_the_kill_switch_is_one_row_and_leaves_talks_alone_unless_asked(now: datetime) -> None:
    live = CallFactory(live=True)
    handed_over = CallFactory(live=True, handed_over_at=now)
    picked_up_next = CallFactory(state=Call.State.RINGING)
    kill_switch_set(engaged=True, actor=None, reason="Complaint", now=now)
    assert KillSwitch.objects.get().engaged
    assert notices_of(live.pk) == notices_of(picked_up_next.pk) == ()
    kill_switch_set(engaged=True, actor=None, reason="Complaint", end_live=True, now=now)
    for call in (live, picked_up_next):
        (notice,) = notices_of(call.pk)
        assert (notice.kind, notice.data) == ("wrap_up", {"reason": "stopped"})
    assert notices_of(handed_over.pk) == ()
    assert AuditEntry.objects.filter(text="Stopped all dialling.").count() == 2


def test_a_campaign_paused_at_once_is_halted_until_it_starts(
    draft: Campaign, now: datetime
) -> None:
    live = CallFactory(live=True, campaign=draft)
    ringing = CallFactory(state=Call.State.RINGING, campaign=draft)
    EnrolmentFactory(campaign=draft)
    campaign_start(campaign_id=draft.pk, now=now)
    campaign_pause(campaign_id=draft.pk, end_live=True, now=now)
    assert notices_of(ringing.pk) == ()  # it rings on, and whoever picks up is spoken with
    campaign_start(campaign_id=draft.pk, now=now)
    campaign_pause(campaign_id=draft.pk, at_once=True, end_live=True, now=now)
    assert [notice.kind for notice in notices_of(ringing.pk)] == ["wrap_up"]
    draft.refresh_from_db()
    assert (draft.state, draft.halted_at) == ("paused", now)
    assert [notice.kind for notice in notices_of(live.pk)] == ["wrap_up"] * 2
    campaign_start(campaign_id=draft.pk, now=now)
    draft.refresh_from_db()
    assert draft.halted_at is None


def test_what_is_missing_to_start_is_told_all_at_once(now: datetime) -> None:
    Budget.objects.all().delete()
    bare = CampaignFactory(caller_number="")
    with pytest.raises(CampaignRefused) as refused:
        campaign_start(campaign_id=bare.pk, now=now)
    for what in ("publish it first", "caller number", "enrol leads first", "No budget"):
        assert what in str(refused.value)


@pytest.mark.parametrize(("then", "state"), [("pause", "paused"), ("finish", "finished")])
def test_a_campaign_ends_at_its_goal(now: datetime, then: str, state: str) -> None:
    campaign = CampaignFactory(running=True, goal_outcome="qualified", goal_count=2, goal_then=then)
    EnrolmentFactory(campaign=campaign)
    first = CallFactory(campaign=campaign, ended=True, outcome="qualified")
    CallFactory(campaign=campaign, ended=True, outcome="transferred", lead=first.lead)
    assert not goal_check(campaign_id=campaign.pk, outcome="transferred", now=now)
    CallFactory(campaign=campaign, ended=True, outcome="appointment")
    assert not goal_check(campaign_id=campaign.pk, outcome="voicemail", now=now)
    assert goal_check(campaign_id=campaign.pk, outcome="appointment", now=now)
    campaign.refresh_from_db()
    assert (campaign.state, campaign.pause_reason) == (state, "Goal reached: 2 qualified leads.")


def test_an_edit_writes_only_what_was_changed(draft: Campaign, now: datetime) -> None:
    opened = Campaign.objects.get(pk=draft.pk)
    Campaign.objects.filter(pk=draft.pk).update(state="running", turn=7, ring_seconds=30)
    opened.max_concurrent = 9
    campaign_edit(campaign=opened, changed=["max_concurrent", "state"], actor=None, now=now)
    draft.refresh_from_db()
    assert (draft.max_concurrent, draft.state, draft.turn, draft.ring_seconds) == (
        9, "running", 7, 30
    )  # fmt: skip


def test_harmful_edits_of_a_running_campaign_are_refused_in_words(now: datetime) -> None:
    campaign = CampaignFactory(running=True)
    campaign.playbook = PlaybookVersionFactory(playbook__lead_kind="buyer").playbook
    with pytest.raises(ChangesRefused) as refused:
        campaign_edit(campaign=campaign, changed=["playbook"], actor=None, now=now)
    assert "written for other leads" in refused.value.problems["playbook"]
    assert "pause the campaign" in harmful_changes(campaign, {"numbers": []})["numbers"]
    CallFactory(campaign=campaign, ended=True, outcome="appointment")
    goal = harmful_changes(campaign, {"goal_outcome": "appointment", "goal_count": 1})
    assert "1 are reached already" in goal["goal_count"]
    Campaign.objects.update(state="paused")
    campaign_edit(campaign=campaign, changed=["playbook"], actor=None, now=now)


def test_progress_counts_leads_and_outcomes(now: datetime) -> None:
    campaign = CampaignFactory(running=True)
    EnrolmentFactory(campaign=campaign, blocked_reasons=["outside_hours"])
    EnrolmentFactory(campaign=campaign, state="done")
    CallFactory(campaign=campaign, ended=True)
    progress = campaign_progress(campaign.pk)
    assert (progress.waiting, progress.done) == (1, 1)
    assert progress.outcomes == {"appointment": 1}
    assert progress.blocked == {"outside_hours": 1}
