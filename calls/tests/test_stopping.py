"""Stopping everything, or one campaign: what rings is cancelled at once, the rest is left alone."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import pytest

from calls.models import Call, Campaign
from calls.services.campaigns import campaign_pause, kill_switch_set
from calls.services.dialer import call_dial, dial_next
from calls.services.stopping import ASK_AGAIN, Stopper
from calls.tests.conftest import Exchange, enrol, is_over
from tests.factories import CallFactory, CampaignFactory
from tests.threads import shared_database


def number_of(calls: list[Call | None], campaign: Campaign) -> str:
    return next(str(call.to_number) for call in calls if call and call.campaign_id == campaign.pk)


@pytest.mark.django_db(transaction=True)
def test_the_kill_switch_cancels_all_that_rings(
    campaign: Campaign, exchange: Exchange, now: datetime, tmp_path: Path
) -> None:
    for _ in range(3):
        enrol(campaign)
        dial_next(now)
    stopper = Stopper()
    assert stopper.stop(now) == 0
    kill_switch_set(engaged=True, reason="Complaint", now=now)
    with shared_database(tmp_path):
        assert stopper.stop(now) == 3
        assert stopper.stop(now) == 0
        assert stopper.stop(now + ASK_AGAIN) == 3
    assert all(is_over(line) for line in exchange.calls)


@pytest.mark.django_db
def test_a_campaign_that_is_halted_cancels_its_own_calls_only(
    campaign: Campaign, exchange: Exchange, now: datetime
) -> None:
    other = CampaignFactory(running=True, playbook=campaign.playbook)
    enrol(campaign)
    enrol(other)
    calls = [dial_next(now), dial_next(now)]
    campaign_pause(campaign_id=campaign.pk, at_once=True, now=now)
    assert Stopper().stop(now) == 1
    ended, rings = sorted(exchange.calls, key=lambda line: line.to != number_of(calls, campaign))
    assert is_over(ended)
    assert not rings.is_over


@pytest.mark.django_db
def test_a_claimed_call_of_a_halted_campaign_is_not_sent(
    campaign: Campaign, exchange: Exchange, now: datetime
) -> None:
    call = CallFactory(campaign=campaign)
    campaign_pause(campaign_id=campaign.pk, at_once=True, now=now)
    assert not call_dial(call_id=call.pk, now=now)
    assert Call.objects.get(pk=call.pk).end_reason == "campaign_halted"
    assert exchange.calls == []


@pytest.mark.django_db
def test_a_plain_pause_lets_it_ring_and_talks_go_on(
    campaign: Campaign, exchange: Exchange, now: datetime
) -> None:
    enrol(campaign)
    dial_next(now)
    CallFactory(campaign=campaign, live=True)
    campaign_pause(campaign_id=campaign.pk, now=now)
    assert Stopper().stop(now + timedelta(seconds=9)) == 0
    assert not exchange.calls[0].is_over
