"""Whole calls with the paid voice: whose sound is heard, who is paid, and when that changes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from agents.interface import Action, Do, Event, Item, KeyPress, Say
from billing.models import Charge
from calls.models import Call, CallEvent, Campaign
from voice.call_voice import speech_cache
from voice.engines import registry
from voice.tests.conftest import Caller, Daphne, script, turns_of
from voice.tests.elevenlabs_server import Account, ElevenLabsServer

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
async def provider(
    server: Daphne, call: Call, settings: Any, tmp_path: Path
) -> AsyncIterator[ElevenLabsServer]:
    """The paid voice's provider, and a call that begins with it."""
    provider = ElevenLabsServer()
    provider.accounts["one"] = Account()
    running = provider.running()
    async with running:
        secret = type(settings.ENV.elevenlabs_api_keys)("one")
        settings.ENV = settings.ENV.model_copy(
            update={
                "data_dir": tmp_path,
                "elevenlabs_api_keys": secret,
                "elevenlabs_base_url": provider.url,
            }
        )
        registry._engines.pop("elevenlabs", None)
        speech_cache.cache_clear()
        await Campaign.objects.filter(pk=call.campaign_id).aupdate(voice_tier="premium")
        await Call.objects.filter(pk=call.pk).aupdate(voice_tier="premium")
        yield provider
        engine = registry._engines.pop("elevenlabs")
        await asyncio.to_thread(server.run, engine.aclose())
        speech_cache.cache_clear()


@pytest.mark.slow
async def test_the_voice_changes_between_turns_and_each_one_is_paid(
    call: Call,
    token: str,
    server: Daphne,
    provider: ElevenLabsServer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("voice.call_watch.METER_EVERY_S", 0.2)

    def answer(event: Event) -> list[Item]:
        if isinstance(event, KeyPress) and event.digit == "1":
            return [Say("One it is.", "ask.one", "greeter")]
        return [
            Say("Thank you, and goodbye.", "goodbye", "closer"),
            Do(Action.HANG_UP, {"outcome": "qualified"}),
        ]

    script(call, answer, opening=[Say("Hello Maria.", "greet", "greeter")])
    async with Caller(call, token) as caller:
        await caller.until_mark("0.0/greet/end")
        await caller.press("1")
        await caller.until_mark("ask.one/end")
        await Campaign.objects.filter(pk=call.campaign_id).aupdate(voice_tier="local")
        await caller.sleep_ms(1500)
        await caller.press("2")
        await caller.until_closed()
    turns = await turns_of(call, server)
    assert [(turn.text, turn.tier) for turn in turns] == [
        ("Hello Maria.", "premium"),
        ("One it is.", "premium"),
        ("Thank you, and goodbye.", "local"),
    ]
    events = [event.data async for event in CallEvent.objects.filter(call=call, kind="voice_tier")]
    assert [(event["before"], event["tier"]) for event in events] == [("premium", "local")]
    assert events[0]["reason"] == "the campaign uses the local voice only"
    charges = [row async for row in Charge.objects.filter(call=call, component="tts")]
    paid: dict[str, Decimal] = {}
    for row in charges:
        paid[row.provider] = paid.get(row.provider, Decimal(0)) + row.quantity
    assert paid == {
        "elevenlabs": Decimal(len("Hello Maria.") + len("One it is.")) / 1000,
        "espeak": Decimal(len("Thank you, and goodbye.")) / 1000,
    }


async def test_what_the_cache_spared_is_told_at_the_end_and_not_paid(
    call: Call, token: str, server: Daphne, provider: ElevenLabsServer
) -> None:
    line = "Is this a good time to talk?"
    bye = [Say(line, "goodbye", "closer"), Do(Action.HANG_UP, {"outcome": "qualified"})]
    script(call, lambda _event: bye, opening=[Say(line, "greet", "greeter")])
    async with Caller(call, token) as caller:
        await caller.until_mark("0.0/greet/end")
        await caller.press("1")
        await caller.until_closed()
    assert [turn.text for turn in await turns_of(call, server)] == [line, line]
    saved = await CallEvent.objects.aget(call=call, kind="speech_saved")
    assert saved.data == {"elevenlabs": len(line)}
    charge = await Charge.objects.aget(call=call, component="tts")
    assert (charge.provider, charge.quantity) == ("elevenlabs", Decimal(len(line)) / 1000)
    assert provider.accounts["one"].texts == [line]
