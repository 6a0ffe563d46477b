"""Calls are ended through the carrier, and their sound is fetched from it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.utils import timezone

from calls import carrier
from calls.models import Call, OutboxItem, Recording
from calls.services.carrier_recordings import StrangeAddress, carrier_recording_fetch
from calls.services.ending import call_end_now, call_finish, call_hang_up
from calls.services.sending import dial_of
from calls.tests.conftest import Exchange
from tests.factories import CallFactory, stereo_wav

SOUND = stereo_wav([("lead", 0, 500)], duration_ms=1200)


def on_the_line() -> Call:
    call: Call = CallFactory(live=True, provider_sid="")
    Call.objects.filter(pk=call.pk).update(provider_sid=carrier.call_create(dial_of(call)).sid)
    return call


@pytest.mark.django_db(transaction=True)
def test_hanging_up_ends_the_call_at_the_carrier_and_says_who_did(exchange: Exchange) -> None:
    call = on_the_line()
    for reason in ("budget", "agent_hung_up"):
        async_to_sync(call_hang_up)(call_id=call.pk, reason=reason)
    call.refresh_from_db()
    assert exchange.calls[0].is_over
    assert call.end_reason == "budget"


@pytest.mark.django_db
def test_a_call_that_has_ended_is_not_ended_again(exchange: Exchange) -> None:
    call = CallFactory(ended=True)
    call_end_now(call_id=call.pk, reason="manager")
    call.refresh_from_db()
    assert call.end_reason == "agent"


@pytest.mark.django_db
def test_a_call_the_carrier_does_not_know_has_ended(exchange: Exchange) -> None:
    call_end_now(call_id=CallFactory(live=True).pk, reason="manager")


@pytest.mark.django_db
def test_a_carrier_out_of_reach_is_said(no_carrier: None) -> None:
    with pytest.raises(carrier.CarrierError):
        call_end_now(call_id=CallFactory(live=True).pk, reason="manager")


@pytest.mark.django_db
def test_the_first_end_counts() -> None:
    call = CallFactory(live=True)
    now = timezone.now()
    assert call_finish(call_id=call.pk, state="completed", reason="far_end", now=now)
    assert not call_finish(
        call_id=call.pk, state="failed", reason="watchdog", duration_s=7, now=now
    )
    call.refresh_from_db()
    assert (call.state, call.end_reason, call.carrier_seconds) == ("completed", "far_end", 7)
    assert OutboxItem.objects.filter(kind="aftercall").count() == 1


class _Recordings(BaseHTTPRequestHandler):
    asked: list[str] = []

    def do_GET(self) -> None:
        self.asked.append(self.headers.get("Authorization", ""))
        self.send_response(200)
        self.send_header("Content-Length", str(len(SOUND)))
        self.end_headers()
        self.wfile.write(SOUND)

    def log_message(self, *_line: object) -> None:
        """Say nothing."""


@pytest.fixture
def recordings(settings: Any) -> Iterator[str]:
    """A carrier that has one recording."""
    _Recordings.asked = []
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Recordings)
    Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_port}"
    settings.ENV = settings.ENV.model_copy(update={"twilio_api_base_url": url})
    yield url
    server.shutdown()
    server.server_close()


def recorded_by_carrier() -> Call:
    answered = timezone.now()
    call: Call = CallFactory(
        live=True,
        recording_policy="carrier",
        answered_at=answered,
        stream_started_at=answered + timedelta(milliseconds=150),
    )
    Recording.objects.create(call=call, source="carrier")
    return call


@pytest.mark.django_db
def test_the_carrier_s_recording_is_fetched_once_and_kept(recordings: str) -> None:
    call = recorded_by_carrier()
    for _ in range(2):
        carrier_recording_fetch(call_id=call.pk, url=f"{recordings}/RE1", now=timezone.now())
    recording = Recording.objects.get(call=call)
    assert (recording.state, recording.channels, recording.duration_ms) == ("stored", 2, 1200)
    assert recording.sha256 == hashlib.sha256(SOUND).hexdigest()
    assert recording.file.read() == SOUND
    assert recording.offset_ms == -150
    assert len(_Recordings.asked) == 1


@pytest.mark.django_db
@pytest.mark.parametrize(
    "url", ["http://evil.example.com/RE1", "file:///etc/passwd", "http://127.0.0.1:1/RE1", ""]
)
def test_our_credentials_are_not_sent_to_strangers(recordings: str, url: str) -> None:
    call = recorded_by_carrier()
    with pytest.raises(StrangeAddress):
        carrier_recording_fetch(call_id=call.pk, url=url, now=timezone.now())
    assert _Recordings.asked == []
