from __future__ import annotations

import asyncio
import contextlib
from collections import Counter

import aiohttp
import pytest
from aiohttp import WSMsgType, web
from twilio.base.exceptions import TwilioRestException

from calls.simulator import CarrierSimulator, webhooks
from calls.simulator.faults import FaultBook, FaultError
from calls.simulator.tests.conftest import NUMBERS, Application, Peer, Sdk

STEPS = ["initiated", "ringing", "answered", "completed"]
SHORT = '<Response><Pause length="0.2"/></Response>'


async def call_and_wait(sdk: Sdk, carrier: CarrierSimulator, who: str = "mute") -> None:
    call = await sdk.call(
        who,
        twiml=SHORT,
        status_callback=sdk.application.url("/status/"),
        status_callback_event=STEPS,
    )
    await carrier.wait_for(call.sid, 10)


@pytest.mark.parametrize(("fault", "status"), [("rest_429", 429), ("rest_500", 500)])
async def test_rest_can_refuse_and_recover(
    sdk: Sdk, carrier: CarrierSimulator, fault: str, status: int
) -> None:
    carrier.faults.scope().set(fault, 1)
    with pytest.raises(TwilioRestException) as caught:
        await sdk.call("engaged")
    assert (caught.value.status, caught.value.code) == (status, 20000 + status)
    assert carrier.calls == {}
    assert (await sdk.call("engaged")).sid in carrier.calls


async def test_an_answer_can_get_lost_after_the_call_was_accepted(
    sdk: Sdk, carrier: CarrierSimulator
) -> None:
    carrier.faults.scope(NUMBERS["engaged"]).set("lose_response", 1)
    with pytest.raises(Exception, match=r"(?i)connection|remote"):
        await sdk.call("engaged")
    assert [call.to for call in carrier.calls.values()] == [NUMBERS["engaged"]]


async def test_callbacks_can_come_twice(
    sdk: Sdk, carrier: CarrierSimulator, application: Application
) -> None:
    carrier.faults.scope("mute").set("callback_duplicates", 1)
    await call_and_wait(sdk, carrier)
    numbers = Counter(one.params["SequenceNumber"] for one in application.of("/status/"))
    assert numbers == {"0": 2, "1": 2, "2": 2, "3": 2}


async def test_callbacks_can_come_in_the_wrong_order(
    sdk: Sdk, carrier: CarrierSimulator, application: Application
) -> None:
    carrier.faults.scope().set("callback_reorder", 1)
    await call_and_wait(sdk, carrier)
    assert application.statuses() == ["ringing", "initiated", "completed", "in-progress"]


async def test_callbacks_can_come_late(
    sdk: Sdk, carrier: CarrierSimulator, application: Application
) -> None:
    carrier.faults.scope().set("callback_delay_ms", 300)
    began = asyncio.get_running_loop().time()
    await call_and_wait(sdk, carrier)
    assert application.of("/status/")[0].at - began > 0.3


async def test_the_media_socket_can_be_cut_without_a_word(
    sdk: Sdk, carrier: CarrierSimulator, application: Application
) -> None:
    carrier.faults.scope("mute").set("drop_socket_after_ms", 200)
    ends = []

    async def media(socket: web.WebSocketResponse) -> None:
        await Peer(socket).next("start")
        while (message := await socket.receive()).type is WSMsgType.TEXT:
            ends.append(message.data)
        ends.append(message.type.name)

    application.media = media
    call = await sdk.call("mute", twiml=application.stream())
    await carrier.wait_for(call.sid, 5)
    assert ends[-1] in ("CLOSED", "ERROR", "CLOSING")
    assert not any('"stop"' in one for one in ends)


async def test_a_webhook_nobody_takes_is_tried_twice(
    sdk: Sdk, carrier: CarrierSimulator, application: Application
) -> None:
    async def cut(request: web.Request) -> web.Response:
        assert request.transport is not None
        request.transport.abort()
        return web.Response()

    application.documents["/status/"] = cut
    call = await sdk.call("engaged", status_callback=application.url("/status/"))
    ended = await carrier.wait_for(call.sid, 5)
    first, second = application.of("/status/")
    assert first.token == second.token != ""
    assert ended.events("callback_failed")[0].detail["code"] == 11205


async def test_a_webhook_that_takes_too_long_is_tried_once_more(
    sdk: Sdk,
    carrier: CarrierSimulator,
    application: Application,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert webhooks.TIMEOUT.total == 15
    monkeypatch.setattr(webhooks, "TIMEOUT", aiohttp.ClientTimeout(total=0.2))

    async def think(_: web.Request) -> web.Response:
        await asyncio.sleep(1)
        return web.Response()

    application.documents["/status/"] = think
    call = await sdk.call("engaged", status_callback=application.url("/status/"))
    ended = await carrier.wait_for(call.sid, 5)
    assert len(application.of("/status/")) == 2
    assert ended.events("callback_failed")[0].detail["code"] == 11206


async def test_faults_and_numbers_can_be_changed_while_it_runs(
    sdk: Sdk, carrier: CarrierSimulator
) -> None:
    control = f"{carrier.base_url}/_simulator"
    async with aiohttp.ClientSession() as session:
        async with session.put(f"{control}/faults", json={"*": {"rest_429": 1}}) as answer:
            assert answer.status == 200
        with pytest.raises(TwilioRestException):
            await sdk.call("mute")
        async with session.put(f"{control}/faults", json={"*": {"nonsense": 1}}) as answer:
            assert answer.status == 400
            assert "rest_429" in (await answer.json())["error"]
        async with session.put(f"{control}/directory", json={"+18085550199": "engaged"}) as answer:
            assert await answer.json() == {"+18085550199": "engaged"}
        async with session.put(f"{control}/directory", json={"+18085550199": "none"}) as answer:
            assert answer.status == 400
    call = await sdk.call("+18085550199")
    assert (await carrier.wait_for(call.sid, 5)).status == "busy"


def test_faults_are_written_as_text() -> None:
    book = FaultBook()
    book.add("rest_429=2")
    book.add("+18085550100:drop_socket_after_ms=300")
    assert [book.take("rest_429") for _ in range(3)] == [True, True, False]
    assert book.value("drop_socket_after_ms", "+18085550100") == 300
    assert book.value("drop_socket_after_ms", "+18085550101") == 0


@pytest.mark.parametrize("text", ["rest_429", "earthquake=1", "rest_429=often"])
def test_a_wrong_fault_is_refused(text: str) -> None:
    with pytest.raises(FaultError):
        FaultBook().add(text)


@pytest.mark.parametrize("fault", ["drop_socket_after_ms", "stall_socket_after_ms"])
async def test_only_the_first_streams_of_a_call_may_be_at_fault(
    sdk: Sdk, carrier: CarrierSimulator, application: Application, fault: str
) -> None:
    carrier.faults.scope("mute").set(fault, 100)
    carrier.faults.scope("mute").set("faulty_streams", 1)
    sound: list[int] = []

    async def media(socket: web.WebSocketResponse) -> None:
        await Peer(socket).next("start")
        sound.append(0)
        with contextlib.suppress(TimeoutError):
            while sound[-1] < 30:
                message = await asyncio.wait_for(socket.receive(), 0.5)
                if message.type is not WSMsgType.TEXT:
                    break
                sound[-1] += 1

    application.media = media
    call = await sdk.call("mute", twiml=application.stream(after=application.stream()[10:-11]))
    ended = await carrier.wait_for(call.sid, 10)
    assert len(ended.events("stream_opened")) == 2
    assert sound[0] < 30, "the first one fell silent"
    assert sound[1] == 30, "the second one did not"
