"""A live call that a human takes: asked for, waited for, handed over, listened in to."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import aiohttp
import pytest
from asgiref.sync import sync_to_async
from django.conf import settings as django_settings
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.utils import timezone

from agents.interface import Action, ActionDone, Do, Event, Item, KeyPress, Say, TransferReady
from calls.models import Call, RepLine, Transfer
from calls.services.transfer_legs import leg_accept
from calls.services.transfers import transfer_fail
from calls.simulator.call import SimulatedCall
from calls.simulator.persona import Persona
from calls.tests.conftest import Exchange
from leads.models import AuditEntry
from tests.factories import UserFactory
from voice.tests.conftest import SID, Caller, Daphne, script, spans_ms, turns_of

pytestmark = pytest.mark.django_db(transaction=True)

RING = Say("Let me see who is free.", "transfer.ring", "scheduler")
NOBODY = Say("Nobody is free.", "transfer.nobody", "scheduler")
CONNECT = Say("I am putting you through.", "transfer.connect", "scheduler", interruptible=False)


def answer(event: Event) -> Sequence[Item]:
    if isinstance(event, KeyPress):
        return [RING, Do(Action.TRANSFER, {"reason": "wants a person"})]
    if isinstance(event, TransferReady):
        return [CONNECT, Do(Action.CONNECT)]
    if isinstance(event, ActionDone):
        return [NOBODY, Do(Action.HANG_UP, {"outcome": "callback"})]
    return []


@pytest.fixture
def dana(call: Call) -> User:
    user: User = UserFactory(first_name="Dana")
    RepLine.objects.create(user=user, available=True, via="phone", phone="+15125550177")
    return user


@pytest.fixture
def lead_on_the_line(carrier_rest: Exchange, call: Call) -> SimulatedCall:
    """The lead's call, as the carrier has it."""
    persona = Persona(name="lead", about="A lead.", expected="transferred")
    made = SimulatedCall(django_settings.ENV.twilio_account_sid, "+1", "+1", persona, sid=SID)
    carrier_rest.loop.call_soon_threadsafe(carrier_rest.simulator.board.add, made)
    return made


async def until_asked(call: Call) -> Transfer:
    for _ in range(200):
        transfer = await Transfer.objects.filter(call=call).afirst()
        if transfer is not None:
            return transfer
        await asyncio.sleep(0.05)
    raise AssertionError("nobody was asked")


async def test_with_nobody_available_the_conversation_knows_at_once(
    call: Call, token: str, server: Daphne
) -> None:
    talk = script(call, answer)
    async with Caller(call, token) as caller:
        await caller.until_mark("/greet/end")
        await caller.press("1")
        await caller.until_closed()
    assert ActionDone(Action.TRANSFER, ok=False) in talk.events
    turns = await turns_of(call, server)
    assert NOBODY.text in [turn.text for turn in turns]


async def test_the_lead_is_told_and_then_handed_over(
    call: Call, token: str, server: Daphne, dana: User, lead_on_the_line: SimulatedCall
) -> None:
    talk = script(call, answer)
    async with Caller(call, token) as caller:
        await caller.until_mark("/greet/end")
        await caller.press("1")
        await caller.until_mark("/transfer.ring/end")
        transfer = await until_asked(call)
        assert not any(isinstance(event, ActionDone) for event in talk.events)
        leg = await transfer.legs.select_related("transfer", "rep").aget()
        await sync_to_async(leg_accept)(leg=leg, now=timezone.now())
        await caller.until_mark("/transfer.connect/end")
        await caller.until_closed()
    turns = await turns_of(call, server)
    assert turns[-1].text == CONNECT.text
    assert TransferReady("Dana") in talk.events
    row = await Call.objects.aget(pk=call.pk)
    assert row.handed_over_at is not None
    assert row.is_active, "the call goes on, with a human"
    assert (row.end_reason, row.stream_closed_at is not None) == ("", True)
    assert lead_on_the_line.status == "queued", "not hung up"
    assert lead_on_the_line.request.time_limit_s >= 3600


async def test_when_nobody_takes_it_the_talk_goes_on(
    call: Call, token: str, server: Daphne, dana: User
) -> None:
    script(call, answer)
    async with Caller(call, token) as caller:
        await caller.until_mark("/greet/end")
        await caller.press("1")
        await caller.until_mark("/transfer.ring/end")
        transfer = await until_asked(call)
        await sync_to_async(transfer_fail)(
            transfer_id=transfer.pk, because="nobody_took_it", now=timezone.now()
        )
        await caller.until_mark("/transfer.nobody")
        await caller.until_closed()
    row = await Call.objects.aget(pk=call.pk)
    assert row.handed_over_at is None


# Listening in


def cookie_of(user: User) -> str:
    client = Client()
    client.force_login(user)
    return f"sessionid={client.cookies['sessionid'].value}"


async def listen(call: Call, server: Daphne, user: User, origin: str = "") -> Any:
    session = aiohttp.ClientSession()
    address = f"127.0.0.1:{server.port}"
    socket = await session.ws_connect(
        f"http://{address}/ws/calls/{call.pk}/listen/",
        headers={
            "Cookie": await sync_to_async(cookie_of)(user),
            "Origin": origin or f"http://{address}",
        },
    )
    return session, socket


@pytest.fixture
def supervisor(call: Call) -> User:
    user: User = UserFactory(is_staff=True)
    rights = Permission.objects.filter(codename__in=("listen_in", "view_every_lead"))
    user.user_permissions.add(*rights)
    return user


def has_any(heard: bytes, track: bytearray) -> bool:
    """Return whether a tenth of a second of a track's last speech is heard, sample by sample."""
    start, end = spans_ms(bytes(track))[-1]
    pieces = (plain(track[at * 8 : at * 8 + 800]) for at in range(start, end - 100, 100))
    return any(piece in plain(heard) for piece in pieces)


def plain(ulaw: bytes | bytearray) -> bytes:
    """Return sound with one of µ-law's two zeros."""
    return bytes(ulaw).replace(b"\x7f", b"\xff")


async def test_a_supervisor_hears_both_and_is_kept_in_the_audit(
    call: Call, token: str, server: Daphne, supervisor: User
) -> None:
    script(call)
    async with Caller(call, token) as caller:
        await caller.until_mark("/greet/end")
        session, socket = await listen(call, server, supervisor)
        async with session, asyncio.timeout(60):
            heard = await socket.receive_bytes()  # they are let in, and hear the silence
            caller.say("Yes, this is a good time.")
            await caller.until_mark("/ack/end")
            while not (has_any(heard, caller.spoken) and has_any(heard, caller.heard)):
                heard += await socket.receive_bytes()
            await socket.close()
    entry = await AuditEntry.objects.aget(action="listen")
    assert (entry.actor_id, entry.lead_id) == (supervisor.pk, call.lead_id)


async def test_nobody_listens_without_the_permission(
    call: Call, token: str, server: Daphne
) -> None:
    script(call)
    other = await sync_to_async(UserFactory)(is_staff=True)
    async with Caller(call, token) as caller:
        await caller.until_mark("/greet/end")
        session, socket = await listen(call, server, other)
        async with session:
            message = await socket.receive(timeout=5)
    assert (message.type, message.data) == (aiohttp.WSMsgType.CLOSE, 4003)
    assert not await AuditEntry.objects.aexists()


async def test_nobody_listens_to_a_lead_that_is_not_theirs(
    call: Call, token: str, server: Daphne, supervisor: User
) -> None:
    await sync_to_async(supervisor.user_permissions.set)(
        [await Permission.objects.aget(codename="listen_in")]
    )
    script(call)
    async with Caller(call, token) as caller:
        await caller.until_mark("/greet/end")
        session, socket = await listen(call, server, supervisor)
        async with session:
            message = await socket.receive(timeout=5)
    assert message.data == 4003


async def test_another_site_s_page_cannot_listen(
    call: Call, server: Daphne, supervisor: User
) -> None:
    with pytest.raises(aiohttp.WSServerHandshakeError):
        await listen(call, server, supervisor, origin="https://evil.example.com")


async def test_there_is_nothing_to_hear_of_a_call_that_is_not_live(
    call: Call, server: Daphne, supervisor: User
) -> None:
    session, socket = await listen(call, server, supervisor)
    async with session:
        message = await socket.receive(timeout=5)
    assert message.data == 4004
