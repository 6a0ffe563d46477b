from __future__ import annotations

import io
import wave

import aiohttp
import numpy as np
import pytest

from calls.simulator import CarrierSimulator
from calls.simulator.tests.conftest import ACCOUNT, AGENT, NUMBERS, TOKEN, Application, Sdk

ALL = ["initiated", "ringing", "answered", "completed"]
SHORT = '<Response><Pause length="0.3"/></Response>'


async def test_it_reports_every_step_signed_and_numbered(
    sdk: Sdk, carrier: CarrierSimulator, application: Application
) -> None:
    application.documents["/voice/"] = SHORT
    call = await sdk.call(
        "mute", status_callback=application.url("/status/?call=1"), status_callback_event=ALL
    )
    await carrier.wait_for(call.sid, 10)
    told = application.of("/status/")
    assert application.statuses() == ["initiated", "ringing", "in-progress", "completed"]
    assert [one.params["SequenceNumber"] for one in told] == ["0", "1", "2", "3"]
    assert all(one.signed for one in application.received)
    last = told[-1].params
    assert last["CallbackSource"] == "call-progress-events"
    assert (last["CallDuration"], last["Duration"], last["Direction"]) == ("1", "1", "outbound-api")
    assert "SequenceNumber" in last
    assert last["Timestamp"].endswith("+0000")
    voice = application.of("/voice/")[0].params
    assert (voice["CallStatus"], voice["To"], voice["From"]) == (
        "in-progress",
        NUMBERS["mute"],
        AGENT,
    )


async def test_it_reports_only_the_end_unless_asked(
    sdk: Sdk, carrier: CarrierSimulator, application: Application
) -> None:
    call = await sdk.call("mute", status_callback=application.url("/status/"))
    await carrier.wait_for(call.sid, 10)
    assert application.statuses() == ["completed"]


@pytest.mark.parametrize(
    ("who", "status", "sip"),
    [
        ("engaged", "busy", "486"),
        ("away", "no-answer", "480"),
        ("+18085559999", "failed", "404"),
    ],
)
async def test_it_reports_calls_nobody_answers(
    sdk: Sdk, carrier: CarrierSimulator, application: Application, who: str, status: str, sip: str
) -> None:
    call = await sdk.call(who, status_callback=application.url("/status/"))
    assert (await carrier.wait_for(call.sid, 10)).status == status
    last = application.of("/status/")[-1].params
    assert (last["CallStatus"], last["SipResponseCode"]) == (status, sip)
    assert last["CallDuration"] == "0"
    fetched = await sdk.run(lambda client: client.calls(call.sid).fetch())
    assert fetched.price is None
    assert application.of("/voice/") == []


async def test_it_stops_ringing_after_the_timeout(sdk: Sdk, carrier: CarrierSimulator) -> None:
    carrier.board.ring_s = 5
    call = await sdk.call("mute", timeout=1)
    assert (await carrier.wait_for(call.sid, 4)).status == "no-answer"


async def test_it_ends_calls_at_their_time_limit(sdk: Sdk, carrier: CarrierSimulator) -> None:
    call = await sdk.call("mute", twiml='<Response><Pause length="9"/></Response>', time_limit=1)
    ended = await carrier.wait_for(call.sid, 4)
    assert ended.events("hang_up")[0].detail == {"by": "time_limit"}
    assert ended.status == "completed"


async def test_it_hangs_up_when_the_person_does(sdk: Sdk, carrier: CarrierSimulator) -> None:
    call = await sdk.call("leaver", twiml='<Response><Pause length="9"/></Response>')
    ended = await carrier.wait_for(call.sid, 5)
    assert ended.events("hang_up")[0].detail == {"by": "lead"}


async def test_it_places_one_call_a_second_and_queues_the_rest(
    sdk: Sdk, carrier: CarrierSimulator
) -> None:
    carrier.board._calls_per_second = 4
    sids = [(await sdk.call("engaged")).sid for _ in range(3)]
    calls = [await carrier.wait_for(sid, 5) for sid in sids]
    assert all(call.status == "busy" for call in calls)
    placed = [call.created.timestamp() + call.events("status")[0].at_ms / 1000 for call in calls]
    assert placed[1] - placed[0] > 0.2
    assert placed[2] - placed[1] > 0.2


async def test_it_detects_people_in_the_background(
    sdk: Sdk, carrier: CarrierSimulator, application: Application
) -> None:
    call = await sdk.call(
        "mute",
        twiml=SHORT,
        machine_detection="Enable",
        async_amd="true",
        async_amd_status_callback=application.url("/amd/"),
    )
    await carrier.wait_for(call.sid, 5)
    told = application.of("/amd/")[0]
    assert told.signed
    assert told.params == {
        "AccountSid": ACCOUNT,
        "CallSid": call.sid,
        "AnsweredBy": "human",
        "MachineDetectionDuration": "100",
    }
    assert (await sdk.run(lambda client: client.calls(call.sid).fetch())).answered_by == "human"


async def test_it_waits_for_detection_before_asking_for_instructions(
    sdk: Sdk, carrier: CarrierSimulator, application: Application
) -> None:
    call = await sdk.call("machine", machine_detection="Enable")
    await carrier.wait_for(call.sid, 5)
    assert application.of("/voice/")[0].params["AnsweredBy"] == "machine_start"


async def test_it_waits_for_the_beep_when_a_message_is_to_be_left(
    sdk: Sdk, carrier: CarrierSimulator, application: Application
) -> None:
    application.documents["/voice/"] = SHORT
    call = await sdk.call("machine", machine_detection="DetectMessageEnd")
    ended = await carrier.wait_for(call.sid, 5)
    assert application.of("/voice/")[0].params["AnsweredBy"] == "machine_end_beep"
    duration = ended.events("amd")[0].detail["duration_ms"]
    beep = np.frombuffer(ended.said, np.uint8)[8 * (duration - 300) : 8 * (duration - 200)]
    assert np.unique(beep).size > 4  # the tone had been going out when the verdict came


async def test_a_menu_of_keys_has_no_beep_to_wait_for(
    sdk: Sdk, carrier: CarrierSimulator, application: Application
) -> None:
    application.documents["/voice/"] = SHORT
    call = await sdk.call("menu", machine_detection="DetectMessageEnd")
    await carrier.wait_for(call.sid, 5)
    assert application.of("/voice/")[0].params["AnsweredBy"] == "machine_start"


async def test_it_records_both_sides_and_reports_it(
    sdk: Sdk, carrier: CarrierSimulator, application: Application
) -> None:
    call = await sdk.call(
        "quick",
        twiml='<Response><Pause length="1"/></Response>',
        record=True,
        recording_channels="dual",
        recording_status_callback=application.url("/recording/"),
        recording_status_callback_event=["in-progress", "completed"],
        status_callback=application.url("/status/"),
    )
    await carrier.wait_for(call.sid, 10)
    told = application.of("/recording/")
    assert [one.params["RecordingStatus"] for one in told] == ["in-progress", "completed"]
    assert told[1].params["RecordingSource"] == "OutboundAPI"
    assert told[1].params["RecordingDuration"] in ("1", "2")
    assert application.of("/status/")[0].params["RecordingSid"] == told[1].params["RecordingSid"]
    url = told[1].params["RecordingUrl"]
    async with aiohttp.ClientSession() as session:
        headers = {"Authorization": aiohttp.encode_basic_auth(ACCOUNT, TOKEN)}
        async with session.get(f"{url}.wav?RequestedChannels=2", headers=headers) as got:
            content = await got.read()
        async with session.get(f"{url}.wav") as refused:
            assert refused.status == 401
    with wave.open(io.BytesIO(content)) as sound:
        assert (sound.getnchannels(), sound.getframerate()) == (2, 8000)
        samples = np.frombuffer(sound.readframes(sound.getnframes()), "<i2").reshape(-1, 2)
    assert np.abs(samples[:, 0]).max() > 5000  # what the person said
    assert np.abs(samples[:, 1]).max() < 100  # what they heard: nothing


@pytest.mark.parametrize(("trim", "begins"), [("trim-silence", True), ("do-not-trim", False)])
async def test_it_cuts_silence_from_recordings_unless_told_not_to(
    sdk: Sdk, carrier: CarrierSimulator, trim: str, begins: bool
) -> None:
    twiml = '<Response><Pause length="1"/></Response>'
    call = await sdk.call("quick", twiml=twiml, record=True, trim=trim)
    ended = await carrier.wait_for(call.sid, 10)
    with wave.open(io.BytesIO(ended.recordings[0].sound(1))) as sound:
        first = np.frombuffer(sound.readframes(160), "<i2")
    assert bool(np.abs(first).max() > 160) is begins


async def test_it_starts_lists_and_deletes_recordings(sdk: Sdk, carrier: CarrierSimulator) -> None:
    call = await sdk.call("mute", twiml='<Response><Pause length="1"/></Response>')
    await carrier.calls[call.sid].answered.wait()
    made = await sdk.run(
        lambda client: client.calls(call.sid).recordings.create(recording_channels="dual")
    )
    assert (made.status, made.source, made.channels) == (
        "in-progress",
        "StartCallRecordingAPI",
        2,
    )
    await carrier.wait_for(call.sid, 5)
    listed = await sdk.run(lambda client: client.calls(call.sid).recordings.list())
    assert [(one.sid, one.status) for one in listed] == [(made.sid, "completed")]
    assert await sdk.run(lambda client: client.recordings(made.sid).delete())
    assert await sdk.run(lambda client: client.recordings.list()) == []


async def test_a_person_can_call_in(carrier: CarrierSimulator, application: Application) -> None:
    application.documents["/incoming/"] = SHORT
    request = {"from": NUMBERS["mute"], "to": AGENT, "url": application.url("/incoming/")}
    address = f"{carrier.base_url}/_simulator/inbound"
    async with aiohttp.ClientSession() as session, session.post(address, json=request) as answer:
        made = await answer.json()
    call = await carrier.wait_for(made["sid"], 5)
    assert (call.direction, call.status) == ("inbound", "completed")
    asked = application.of("/incoming/")[0]
    assert asked.signed
    assert asked.params["CallStatus"] == "ringing"


async def test_an_inbound_call_can_be_rejected(
    carrier: CarrierSimulator, application: Application
) -> None:
    application.documents["/incoming/"] = '<Response><Reject reason="busy"/></Response>'
    call = carrier.call_in(from_=NUMBERS["mute"], to=AGENT, url=application.url("/incoming/"))
    assert (await carrier.wait_for(call.sid, 5)).status == "busy"
    assert call.line is None
