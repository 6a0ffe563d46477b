from __future__ import annotations

import asyncio
from typing import Any

import aiohttp
import pytest
from twilio.base.exceptions import TwilioRestException
from twilio.rest import Client

from calls.simulator import CarrierSimulator
from calls.simulator.tests.conftest import ACCOUNT, AGENT, NUMBERS, Application, Redirecting, Sdk

PAUSE = '<Response><Pause length="5"/></Response>'


async def refused(sdk: Sdk, who: str, **options: Any) -> TwilioRestException:
    with pytest.raises(TwilioRestException) as caught:
        await sdk.call(who, **options)
    return caught.value


async def test_it_creates_a_call_with_every_field_twilio_returns(sdk: Sdk) -> None:
    call = await sdk.call("mute", twiml=PAUSE)
    assert call.sid.startswith("CA")
    assert len(call.sid) == 34
    assert (call.status, call.direction, call.price) == ("queued", "outbound-api", None)
    assert call.to_formatted == "(808) 555-1001"
    assert call.date_created is not None
    assert call.subresource_uris["recordings"].endswith(f"{call.sid}/Recordings.json")


@pytest.mark.parametrize(
    ("who", "options", "code", "status"),
    [
        ("", {}, 21201, 400),
        ("12345", {}, 21211, 400),
        ("+15005550002", {}, 21214, 400),
        ("mute", {"from_": "nobody"}, 21212, 400),
        ("mute", {"url": "not a url"}, 21205, 400),
        ("mute", {"twiml": "<Response><Dance/></Response>"}, 12200, 400),
        ("mute", {"status_callback": "nowhere"}, 21609, 400),
        ("mute", {"timeout": 601}, 20001, 400),
    ],
)
async def test_it_refuses_what_twilio_refuses(
    sdk: Sdk, who: str, options: dict[str, Any], code: int, status: int
) -> None:
    error = await refused(sdk, who, **options)
    assert (error.code, error.status) == (code, status)


async def test_it_refuses_wrong_credentials_in_twilios_words(carrier: CarrierSimulator) -> None:
    stranger = Client(ACCOUNT, "wrong", http_client=Redirecting(carrier.base_url))
    with pytest.raises(TwilioRestException) as caught:
        await asyncio.to_thread(lambda: stranger.calls("CA1").fetch())
    assert (caught.value.status, caught.value.code) == (401, 20003)


async def test_it_answers_unknown_resources_with_20404(sdk: Sdk) -> None:
    with pytest.raises(TwilioRestException) as caught:
        await sdk.run(lambda client: client.calls("CA" + "1" * 32).fetch())
    assert (caught.value.status, caught.value.code) == (404, 20404)


async def test_it_needs_a_url_or_a_document(carrier: CarrierSimulator) -> None:
    url = f"{carrier.base_url}/2010-04-01/Accounts/{ACCOUNT}/Calls.json"
    headers = {"Authorization": aiohttp.encode_basic_auth(ACCOUNT, "simulated-token")}
    async with aiohttp.ClientSession(headers=headers) as session:
        data = {"To": NUMBERS["mute"], "From": AGENT}
        async with session.post(url, data=data) as answer:
            body = await answer.json()
    assert body["code"] == 21205
    assert body["status"] == answer.status == 400
    assert body["more_info"] == "https://www.twilio.com/docs/errors/21205"


async def test_it_lists_calls_in_pages_newest_first(sdk: Sdk) -> None:
    made = [(await sdk.call("mute", twiml=PAUSE)).sid for _ in range(5)]
    listed = await sdk.run(lambda client: client.calls.list(page_size=2))
    assert [call.sid for call in listed] == made[::-1]
    assert len(await sdk.run(lambda client: client.calls.list(to=NUMBERS["quick"]))) == 0
    first = await sdk.run(lambda client: client.calls.page(page_size=2))
    assert first.next_page_url is not None


async def test_it_lists_calls_by_number_and_start_time(sdk: Sdk) -> None:
    call = await sdk.call("mute", twiml=PAUSE)
    day = call.date_created
    found = await sdk.run(
        lambda client: client.calls.list(to=NUMBERS["mute"], start_time_after=day)
    )
    assert [one.sid for one in found] == [call.sid]
    assert await sdk.run(lambda client: client.calls.list(start_time_before="2020-01-01")) == []


async def test_it_hangs_up_and_then_knows_the_price(
    sdk: Sdk, carrier: CarrierSimulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("calls.simulator.call.PRICE_AFTER_S", 60)
    call = await sdk.call("mute", twiml=PAUSE)
    await carrier.calls[call.sid].answered.wait()
    await sdk.run(lambda client: client.calls(call.sid).update(status="completed"))
    await carrier.wait_for(call.sid, 5)
    ended = await sdk.run(lambda client: client.calls(call.sid).fetch())
    assert (ended.status, ended.duration, ended.price) == ("completed", "1", None)
    monkeypatch.setattr("calls.simulator.call.PRICE_AFTER_S", 0)
    priced = await sdk.run(lambda client: client.calls(call.sid).fetch())
    assert (priced.price, priced.price_unit) == ("-0.0140", "USD")


async def test_it_cannot_hang_up_a_call_that_has_ended(sdk: Sdk, carrier: CarrierSimulator) -> None:
    call = await sdk.call("engaged", twiml=PAUSE)
    await carrier.wait_for(call.sid, 5)
    with pytest.raises(TwilioRestException) as completed:
        await sdk.run(lambda client: client.calls(call.sid).update(status="completed"))
    assert (completed.value.status, completed.value.code) == (404, 20404)
    with pytest.raises(TwilioRestException) as redirected:
        await sdk.run(lambda client: client.calls(call.sid).update(twiml=PAUSE))
    assert redirected.value.code == 21220


async def test_it_cancels_a_call_that_rings(
    sdk: Sdk, carrier: CarrierSimulator, application: Application
) -> None:
    call = await sdk.call("away", status_callback=application.url("/status/"))
    await sdk.run(lambda client: client.calls(call.sid).update(status="canceled"))
    assert (await carrier.wait_for(call.sid, 5)).status == "canceled"
    assert application.statuses() == ["canceled"]


async def test_it_cancels_a_call_that_waits_in_the_queue(
    sdk: Sdk, carrier: CarrierSimulator
) -> None:
    carrier.board._calls_per_second = 3
    await sdk.call("engaged")
    call = await sdk.call("mute", twiml=PAUSE)
    await sdk.run(lambda client: client.calls(call.sid).update(status="completed"))
    ended = await carrier.wait_for(call.sid, 5)
    await asyncio.sleep(0.5)
    assert (ended.status, ended.line) == ("canceled", None)


async def test_it_redirects_a_running_call(
    sdk: Sdk, carrier: CarrierSimulator, application: Application
) -> None:
    call = await sdk.call("mute", twiml=PAUSE)
    await carrier.calls[call.sid].answered.wait()
    application.documents["/other/"] = "<Response><Hangup/></Response>"
    url = application.url("/other/")
    await sdk.run(lambda client: client.calls(call.sid).update(url=url, method="POST"))
    await carrier.wait_for(call.sid, 5)
    assert [one.signed for one in application.of("/other/")] == [True]
