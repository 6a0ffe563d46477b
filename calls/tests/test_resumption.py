"""What the carrier is told when the stream of a call has ended, and which streams may follow."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from xml.etree import ElementTree

import pytest
from django.conf import settings
from django.urls import reverse
from django.utils import timezone

from billing.models import Charge
from billing.services import prices_seed
from calls.models import Call
from calls.services.metering import call_meter
from calls.services.resumption import stream_resume, stream_token_renew
from calls.services.streams import (
    StreamRefused,
    stream_closed,
    stream_open,
    stream_token_issue,
)
from calls.tests.conftest import playbook_version, sign
from tests.factories import CallFactory, CampaignFactory, ReservationFactory

pytestmark = pytest.mark.django_db
SID = "CA" + "7" * 32


@pytest.fixture
def call() -> Call:
    """A call whose stream was opened five seconds ago."""
    prices_seed()
    campaign = CampaignFactory(running=True, playbook=playbook_version().playbook)
    made: Call = CallFactory(campaign=campaign, state=Call.State.RINGING, provider_sid=SID)
    ReservationFactory(call=made, amount=1)
    began = timezone.now() - timedelta(seconds=5)
    stream_open(token=str(stream_token_issue(call_id=made.pk, now=began)), **stream(made, began))
    made.refresh_from_db()
    return made


def stream(call: Call, now: datetime, sid: str = "MZ" + "1" * 32) -> dict[str, Any]:
    return {
        "call_id": str(call.pk),
        "stream_sid": sid,
        "account_sid": settings.ENV.twilio_account_sid,
        "call_sid": SID,
        "now": now,
    }


def instructions(client: Any, call: Call, again: str) -> ElementTree.Element:
    """Return what the carrier is told when it comes back to our address."""
    path = f"{reverse('twilio-voice', kwargs={'call': call.pk})}?again={again}"
    fields = {"CallSid": SID, "AccountSid": settings.ENV.twilio_account_sid}
    answer = client.post(path, fields, headers={"X-Twilio-Signature": sign(path, fields)})
    assert answer.status_code == 200
    return ElementTree.fromstring(answer.content)


def test_a_held_call_gets_another_stream_and_one_that_keeps_failing_is_paced(
    client: Any, call: Call
) -> None:
    first = instructions(client, call, "1")
    assert [verb.tag for verb in first] == ["Connect", "Redirect"]
    assert (first[1].text or "").endswith(f"/twilio/voice/{call.pk}/?again=2")
    values = {each.get("name"): each.get("value") for each in first.iter("Parameter")}
    assert values["call"] == str(call.pk)
    now = timezone.now()
    stream_resume(token=values["token"], **stream(call, now, "MZ" + "2" * 32))
    call.refresh_from_db()
    assert call.stream_sid == "MZ" + "2" * 32
    assert call.events.filter(kind="stream_resumed").count() == 1
    later = instructions(client, call, "2")
    assert [verb.tag for verb in later] == ["Pause", "Connect", "Redirect"]


@pytest.mark.parametrize("sign_of_it", ["stream_closed_at", "end_reason", "ended_at"])
def test_a_call_that_is_over_is_hung_up(client: Any, call: Call, sign_of_it: str) -> None:
    values = {
        "stream_closed_at": {"stream_closed_at": timezone.now()},
        "end_reason": {"end_reason": "agent_hung_up"},
        "ended_at": {"ended_at": timezone.now(), "state": Call.State.COMPLETED},
    }
    Call.objects.filter(pk=call.pk).update(**values[sign_of_it])
    assert [verb.tag for verb in instructions(client, call, "1")] == ["Hangup"]


@pytest.mark.parametrize(
    ("again", "heartbeat"), [("1", timedelta(seconds=20)), ("20", timedelta(0))]
)
def test_a_call_that_nobody_holds_ends_with_a_word(
    client: Any, call: Call, again: str, heartbeat: timedelta
) -> None:
    Call.objects.filter(pk=call.pk).update(heartbeat_at=timezone.now() - heartbeat)
    told = instructions(client, call, again)
    assert [verb.tag for verb in told] == ["Say", "Hangup"]


def test_a_first_stream_that_could_not_be_opened_is_tried_again_for_a_while(
    client: Any, call: Call
) -> None:
    never = {"stream_started_at": None, "stream_token_used_at": None}
    Call.objects.filter(pk=call.pk).update(**never, answered_at=timezone.now())
    assert "Connect" in [verb.tag for verb in instructions(client, call, "1")]
    Call.objects.filter(pk=call.pk).update(answered_at=timezone.now() - timedelta(seconds=11))
    assert [verb.tag for verb in instructions(client, call, "2")] == ["Say", "Hangup"]


def test_another_process_does_not_take_the_call_for_a_fresh_one(call: Call) -> None:
    now = timezone.now()
    token = str(stream_token_renew(call_id=call.pk, now=now))
    with pytest.raises(StreamRefused, match="held_elsewhere"):
        stream_open(token=token, **stream(call, now))
    stream_resume(token=token, **stream(call, now))
    with pytest.raises(StreamRefused, match="replayed_token"):
        stream_resume(token=token, **stream(call, now))


def test_a_record_that_is_closed_is_not_opened_again(call: Call) -> None:
    now = timezone.now()
    token = str(stream_token_renew(call_id=call.pk, now=now))
    stream_closed(call_id=call.pk, reason="socket_lost", now=now)
    with pytest.raises(StreamRefused):
        stream_resume(token=token, **stream(call, now))
    assert stream_token_renew(call_id=call.pk, now=now) is None


def test_each_stream_is_charged_and_promised_from_its_own_start(call: Call) -> None:
    now = timezone.now()
    call_meter(call_id=call.pk, now=now)
    promised = call.reservation.amount
    stream_resume(
        token=str(stream_token_renew(call_id=call.pk, now=now)), **stream(call, now, "MZ2")
    )
    call_meter(call_id=call.pk, now=now)
    charges = Charge.objects.filter(call_id=call.pk, component="media_stream")
    assert charges.count() == 2
    call.reservation.refresh_from_db()
    assert call.reservation.amount >= promised
    call_meter(call_id=call.pk, now=now)
    assert charges.count() == 2
