"""The carrier's REST API through its SDK, on a carrier that misbehaves on demand."""

from __future__ import annotations

import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone
from pydantic import SecretStr

from agents.circuit import Circuit
from calls import carrier
from calls.carrier_errors import MEANINGS, error_of
from calls.tests.conftest import Exchange, is_over

DIAL = carrier.Dial(
    to="+15122000001",
    from_="+15125550100",
    twiml_url="http://127.0.0.1:9/voice/",
    status_url="http://127.0.0.1:9/status/",
    amd_url="",
    recording_url="",
    ring_seconds=25,
    max_seconds=600,
)


def dial(**changes: Any) -> carrier.Dial:
    return carrier.Dial(**{**{name: getattr(DIAL, name) for name in DIAL.__slots__}, **changes})


def test_it_dials_and_finds_the_call_again(exchange: Exchange) -> None:
    made = carrier.call_create(DIAL)
    assert made.sid.startswith("CA")
    assert carrier.call_fetch(made.sid).to == DIAL.to
    found = carrier.calls_list(to=DIAL.to, since=timezone.now() - timedelta(minutes=1))
    assert [(call.sid, call.from_) for call in found] == [(made.sid, DIAL.from_)]


def test_it_asks_for_what_the_call_needs(exchange: Exchange) -> None:
    carrier.call_create(
        dial(amd_url="http://127.0.0.1:9/amd/", recording_url="http://127.0.0.1:9/r/")
    )
    asked = exchange.calls[0].request
    assert (asked.timeout_s, asked.time_limit_s) == (25, 600)
    assert asked.status_callback_event == {"initiated", "ringing", "answered", "completed"}
    assert (asked.machine_detection, asked.async_amd) == ("DetectMessageEnd", True)
    assert (asked.record, asked.recording_channels) == (True, "dual")


def test_without_detection_and_recording_it_asks_for_neither(exchange: Exchange) -> None:
    carrier.call_create(DIAL)
    asked = exchange.calls[0].request
    assert (asked.machine_detection, asked.record) == ("", False)


def test_ending_a_call_twice_is_no_error(exchange: Exchange) -> None:
    sid = carrier.call_create(DIAL).sid
    carrier.call_end(sid)
    with pytest.raises(carrier.CallUnknown):
        carrier.call_end(sid)


def test_cancelling_ends_what_rings_and_leaves_who_picked_up(exchange: Exchange) -> None:
    rings, talks = carrier.call_create(DIAL).sid, carrier.call_create(dial(to="+15122000002")).sid

    async def pick_up() -> None:
        exchange.simulator.board.legs[talks].answer()

    while exchange.simulator.calls[talks].status != "ringing":
        time.sleep(0.01)
    exchange.run(pick_up())
    for sid in (talks, rings):
        carrier.call_cancel(sid)
    assert is_over(exchange.simulator.calls[rings])
    assert carrier.call_fetch(talks).status == "in-progress"


@pytest.mark.parametrize(("number", "code"), [("+15005550001", 21211), ("+15005550003", 21215)])
def test_a_bad_number_is_a_permanent_error(exchange: Exchange, number: str, code: int) -> None:
    with pytest.raises(carrier.CarrierError) as caught:
        carrier.call_create(dial(to=number))
    assert (caught.value.code, caught.value.permanent, caught.value.stops_campaign) == (
        code,
        True,
        False,
    )


def test_wrong_credentials_stop_the_campaign(exchange: Exchange, settings: Any) -> None:
    settings.ENV = settings.ENV.model_copy(update={"twilio_account_sid": "AC" + "0" * 32})
    with pytest.raises(carrier.CarrierError) as caught:
        carrier.call_create(DIAL)
    assert (caught.value.code, caught.value.stops_campaign) == (20003, True)


@pytest.mark.parametrize(
    ("status", "code", "verdict"),
    [
        (400, 21211, "number"),
        (400, 21610, "number"),
        (400, 13224, "number"),
        (400, 21215, "number"),
        (401, 20003, "campaign"),
        (400, 21210, "campaign"),
        (400, 20001, "campaign"),
        (403, None, "campaign"),
        (429, 20429, "retry"),
        (429, None, "retry"),
        (400, 10004, "retry"),
        (400, 99999, "later"),
        (500, 20500, "unclear"),
    ],
)
def test_an_error_says_what_follows_from_it(status: int, code: int | None, verdict: str) -> None:
    error = error_of(status, code)
    found = (
        "unclear"
        if isinstance(error, carrier.CarrierUnclear)
        else "retry"
        if isinstance(error, carrier.CarrierBusy)
        else "campaign"
        if error.stops_campaign
        else "number"
        if error.permanent
        else "later"
    )
    assert found == verdict


def test_the_guide_lists_every_error_with_its_meaning() -> None:
    guide = (Path(__file__).parents[2] / "docs/twilio.md").read_text(encoding="utf-8")
    words = {"retry": "tried again", "number": "number stops", "campaign": "campaign pauses"}
    for code, meaning in MEANINGS.items():
        assert f"| {code} | {meaning.words} | {words[meaning.verdict]} |" in guide


def test_a_refused_token_gives_way_to_the_accounts_other_one(
    exchange: Exchange, settings: Any
) -> None:
    old, new = SecretStr("taken back"), settings.ENV.twilio_auth_token
    settings.ENV = settings.ENV.model_copy(
        update={"twilio_auth_token": old, "twilio_auth_token_secondary": new}
    )
    assert carrier.call_create(DIAL).sid
    assert len(exchange.calls) == 1


def test_a_redirected_call_gets_more_time(exchange: Exchange) -> None:
    sid = carrier.call_create(DIAL).sid
    carrier.call_redirect(sid, url="http://127.0.0.1:9/other/", seconds=3600)
    assert exchange.calls[0].request.time_limit_s == 3600


def test_a_call_that_is_over_cannot_be_redirected(exchange: Exchange) -> None:
    sid = carrier.call_create(DIAL).sid
    carrier.call_end(sid)
    with pytest.raises(carrier.CallUnknown):
        carrier.call_redirect(sid, url="http://127.0.0.1:9/other/", seconds=60)
    assert not carrier.circuit.is_open


def test_too_many_requests_are_an_error_that_passes(exchange: Exchange) -> None:
    exchange.simulator.faults.scope().rest_429 = 1
    with pytest.raises(carrier.CarrierError) as caught:
        carrier.call_create(DIAL)
    assert not isinstance(caught.value, carrier.CarrierUnclear)
    assert (caught.value.permanent, caught.value.stops_campaign) == (False, False)
    assert exchange.calls == []


def test_a_lost_answer_is_unclear_and_not_sent_again(exchange: Exchange) -> None:
    exchange.simulator.faults.scope().lose_response = 1
    with pytest.raises(carrier.CarrierUnclear):
        carrier.call_create(DIAL)
    assert len(exchange.calls) == 1


def test_an_internal_error_while_dialling_is_unclear(exchange: Exchange) -> None:
    exchange.simulator.faults.scope().rest_500 = 1
    with pytest.raises(carrier.CarrierUnclear):
        carrier.call_create(DIAL)


def test_reading_is_repeated_after_an_internal_error(exchange: Exchange) -> None:
    sid = carrier.call_create(DIAL).sid
    exchange.simulator.faults.scope().rest_500 = 2
    assert carrier.call_fetch(sid).sid == sid


def test_nobody_there_means_surely_not_sent(no_carrier: None) -> None:
    with pytest.raises(carrier.CarrierError) as caught:
        carrier.call_create(DIAL)
    assert not isinstance(caught.value, carrier.CarrierUnclear)


def test_after_five_failures_it_rests(no_carrier: None) -> None:
    for _ in range(5):
        with pytest.raises(carrier.CarrierError):
            carrier.call_create(DIAL)
    with pytest.raises(carrier.CarrierDown):
        carrier.call_create(DIAL)


def test_after_its_rest_the_circuit_lets_one_try() -> None:
    time_s = 0.0
    circuit = Circuit(failures=2, rest_s=10, clock=lambda: time_s)
    circuit.failed()
    assert circuit.allows()
    circuit.failed()
    assert not circuit.allows()
    time_s = 10.0
    assert circuit.allows()
    assert not circuit.allows()
    circuit.succeeded()
    assert circuit.allows()
