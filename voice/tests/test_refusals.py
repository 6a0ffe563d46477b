"""Sockets that are not a call's: closed with a reason, and no other call notices."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from asgiref.sync import sync_to_async
from django.conf import settings
from django.utils import timezone

from calls.models import Call
from calls.services.streams import stream_open
from voice.session import live_calls
from voice.tests.conftest import SID, Caller, Daphne, script, signed, start_message, turns_of

pytestmark = pytest.mark.django_db(transaction=True)

CONNECTED = json.dumps({"event": "connected", "protocol": "Call", "version": "1.0.0"})


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


async def closed_with(http: aiohttp.ClientSession, *frames: str | bytes) -> int | None:
    """Return the code with which a signed socket is closed after these frames."""
    url = settings.ENV.media_stream_url
    async with http.ws_connect(url, headers=signed(url), max_msg_size=0) as socket:
        for frame in frames:
            try:
                if isinstance(frame, bytes):
                    await socket.send_bytes(frame)
                else:
                    await socket.send_str(frame)
            except ConnectionError:
                break
        async with asyncio.timeout(8):
            async for _ in socket:
                pass
        return socket.close_code


@pytest.mark.parametrize("signature", [None, "", "bm90IGEgc2lnbmF0dXJl"])
async def test_it_refuses_a_wrong_signature_before_accepting(
    http: aiohttp.ClientSession, server: Daphne, signature: str | None
) -> None:
    headers = {} if signature is None else {"X-Twilio-Signature": signature}
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        await http.ws_connect(settings.ENV.media_stream_url, headers=headers)
    assert refused.value.status == 403


@pytest.mark.parametrize(
    "frames",
    [
        pytest.param([b"\x00\xff" * 500], id="binary garbage"),
        pytest.param(["{"], id="not json"),
        pytest.param(["[]"], id="not an object"),
        pytest.param(["x" * 1_000_000], id="a megabyte"),
        pytest.param(["x" * 2_000_000], id="more than the server takes"),
        pytest.param(['{"event": "media", "media": {"payload": "AAAA"}}'], id="media before start"),
        pytest.param(['{"event": "start", "start": {}}'], id="empty start"),
        pytest.param(['{"event": "surprise"}'] * 40, id="unknown events"),
    ],
)
async def test_it_closes_a_socket_that_speaks_another_language(
    http: aiohttp.ClientSession, server: Daphne, frames: list[str | bytes]
) -> None:
    assert await closed_with(http, CONNECTED, *frames) in {1006, 1009, 4008, 4009}
    assert not len(live_calls)


async def test_it_closes_a_socket_that_never_starts(
    http: aiohttp.ClientSession, server: Daphne, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("voice.consumers.START_WITHIN_S", 0.2)
    assert await closed_with(http, CONNECTED) == 4008


async def test_it_refuses_streams_that_are_no_live_calls(
    http: aiohttp.ClientSession, call: Call, token: str, server: Daphne
) -> None:
    def start(call_id: object, given: str | None, **form: Any) -> str:
        return json.dumps(start_message(str(call_id), given, **form))

    nobody = "00000000-0000-4000-8000-000000000000"
    for frame in (
        start(nobody, token),
        start("'; drop table", token),
        start(call.pk, None),
        start(call.pk, "guessed"),
        start(call.pk, token, encoding="audio/opus"),
        start(call.pk, token, sampleRate=16000),
    ):
        assert await closed_with(http, CONNECTED, frame) == 4008
    await sync_to_async(stream_open)(
        call_id=str(call.pk),
        token=token,
        stream_sid="MZ" + "2" * 32,
        account_sid=settings.ENV.twilio_account_sid,
        call_sid=SID,
        now=timezone.now(),
    )
    assert await closed_with(http, CONNECTED, start(call.pk, token)) == 4008, "replayed"
    await Call.objects.filter(pk=call.pk).aupdate(
        state=Call.State.COMPLETED, ended_at=timezone.now(), stream_token_used_at=None
    )
    assert await closed_with(http, CONNECTED, start(call.pk, token)) == 4008, "ended"


async def test_a_process_that_is_full_or_draining_takes_no_call(
    http: aiohttp.ClientSession, server: Daphne, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = settings.ENV.media_stream_url
    full = settings.ENV.model_copy(update={"voice_max_sessions": 0})
    for owner, name, value in ((settings, "ENV", full), (live_calls, "draining", True)):
        with monkeypatch.context() as patch:
            patch.setattr(owner, name, value)
            with pytest.raises(aiohttp.WSServerHandshakeError):
                await http.ws_connect(url, headers=signed(url))


async def test_a_live_call_does_not_notice_the_others(
    http: aiohttp.ClientSession, call: Call, token: str, server: Daphne
) -> None:
    script(call)
    async with Caller(call, token) as caller:
        await closed_with(http, CONNECTED, b"\x00" * 1000)
        await closed_with(http, "x" * 1_000_000)
        await caller.until_mark("greet/end")
        # A frame that no carrier sends ends the call that sent it.
        await caller.send({"event": "media", "media": {"payload": "*"}})
        await caller.until_closed()
    turns = await turns_of(call, server)
    assert turns[0].text == "Good day."
    row = await Call.objects.aget(pk=call.pk)
    assert row.end_reason == "wrong_payload"


async def test_frames_do_not_wait_for_other_synchronous_work(
    http: aiohttp.ClientSession, server: Daphne
) -> None:
    busy, over = threading.Event(), threading.Event()

    def work() -> None:
        busy.set()
        over.wait(20)

    url = settings.ENV.media_stream_url
    async with http.ws_connect(url, headers=signed(url)) as socket:
        await socket.send_str(CONNECTED)
        asyncio.run_coroutine_threadsafe(sync_to_async(work)(), server.loop)
        try:
            assert await asyncio.to_thread(busy.wait, 5)
            await socket.send_str("[]")
            async with asyncio.timeout(5):
                closing = await socket.receive()
        finally:
            over.set()
    assert (closing.type, closing.data) == (aiohttp.WSMsgType.CLOSE, 4008)


async def test_a_call_that_cannot_be_begun_is_ended_at_once(
    http: aiohttp.ClientSession, server: Daphne, call: Call, token: str
) -> None:
    # Nobody has put a conversation on it: what makes one raises, as broken code would.
    code = await closed_with(http, CONNECTED, json.dumps(start_message(str(call.pk), token)))
    assert code == 1000
    await sync_to_async(call.refresh_from_db)()
    assert call.stream_closed_at is not None
    assert call.end_reason == "failed"
