"""The dialer asks whether there is a place for a call before it makes one."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from django.utils import timezone

from calls.models import Call, Campaign, VoiceProcess
from calls.services.capacity import voice_capacity, voice_capacity_free, voice_capacity_publish
from calls.services.dialer import dial_next
from calls.tests.conftest import Exchange, Post, enrol
from leads.models import Task
from tests.factories import CallFactory

pytestmark = pytest.mark.django_db


def publish(now: datetime, name: str = "one", *, most: int = 2, live: int = 0, **more: str) -> None:
    voice_capacity_publish(name=name, most=most, live=live, now=now, **more)


def test_nothing_is_known_until_a_process_has_reported_itself(now: datetime) -> None:
    assert voice_capacity_free(now) is None


def test_the_places_of_all_processes_count(now: datetime) -> None:
    publish(now, "one", most=4, live=1)
    publish(now, "two", most=4, live=4)
    publish(now, "three", most=4, live=1, refusal="draining")
    publish(now, "four", most=4, live=6)
    capacity = voice_capacity(now)
    assert capacity is not None
    assert (capacity.processes, capacity.places, capacity.free) == (4, 16, 3)


def test_a_report_is_replaced_and_expires(now: datetime) -> None:
    publish(now, most=4)
    publish(now + timedelta(seconds=2), most=4, live=3)
    assert voice_capacity_free(now + timedelta(seconds=3)) == 1
    assert voice_capacity_free(now + timedelta(seconds=30)) == 0, "it is gone, not unknown"
    publish(now + timedelta(days=2), "another")
    assert list(VoiceProcess.objects.values_list("name", flat=True)) == ["another"]


def test_calls_on_their_way_have_their_place_already(now: datetime) -> None:
    publish(now, most=5, live=1)
    CallFactory(state=Call.State.RINGING)
    CallFactory(state=Call.State.IN_PROGRESS, answered_at=now)
    opened_since = {"stream_started_at": now + timedelta(seconds=1)}
    CallFactory(state=Call.State.IN_PROGRESS, answered_at=now, **opened_since)
    counted_already = {"stream_started_at": now - timedelta(seconds=1)}
    CallFactory(state=Call.State.IN_PROGRESS, answered_at=now, **counted_already)
    assert voice_capacity_free(now + timedelta(seconds=1)) == 1


def test_nobody_is_dialled_whom_nobody_could_speak_with(
    campaign: Campaign, exchange: Exchange, now: datetime
) -> None:
    for _ in range(3):
        enrol(campaign)
    publish(now, most=2, live=1)
    assert [dial_next(now) is not None for _ in range(2)] == [True, False]
    publish(now, most=3, live=1)
    assert dial_next(now) is not None


def test_a_lead_who_calls_when_every_place_is_taken_hears_so(
    post: Post, campaign: Campaign
) -> None:
    lead = enrol(campaign).lead
    publish(timezone.now(), most=1, live=1)
    answer = post("incoming", CallSid="CA" + "3" * 32, From=str(lead.phone), To="+15125550100")
    assert b"cannot take your call right now" in answer.content
    assert Task.objects.get(lead=lead).kind == Task.Kind.CALLBACK
    assert not Call.objects.exists()
