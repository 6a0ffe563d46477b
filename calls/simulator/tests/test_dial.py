"""Calls passed on: whispers, browsers, several telephones at once, conferences."""

from __future__ import annotations

import asyncio

import pytest

from calls.simulator import CarrierSimulator
from calls.simulator.clips import clip
from calls.simulator.tests.conftest import NUMBERS, Application, Sdk

WHISPER = (
    '<Response><Gather numDigits="1" timeout="1" action="/key/"><Pause length="0.1"/></Gather>'
    "<Hangup/></Response>"
)
BROWSER = "client:rep_1"


def dial(nouns: str, **attributes: str) -> str:
    written = "".join(f' {name}="{value}"' for name, value in attributes.items())
    return f'<Response><Dial action="/dialled/"{written}>{nouns}</Dial></Response>'


async def test_a_whisper_that_is_accepted_connects(
    sdk: Sdk, carrier: CarrierSimulator, application: Application
) -> None:
    carrier.set_directory({NUMBERS["presser"]: "presser", NUMBERS["mute"]: "mute"})
    number = f'<Number url="/whisper/">{NUMBERS["presser"]}</Number>'
    application.documents["/voice/"] = dial(number, timeLimit="2")
    application.documents["/whisper/"] = (
        '<Response><Gather numDigits="1" timeout="2" action="/key/">'
        f"<Play>{application.url('/tone/')}</Play></Gather><Hangup/></Response>"
    )
    application.documents["/key/"] = "<Response/>"
    application.documents["/tone/"] = tone_answer
    call = await sdk.call("mute")
    await carrier.wait_for(call.sid, 8)
    assert application.of("/key/")[0].params["Digits"] == "4"
    told = application.of("/dialled/")[0].params
    assert told["DialCallStatus"] == "completed"
    assert carrier.calls[told["DialCallSid"]].parent_sid == call.sid


async def test_a_whisper_that_hangs_up_connects_nobody(
    sdk: Sdk, carrier: CarrierSimulator, application: Application
) -> None:
    number = f'<Number url="/whisper/">{NUMBERS["mute"]}</Number>'
    application.documents["/voice/"] = dial(number)
    application.documents["/whisper/"] = WHISPER
    call = await sdk.call("mute")
    await carrier.wait_for(call.sid, 8)
    told = application.of("/dialled/")[0].params
    assert (told["DialCallStatus"], told["DialCallDuration"]) == ("no-answer", "0")


async def test_the_first_of_several_telephones_wins(
    sdk: Sdk, carrier: CarrierSimulator, application: Application
) -> None:
    carrier.set_directory({BROWSER: "quick"}, replace=False)
    nouns = (
        f"<Number>{NUMBERS['engaged']}</Number><Client><Identity>rep_1</Identity></Client>"
        f"<Number>{NUMBERS['away']}</Number>"
    )
    application.documents["/voice/"] = dial(nouns, timeLimit="1")
    call = await sdk.call("mute")
    ended = await carrier.wait_for(call.sid, 8)
    told = application.of("/dialled/")[0].params
    assert told["DialCallStatus"] == "completed"
    assert carrier.calls[told["DialCallSid"]].to == BROWSER
    assert len(ended.events("dial")) == 3


async def test_nobody_answers_a_browser_that_is_closed(
    sdk: Sdk, carrier: CarrierSimulator, application: Application
) -> None:
    carrier.set_directory({BROWSER: "away"}, replace=False)
    application.documents["/voice/"] = dial("<Client>rep_1</Client>")
    call = await sdk.call("mute")
    await carrier.wait_for(call.sid, 8)
    assert application.of("/dialled/")[0].params["DialCallStatus"] == "no-answer"


def room(**attributes: str) -> str:
    written = "".join(f' {name}="{value}"' for name, value in attributes.items())
    return (
        f'<Response><Dial action="/left/"><Conference{written}>room</Conference></Dial></Response>'
    )


async def test_members_of_a_conference_hear_each_other(sdk: Sdk, carrier: CarrierSimulator) -> None:
    first = await sdk.call("mute", twiml=room())
    await carrier.calls[first.sid].answered.wait()
    second = await sdk.call("quick", twiml=room(endConferenceOnExit="true"))
    await asyncio.sleep(1.2)
    await sdk.run(lambda client: client.calls(second.sid).update(status="completed"))
    ended = await carrier.wait_for(first.sid, 5)
    hello = clip("Hello.").strip(b"\xff")
    assert hello in ended.heard
    assert hello not in carrier.calls[second.sid].heard, "nobody hears themselves"
    assert not carrier.board.conferences


@pytest.mark.slow
async def test_a_muted_member_listens_only(sdk: Sdk, carrier: CarrierSimulator) -> None:
    first = await sdk.call("mute", twiml=room())
    await carrier.calls[first.sid].answered.wait()
    second = await sdk.call("quick", twiml=room(muted="true", endConferenceOnExit="true"))
    await asyncio.sleep(1)
    await sdk.run(lambda client: client.calls(second.sid).update(status="completed"))
    ended = await carrier.wait_for(first.sid, 5)
    assert clip("Hello.").strip(b"\xff") not in ended.heard


async def test_a_conference_waits_for_who_may_start_it(sdk: Sdk, carrier: CarrierSimulator) -> None:
    first = await sdk.call("mute", twiml=room(startConferenceOnEnter="false"))
    await carrier.calls[first.sid].answered.wait()
    second = await sdk.call("quick", twiml=room(startConferenceOnEnter="false"))
    await asyncio.sleep(1)
    assert not carrier.board.conferences["room"].started
    for call in (first, second):
        await sdk.run(lambda client, sid=call.sid: client.calls(sid).update(status="completed"))
    ended = await carrier.wait_for(first.sid, 5)
    assert clip("Hello.").strip(b"\xff") not in ended.heard


async def tone_answer(request: object) -> object:
    from aiohttp import web

    from calls.simulator import wav
    from calls.simulator.clips import tone

    return web.Response(body=wav.from_channels(tone(300, 200)), content_type="audio/wav")
