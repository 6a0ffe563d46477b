"""Which media streams are let in."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.conf import settings
from django.core.exceptions import ValidationError

from agents.playbook import TurnTaking
from calls.models import Call, Campaign, Recording
from calls.services.streams import (
    StreamRefused,
    stream_closed,
    stream_open,
    stream_token_issue,
)
from calls.tests.conftest import playbook_version
from tests.factories import CallFactory, CampaignFactory

pytestmark = pytest.mark.django_db
SID = "CA" + "7" * 32


@pytest.fixture
def call() -> Call:
    campaign = CampaignFactory(running=True, playbook=playbook_version().playbook)
    made: Call = CallFactory(campaign=campaign, state=Call.State.RINGING, provider_sid=SID)
    return made


def knock(call_id: object, token: str | None, now: datetime, **other: str) -> Any:
    fields = {
        "stream_sid": "MZ" + "1" * 32,
        "account_sid": settings.ENV.twilio_account_sid,
        "call_sid": SID,
    }
    return stream_open(call_id=str(call_id), token=token or "", now=now, **{**fields, **other})


def test_the_right_token_opens_the_stream(call: Call, now: datetime) -> None:
    live = knock(call.pk, stream_token_issue(call_id=call.pk, now=now), now)
    call.refresh_from_db()
    assert live.call_id == call.pk
    assert live.started_at == call.stream_started_at == now
    assert call.state == Call.State.IN_PROGRESS
    assert live.brief.business_name == "Harbor Homes"
    assert live.brief.recorded
    assert live.recording_path is not None
    assert live.recording_path.parent.is_dir()
    assert Recording.objects.get(call=call).state == Recording.State.RECORDING


def test_turns_are_taken_as_the_playbook_says_unless_the_campaign_does(
    call: Call, now: datetime
) -> None:
    version = call.playbook_version
    version.script = {
        **version.script,
        "turn_taking": {"patience": "patient", "least_gap_ms": 400, "interrupting": "hard"},
    }
    version.save()
    campaign = call.campaign
    assert campaign is not None
    campaign.patience, campaign.least_gap_ms = "quick", 0
    campaign.save()
    live = knock(call.pk, stream_token_issue(call_id=call.pk, now=now), now)
    assert live.turn_taking == TurnTaking(patience="quick", least_gap_ms=0, interrupting="hard"), (
        "what the campaign leaves empty is the playbook's, and 0 is not empty"
    )


@pytest.mark.parametrize("wrong", [{"least_gap_ms": 3001}, {"patience": "saintly"}])
def test_a_campaign_with_an_impossible_pause_is_refused(call: Call, wrong: dict[str, Any]) -> None:
    campaign = call.campaign
    assert campaign is not None
    for name, value in wrong.items():
        setattr(campaign, name, value)
    with pytest.raises(ValidationError) as refusal:
        campaign.full_clean()
    assert wrong.keys() <= refusal.value.message_dict.keys()


def test_a_token_opens_one_stream_only(call: Call, now: datetime) -> None:
    token = stream_token_issue(call_id=call.pk, now=now)
    knock(call.pk, token, now)
    with pytest.raises(StreamRefused, match="replayed_token"):
        knock(call.pk, token, now)
    assert stream_token_issue(call_id=call.pk, now=now) is None


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"call_id": "not a call"}, "unknown_call"),
        ({"call_id": "7c9e6679-7425-40de-944b-e07fc1f90ae7"}, "unknown_call"),
        ({"token": ""}, "missing_token"),
        ({"token": "guessed"}, "wrong_token"),
        ({"account_sid": "AC" + "0" * 32}, "not_ours"),
        ({"call_sid": "CA" + "0" * 32}, "not_ours"),
    ],
)
def test_it_refuses_and_says_why(
    call: Call, now: datetime, changes: dict[str, str], reason: str
) -> None:
    token = stream_token_issue(call_id=call.pk, now=now)
    fields: dict[str, Any] = {"call_id": call.pk, "token": token, **changes}
    with pytest.raises(StreamRefused, match=reason):
        knock(fields.pop("call_id"), fields.pop("token"), now, **fields)
    knock(call.pk, token, now)


def test_an_ended_call_has_no_stream(call: Call, now: datetime) -> None:
    token = stream_token_issue(call_id=call.pk, now=now)
    Call.objects.filter(pk=call.pk).update(state=Call.State.COMPLETED, ended_at=now)
    with pytest.raises(StreamRefused, match="call_ended"):
        knock(call.pk, token, now)


def test_an_older_token_is_worth_nothing(call: Call, now: datetime) -> None:
    old = stream_token_issue(call_id=call.pk, now=now)
    stream_token_issue(call_id=call.pk, now=now)
    with pytest.raises(StreamRefused, match="wrong_token"):
        knock(call.pk, old, now)


@pytest.mark.parametrize(
    "policy", [Campaign.RecordingPolicy.NONE, Campaign.RecordingPolicy.CARRIER]
)
def test_we_record_only_where_the_policy_says_so(call: Call, now: datetime, policy: str) -> None:
    Call.objects.filter(pk=call.pk).update(recording_policy=policy)
    live = knock(call.pk, stream_token_issue(call_id=call.pk, now=now), now)
    assert live.recording_path is None
    assert live.brief.recorded is (policy != Campaign.RecordingPolicy.NONE)


def test_the_last_call_is_remembered(call: Call, now: datetime) -> None:
    CallFactory(lead=call.lead, ended=True, notes={"memory": {"timeframe": "three months"}})
    live = knock(call.pk, stream_token_issue(call_id=call.pk, now=now), now)
    assert live.brief.memory == {"timeframe": "three months"}


def test_a_stream_is_closed_once(call: Call, now: datetime) -> None:
    stream_closed(call_id=call.pk, reason="lead_hung_up", now=now)
    stream_closed(call_id=call.pk, reason="socket_lost", now=now + timedelta(seconds=9))
    call.refresh_from_db()
    assert call.end_reason == "lead_hung_up"
    assert call.stream_closed_at == now
    assert call.events.filter(kind="stream_closed").count() == 1
