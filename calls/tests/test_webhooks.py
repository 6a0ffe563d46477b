"""Webhooks of the carrier: who is let in, and what each does, once."""

from __future__ import annotations

from typing import Any
from xml.etree import ElementTree

import pytest
from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer
from django.test import Client
from django.urls import reverse
from pydantic import SecretStr

from calls.models import Call, CarrierEvent, OutboxItem
from calls.services.notices import group_of, notices_of
from calls.services.streams import token_hash
from calls.tests.conftest import Post, sign, state_of
from tests.factories import CallFactory

pytestmark = pytest.mark.django_db

NAMES = ("voice", "status", "amd", "recording")


@pytest.fixture
def call() -> Call:
    made: Call = CallFactory(state=Call.State.DIALING, provider_sid="CA" + "7" * 32)
    return made


@pytest.mark.parametrize("name", NAMES)
def test_it_refuses_a_wrong_signature(post: Post, call: Call, name: str) -> None:
    assert (
        post(name, call, signature="bm90IGEgc2lnbmF0dXJl", CallStatus="completed").status_code
        == 403
    )
    assert state_of(call) == Call.State.DIALING


@pytest.mark.parametrize("name", NAMES)
def test_it_refuses_a_missing_signature(post: Post, call: Call, name: str) -> None:
    assert post(name, call, signature="").status_code == 403


def test_it_refuses_fields_that_were_altered_on_the_way(call: Call) -> None:
    path = reverse("twilio-status", kwargs={"call": call.pk})
    signature = sign(path, {"CallSid": call.provider_sid, "CallStatus": "ringing"})
    answer = Client().post(
        path,
        {"CallSid": call.provider_sid, "CallStatus": "completed"},
        headers={"X-Twilio-Signature": signature},
    )
    assert answer.status_code == 403
    assert state_of(call) == Call.State.DIALING


def test_it_refuses_a_signature_made_for_another_call(call: Call) -> None:
    other = CallFactory(state=Call.State.DIALING)
    fields = {"CallStatus": "completed"}
    signature = sign(reverse("twilio-status", kwargs={"call": other.pk}), fields)
    path = reverse("twilio-status", kwargs={"call": call.pk})
    answer = Client().post(path, fields, headers={"X-Twilio-Signature": signature})
    assert answer.status_code == 403


def test_it_checks_the_public_address_and_not_the_request_s_headers(call: Call) -> None:
    path = reverse("twilio-status", kwargs={"call": call.pk})
    fields = {"CallSid": call.provider_sid, "CallStatus": "ringing"}
    answer = Client().post(
        path,
        fields,
        headers={
            "X-Twilio-Signature": sign(path, fields),
            "Host": "localhost",
            "X-Forwarded-Host": "evil.example.com",
        },
    )
    assert answer.status_code == 204


def test_it_answers_404_for_an_unknown_call(post: Post) -> None:
    assert (
        post("status", "0" * 8 + "-0000-4000-8000-" + "0" * 12, CallStatus="x").status_code == 404
    )


def test_it_refuses_another_call_s_sid(post: Post, call: Call) -> None:
    assert post("status", call, CallSid="CA" + "9" * 32, CallStatus="completed").status_code == 403


def test_it_takes_only_post(call: Call) -> None:
    assert Client().get(reverse("twilio-voice", kwargs={"call": call.pk})).status_code == 405


def test_a_call_advances_with_its_callbacks(post: Post, call: Call) -> None:
    for sequence, status in enumerate(("initiated", "ringing", "in-progress")):
        post("status", call, CallStatus=status, SequenceNumber=str(sequence))
    assert state_of(call) == Call.State.IN_PROGRESS
    post("status", call, CallStatus="completed", SequenceNumber="3", CallDuration="61")
    call.refresh_from_db()
    assert (call.state, call.carrier_seconds, call.provider_sequence) == ("completed", 61, 3)


def test_a_callback_that_comes_twice_is_applied_once(post: Post, call: Call) -> None:
    for _ in range(3):
        answer = post("status", call, CallStatus="completed", SequenceNumber="3", CallDuration="9")
        assert answer.status_code == 204
    assert CarrierEvent.objects.filter(call=call).count() == 1
    assert OutboxItem.objects.filter(kind="aftercall").count() == 1


def test_callbacks_in_the_wrong_order_end_where_the_right_order_ends(
    post: Post, call: Call
) -> None:
    post("status", call, CallStatus="completed", SequenceNumber="3", CallDuration="30")
    post("status", call, CallStatus="ringing", SequenceNumber="1")
    post("status", call, CallStatus="in-progress", SequenceNumber="2")
    call.refresh_from_db()
    assert call.state == Call.State.COMPLETED
    assert call.answered_at is not None
    assert round(call.duration_s) == 30


def test_a_final_state_is_never_left(post: Post, call: Call) -> None:
    post("status", call, CallStatus="busy", SequenceNumber="2")
    post("status", call, CallStatus="completed", SequenceNumber="3")
    assert state_of(call) == Call.State.BUSY


def test_the_inbox_keeps_no_telephone_numbers(post: Post, call: Call) -> None:
    post(
        "status",
        call,
        CallStatus="ringing",
        SequenceNumber="1",
        To="+15125550123",
        From="+15125550100",
    )
    assert "512555" not in str(CarrierEvent.objects.get(call=call).payload)


def test_an_answered_call_is_connected_to_the_stream_with_a_token(post: Post, call: Call) -> None:
    answer = post("voice", call, CallStatus="in-progress")
    stream = ElementTree.fromstring(answer.content).find("Connect/Stream")
    assert stream is not None
    assert stream.get("url", "").endswith("/ws/twilio/media/")
    given = {p.get("name"): p.get("value") for p in stream.findall("Parameter")}
    call.refresh_from_db()
    assert given["call"] == str(call.pk)
    assert call.stream_token_hash == token_hash(str(given["token"]))
    assert str(given["token"]) not in str(Call.objects.filter(pk=call.pk).values())
    assert call.state == Call.State.IN_PROGRESS


def test_a_repeated_fetch_gives_a_new_token(post: Post, call: Call) -> None:
    first = post("voice", call).content
    assert post("voice", call).content != first


@pytest.mark.parametrize("state", ["completed", "canceled", "failed"])
def test_an_ended_call_is_told_to_hang_up(post: Post, state: str, now: Any) -> None:
    call = CallFactory(state=state, ended_at=now)
    assert b"<Hangup" in post("voice", call).content


def test_a_call_whose_end_was_asked_for_is_not_connected(post: Post) -> None:
    call = CallFactory(state=Call.State.RINGING, end_reason="manager")
    assert b"<Hangup" in post("voice", call).content


@pytest.mark.parametrize("reason", ["kill_switch", "campaign_halted"])
def test_who_picks_up_before_the_call_is_cancelled_is_spoken_with(post: Post, reason: str) -> None:
    call = CallFactory(state=Call.State.RINGING, end_reason=reason)
    assert b"<Stream" in post("voice", call).content
    call.refresh_from_db()
    assert (call.state, call.end_reason) == (Call.State.IN_PROGRESS, "")


def test_a_machine_is_told_to_the_process_that_holds_the_call(post: Post) -> None:
    call = CallFactory(live=True)
    layer = get_channel_layer()
    assert layer is not None
    channel = async_to_sync(layer.new_channel)()
    async_to_sync(layer.group_add)(group_of(call.pk), channel)
    post("amd", call, AnsweredBy="machine_end_beep", MachineDetectionDuration="4100")
    (notice,) = notices_of(call.pk)
    assert (notice.kind, notice.data) == ("machine", {"beep": True})
    call.refresh_from_db()
    assert call.answered_by == "machine_end_beep"


def test_a_machine_s_hint_reaches_the_group(
    post: Post, django_capture_on_commit_callbacks: Any
) -> None:
    call = CallFactory(live=True)
    layer = get_channel_layer()
    assert layer is not None
    channel = async_to_sync(layer.new_channel)()
    async_to_sync(layer.group_add)(group_of(call.pk), channel)
    with django_capture_on_commit_callbacks(execute=True):
        post("amd", call, AnsweredBy="machine_start")
    message = async_to_sync(layer.receive)(channel)
    assert message["type"] == "call.notice"
    assert (message["kind"], message["data"]) == ("machine", {"beep": False})


def test_a_person_is_no_notice(post: Post) -> None:
    call = CallFactory(live=True)
    post("amd", call, AnsweredBy="human")
    assert notices_of(call.pk) == ()


def test_a_carrier_recording_is_promised_to_be_fetched_once(post: Post) -> None:
    call = CallFactory(live=True, recording_policy="carrier")
    for _ in range(2):
        post(
            "recording",
            call,
            RecordingSid="RE" + "1" * 32,
            RecordingStatus="completed",
            RecordingUrl="http://127.0.0.1:8900/x",
        )
    assert OutboxItem.objects.filter(kind="carrier_recording").count() == 1


def test_while_tokens_are_changed_a_webhook_signed_with_either_is_let_in(
    call: Call, settings: Any
) -> None:
    path = reverse("twilio-status", kwargs={"call": call.pk})
    old = {"CallSid": call.provider_sid, "CallStatus": "initiated", "SequenceNumber": "0"}
    signed_with_old = sign(path, old)
    settings.ENV = settings.ENV.model_copy(
        update={
            "twilio_auth_token": SecretStr("the new one"),
            "twilio_auth_token_secondary": settings.ENV.twilio_auth_token,
        }
    )
    new = {"CallSid": call.provider_sid, "CallStatus": "ringing", "SequenceNumber": "1"}
    for fields, signature in ((old, signed_with_old), (new, sign(path, new))):
        answer = Client().post(path, fields, headers={"X-Twilio-Signature": signature})
        assert answer.status_code == 204
    settings.ENV = settings.ENV.model_copy(update={"twilio_auth_token_secondary": SecretStr("")})
    answer = Client().post(path, old, headers={"X-Twilio-Signature": signed_with_old})
    assert answer.status_code == 403


@pytest.mark.parametrize("forwarded", ["http", "https"])
def test_behind_a_proxy_with_a_path_prefix_the_public_address_counts(
    call: Call, settings: Any, forwarded: str
) -> None:
    settings.ENV = settings.ENV.model_copy(
        update={"public_base_url": "https://crm.example.com/dial"}
    )
    path = reverse("twilio-status", kwargs={"call": call.pk}) + "?from=twilio"
    fields = {"CallSid": call.provider_sid, "CallStatus": "ringing"}
    answer = Client().post(
        path,
        fields,
        headers={
            "X-Twilio-Signature": sign(path, fields),  # of https://crm.example.com/dial/twilio/…
            "Host": "localhost",
            "X-Forwarded-Proto": forwarded,
            "X-Forwarded-For": "203.0.113.7",
        },
    )
    assert answer.status_code == 204


def test_late_news_of_an_earlier_state_change_nothing(post: Post, call: Call) -> None:
    news = [("in-progress", "2"), ("ringing", "1"), ("initiated", "0"), ("completed", "3")]
    seen = []
    for status, sequence in news:
        post("status", call, CallStatus=status, SequenceNumber=sequence)
        seen.append(state_of(call))
    assert seen == ["in_progress"] * 3 + ["completed"]
    call.refresh_from_db()
    assert call.provider_sequence == 3
    post("status", call, CallStatus="ringing", SequenceNumber="4")
    assert state_of(call) == Call.State.COMPLETED
