from __future__ import annotations

import io
import wave

import numpy as np
import pytest
from aiohttp import web

from calls.simulator import CarrierSimulator, g711, wav
from calls.simulator.clips import clip, tone
from calls.simulator.tests.conftest import NUMBERS, Application, Sdk
from calls.simulator.twiml import TwimlError, parse


def loudness(sound: bytes) -> float:
    return float(np.abs(g711.decode(sound).astype(np.int32)).max()) if sound else 0.0


async def test_it_plays_files_and_keeps_their_sound(
    sdk: Sdk, carrier: CarrierSimulator, application: Application
) -> None:
    async def file(_: web.Request) -> web.Response:
        return web.Response(body=wav.from_ulaw(tone(500, 200)), content_type="audio/x-wav")

    application.documents["/file.wav"] = file
    application.documents["/voice/"] = "<Response><Play>/file.wav</Play></Response>"
    call = await sdk.call("mute")
    ended = await carrier.wait_for(call.sid, 5)
    assert tone(500, 200).strip(b"\xff") in ended.heard
    assert application.of("/file.wav")[0].signed


async def test_it_speaks(sdk: Sdk, carrier: CarrierSimulator) -> None:
    call = await sdk.call("mute", twiml="<Response><Say>Good day.</Say></Response>")
    ended = await carrier.wait_for(call.sid, 10)
    assert ended.events("error") == []
    assert loudness(ended.heard) > 3000


async def test_it_gathers_keys_and_asks_what_to_do_with_them(
    sdk: Sdk, carrier: CarrierSimulator, application: Application
) -> None:
    async def file(_: web.Request) -> web.Response:
        return web.Response(body=wav.from_ulaw(tone(500, 200)), content_type="audio/x-wav")

    application.documents["/file.wav"] = file
    application.documents["/voice/"] = (
        '<Response><Gather timeout="2" action="/keys/"><Play>/file.wav</Play></Gather></Response>'
    )
    call = await sdk.call("presser")
    await carrier.wait_for(call.sid, 8)
    assert application.of("/keys/")[0].params["Digits"] == "42"


async def test_it_goes_on_when_no_key_is_pressed(
    sdk: Sdk, carrier: CarrierSimulator, application: Application
) -> None:
    application.documents["/voice/"] = (
        '<Response><Gather timeout="0.1" action="/keys/"/><Redirect>/next/</Redirect></Response>'
    )
    call = await sdk.call("mute")
    await carrier.wait_for(call.sid, 5)
    assert application.of("/keys/") == []
    assert len(application.of("/next/")) == 1


async def test_it_records_a_message(
    sdk: Sdk, carrier: CarrierSimulator, application: Application
) -> None:
    application.documents["/voice/"] = (
        '<Response><Record playBeep="false" timeout="1" action="/message/"/></Response>'
    )
    call = await sdk.call("quick")
    ended = await carrier.wait_for(call.sid, 8)
    told = application.of("/message/")[0].params
    assert told["RecordingSid"] == ended.recordings[0].sid
    with wave.open(io.BytesIO(ended.recordings[0].sound(1))) as sound:
        samples = np.frombuffer(sound.readframes(sound.getnframes()), "<i2")
    assert np.abs(samples).max() > 5000


async def test_it_connects_two_people(
    sdk: Sdk, carrier: CarrierSimulator, application: Application
) -> None:
    application.documents["/voice/"] = (
        f'<Response><Dial timeLimit="2" action="/dialled/">{NUMBERS["quick"]}</Dial></Response>'
    )
    call = await sdk.call("mute")
    ended = await carrier.wait_for(call.sid, 8)
    told = application.of("/dialled/")[0].params
    other = carrier.calls[told["DialCallSid"]]
    assert told["DialCallStatus"] == "completed"
    assert (other.parent_sid, other.direction) == (call.sid, "outbound-dial")
    assert clip("Hello.").strip(b"\xff") in ended.heard


async def test_it_reports_a_dialled_number_that_is_busy(
    sdk: Sdk, carrier: CarrierSimulator, application: Application
) -> None:
    number = NUMBERS["engaged"]
    application.documents["/voice/"] = f'<Response><Dial action="/d/">{number}</Dial></Response>'
    call = await sdk.call("mute")
    await carrier.wait_for(call.sid, 5)
    assert application.of("/d/")[0].params["DialCallStatus"] == "busy"


@pytest.mark.parametrize(
    ("document", "code"),
    [
        ("hello", 12100),
        ("<Response><Dance/></Response>", 12200),
        ("<Answer/>", 12102),
        (web.Response(text="{}", content_type="application/json"), 12300),
        (web.Response(status=500), 11200),
    ],
)
async def test_it_apologises_and_hangs_up_when_the_application_makes_no_sense(
    sdk: Sdk,
    carrier: CarrierSimulator,
    application: Application,
    document: object,
    code: int,
) -> None:
    carrier.board._spoken[
        ("We are sorry, an application error has occurred. Goodbye.", "en-us")
    ] = tone(300, 100)
    application.documents["/voice/"] = document
    call = await sdk.call("mute")
    ended = await carrier.wait_for(call.sid, 5)
    assert [error.detail["code"] for error in ended.events("error")] == [code]
    assert ended.status == "completed"
    assert loudness(ended.heard) > 3000


async def test_it_turns_to_the_fallback_address(
    sdk: Sdk, carrier: CarrierSimulator, application: Application
) -> None:
    application.documents["/voice/"] = "nonsense"
    call = await sdk.call("mute", fallback_url=application.url("/fallback/"))
    await carrier.wait_for(call.sid, 5)
    told = application.of("/fallback/")[0].params
    assert (told["ErrorCode"], told["ErrorUrl"]) == ("12100", application.url("/voice/"))


def test_an_empty_answer_ends_the_call() -> None:
    assert parse(b"  ") == []


def test_a_number_that_is_none_is_refused_by_name() -> None:
    verb = parse('<Response><Pause length="long"/></Response>')[0]
    with pytest.raises(TwimlError, match="Pause length='long'"):
        verb.number("length", 1)
