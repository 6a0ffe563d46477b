from __future__ import annotations

import asyncio
import base64

from aiohttp import WSMsgType, web

from calls.simulator import CarrierSimulator, g711
from calls.simulator.clips import clip, tone
from calls.simulator.tests.conftest import ACCOUNT, Application, Peer, Sdk

PARAMETERS = '<Parameter name="call" value="42"/><Parameter name="token" value="once"/>'


async def test_it_opens_a_signed_socket_and_introduces_the_call(
    sdk: Sdk, carrier: CarrierSimulator, application: Application
) -> None:
    seen: list[Peer] = []

    async def media(socket: web.WebSocketResponse) -> None:
        peer = Peer(socket)
        seen.append(peer)
        for _ in range(10):
            await peer.next("media")

    application.media = media
    twiml = application.stream(PARAMETERS).replace(
        "<Stream ", f'<Stream statusCallback="{application.url("/stream/")}" '
    )
    call = await sdk.call("mute", twiml=twiml)
    await carrier.wait_for(call.sid, 5)
    assert application.handshake_signed == [True]
    connected, start, first, second = seen[0].messages[:4]
    assert connected == {"event": "connected", "protocol": "Call", "version": "1.0.0"}
    sid = start["streamSid"]
    assert start == {
        "event": "start",
        "sequenceNumber": "1",
        "streamSid": sid,
        "start": {
            "accountSid": ACCOUNT,
            "streamSid": sid,
            "callSid": call.sid,
            "tracks": ["inbound"],
            "mediaFormat": {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1},
            "customParameters": {"call": "42", "token": "once"},
        },
    }
    assert sid.startswith("MZ")
    assert first["sequenceNumber"] == "2"
    assert (first["media"]["track"], first["media"]["chunk"]) == ("inbound", "1")
    assert second["media"]["chunk"] == "2"
    assert int(second["media"]["timestamp"]) - int(first["media"]["timestamp"]) == 20
    assert len(base64.b64decode(first["media"]["payload"])) == 160
    events = [one.params["StreamEvent"] for one in application.of("/stream/")]
    assert events == ["stream-started", "stream-stopped"]


async def test_it_goes_on_with_the_next_verb_when_the_application_closes_the_socket(
    sdk: Sdk, carrier: CarrierSimulator, application: Application
) -> None:
    application.documents["/after/"] = "<Response><Hangup/></Response>"
    after = f"<Redirect>{application.url('/after/')}</Redirect>"
    call = await sdk.call("mute", twiml=application.stream(after=after))
    await carrier.wait_for(call.sid, 5)
    assert len(application.of("/after/")) == 1


async def test_it_sends_stop_when_the_call_is_hung_up(
    sdk: Sdk, carrier: CarrierSimulator, application: Application
) -> None:
    stops = []

    async def media(socket: web.WebSocketResponse) -> None:
        peer = Peer(socket)
        await peer.next("start")
        stops.append(await peer.next("stop"))
        assert (await socket.receive()).type is WSMsgType.CLOSE

    application.media = media
    call = await sdk.call("leaver", twiml=application.stream())
    await carrier.wait_for(call.sid, 5)
    assert stops[0]["stop"] == {"accountSid": ACCOUNT, "callSid": call.sid}


async def test_a_mark_comes_back_when_the_sound_before_it_has_been_heard(
    sdk: Sdk, carrier: CarrierSimulator, application: Application
) -> None:
    order = []

    async def media(socket: web.WebSocketResponse) -> None:
        peer = Peer(socket)
        await peer.next("start")
        await peer.play(tone(440, 300))
        await peer.mark("1.0/greet")
        await peer.play(tone(880, 200))
        await peer.mark("1.1/greet/end")
        began = asyncio.get_running_loop().time()
        for _ in range(2):
            name = (await peer.next("mark"))["mark"]["name"]
            order.append((name, asyncio.get_running_loop().time() - began))

    application.media = media
    call = await sdk.call("mute", twiml=application.stream())
    ended = await carrier.wait_for(call.sid, 5)
    assert [name for name, _ in order] == ["1.0/greet", "1.1/greet/end"]
    assert order[0][1] > 0.2
    assert order[1][1] > 0.4
    assert ended.marks_heard == ["1.0/greet", "1.1/greet/end"]
    heard = ended.heard
    start = len(heard) - len(heard.lstrip(b"\xff"))
    assert tone(440, 300) + tone(880, 200) in heard[start - 2 :]


async def test_clear_empties_the_buffer_and_returns_the_marks_unheard(
    sdk: Sdk, carrier: CarrierSimulator, application: Application
) -> None:
    async def media(socket: web.WebSocketResponse) -> None:
        peer = Peer(socket)
        await peer.next("start")
        await peer.play(tone(440, 5000))
        await peer.mark("1.0/greet/end")
        await peer.listen(0.2)
        await peer.send("clear")
        await peer.next("mark", 1)
        await peer.listen(1.2)

    application.media = media
    call = await sdk.call("mute", twiml=application.stream())
    ended = await carrier.wait_for(call.sid, 5)
    assert ended.marks_heard == []
    assert ended.line is not None
    assert ended.line.lead is not None
    assert [turn.topics for turn in ended.line.lead.heard] == [()]
    assert ended.events("mark")[0].detail == {"name": "1.0/greet/end", "played": False}
    audible = sum(
        g711.is_audible(ended.heard[at : at + 160]) for at in range(0, len(ended.heard), 160)
    )
    assert audible < 150  # far less than the five seconds sent


async def test_a_mark_without_sound_before_it_comes_back_at_once(
    sdk: Sdk, carrier: CarrierSimulator, application: Application
) -> None:
    async def media(socket: web.WebSocketResponse) -> None:
        peer = Peer(socket)
        await peer.next("start")
        await peer.mark("alone")
        await peer.next("mark", 1)

    application.media = media
    call = await sdk.call("mute", twiml=application.stream())
    assert (await carrier.wait_for(call.sid, 5)).marks_heard == ["alone"]


async def test_keys_arrive_as_dtmf(
    sdk: Sdk, carrier: CarrierSimulator, application: Application
) -> None:
    keys = []

    async def media(socket: web.WebSocketResponse) -> None:
        peer = Peer(socket)
        await peer.next("start")
        await peer.play(tone(440, 200))
        await peer.mark("1.0/disclosure/end")
        for _ in "42#":
            keys.append((await peer.next("dtmf"))["dtmf"])

    application.media = media
    call = await sdk.call("presser", twiml=application.stream())
    await carrier.wait_for(call.sid, 5)
    assert keys == [{"track": "inbound_track", "digit": digit} for digit in "42#"]


async def test_the_person_is_heard_as_recorded(
    sdk: Sdk, carrier: CarrierSimulator, application: Application
) -> None:
    sounds = []

    async def media(socket: web.WebSocketResponse) -> None:
        peer = Peer(socket)
        sounds.append(await peer.listen(1.2))

    application.media = media
    call = await sdk.call("quick", twiml=application.stream())
    ended = await carrier.wait_for(call.sid, 5)
    assert clip("Hello.") in sounds[0]
    assert clip("Hello.") in ended.said


async def test_nonsense_from_the_application_is_noted_and_ignored(
    sdk: Sdk, carrier: CarrierSimulator, application: Application
) -> None:
    async def media(socket: web.WebSocketResponse) -> None:
        peer = Peer(socket)
        await peer.next("start")
        await socket.send_str("{")
        await socket.send_bytes(b"\x00\xff")
        await peer.send("media", media={"payload": "***"})
        await peer.send("dance")
        await socket.send_json({"event": "clear", "streamSid": "MZother"})
        await socket.send_str("7")
        await peer.mark("still here")
        await peer.next("mark")

    application.media = media
    call = await sdk.call("mute", twiml=application.stream())
    ended = await carrier.wait_for(call.sid, 5)
    assert len(ended.events("stream_error")) == 6
    assert ended.marks_heard == ["still here"]


async def test_a_refused_handshake_is_an_error_and_the_call_goes_on(
    sdk: Sdk, carrier: CarrierSimulator, application: Application
) -> None:
    url = application.media_url.replace("/media/", "/nowhere/")
    twiml = f'<Response><Connect><Stream url="{url}"/></Connect><Hangup/></Response>'
    call = await sdk.call("mute", twiml=twiml)
    ended = await carrier.wait_for(call.sid, 5)
    assert ended.events("error")[0].detail["code"] == 31920
    assert ended.events("hang_up")[0].detail == {"by": "twiml"}
