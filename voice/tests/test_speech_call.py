"""The voice of a live call, from the settings to the ledger and the timeline."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from channels.db import database_sync_to_async

from agents.interface import Brief
from agents.playbook import Script
from agents.services.playbooks import DATA
from billing.models import Charge
from billing.selectors import Spared, speech_spared
from billing.services import prices_seed
from calls.models import Call, CallEvent
from calls.services.streams import LiveCall
from tests.factories import CallFactory
from voice.call_voice import live_voice, speech_cache
from voice.clerk import Clerk
from voice.engines import registry
from voice.speech import Speech
from voice.tests.elevenlabs_server import QUOTA, Account, ElevenLabsServer
from voice.usage import Usage

LINE = "Is this a good time to talk?"


@pytest.fixture
async def provider(settings: Any, tmp_path: Path) -> AsyncIterator[ElevenLabsServer]:
    async with ElevenLabsServer().running() as server:
        secret = type(settings.ENV.elevenlabs_api_keys)("one, two")
        settings.ENV = settings.ENV.model_copy(
            update={
                "data_dir": tmp_path,
                "elevenlabs_api_keys": secret,
                "elevenlabs_base_url": server.url,
            }
        )
        speech_cache.cache_clear()
        registry._engines.pop("elevenlabs", None)
        yield server
        engine = registry._engines.pop("elevenlabs", None)
        if engine is not None:
            await engine.aclose()
        speech_cache.cache_clear()


def live_call(call: Call) -> LiveCall:
    now = datetime(2026, 11, 16, 16, tzinfo=UTC)
    brief = Brief(
        call_id=call.pk,
        script=Script.from_toml(DATA / "seller.toml"),
        business_name="Harbor Homes",
        lead_first_name="Maria",
        lead_time_zone="America/Chicago",
        recorded=False,
        now=now,
    )
    return LiveCall(
        call_id=call.pk,
        lead_id=call.lead_id,
        campaign_id=call.campaign_id,
        brief=brief,
        voice_tier="premium",
        recording_path=None,
        max_seconds=600,
        started_at=now,
    )


async def say(call: Call, *texts: str) -> dict[str, int]:
    """Say texts on a call, and return what the cache saved."""
    clerk = Clerk(str(call.pk))
    writing = asyncio.create_task(clerk.run())
    usage = Usage(call.pk, clerk)
    voice = live_voice(live_call(call), clerk, usage)
    for text in texts:
        speech = Speech(held=False)
        usage.speaks(speech)
        voice.turn_begins()
        assert await voice.synthesize(text)
        usage.charge(speech)
    await clerk.settle(10)
    writing.cancel()
    await asyncio.gather(writing, return_exceptions=True)
    return dict(voice.characters_saved)


@database_sync_to_async
def a_call() -> Call:
    prices_seed()
    return CallFactory(live=True)


@database_sync_to_async
def ledger(call: Call) -> list[tuple[str, Decimal]]:
    rows = Charge.objects.filter(call_id=call.pk, component="tts").order_by("at")
    return [(row.provider, row.quantity) for row in rows]


@database_sync_to_async
def timeline(call: Call) -> list[dict[str, str]]:
    return [event.data for event in CallEvent.objects.filter(call_id=call.pk, kind="voice_tier")]


@pytest.mark.usefixtures("transactional_db")
async def test_a_call_pays_for_what_it_says_but_not_for_what_is_kept(
    provider: ElevenLabsServer,
) -> None:
    provider.accounts |= {"one": Account(), "two": Account()}
    first, second = await a_call(), await a_call()
    named = f"Maria, {LINE}"
    assert await say(first, LINE, named) == {}
    assert await say(second, LINE, named) == {"elevenlabs": len(LINE)}
    paid = [("elevenlabs", Decimal(len(text)) / 1000) for text in (LINE, named)]
    assert await ledger(first) == paid
    assert await ledger(second) == paid[1:]
    assert await timeline(first) == []
    spared = await spared_on(second)
    assert spared.characters == len(LINE)
    assert spared.amount == Decimal(len(LINE)) / 1000 * await premium_price()
    assert (await spared_on(first)).characters == 0


@database_sync_to_async
def spared_on(call: Call) -> Spared:
    return speech_spared(Charge.objects.filter(call_id=call.pk))


@database_sync_to_async
def premium_price() -> Decimal:
    charge = Charge.objects.filter(provider="elevenlabs", component="tts").first()
    assert charge is not None
    return charge.unit_price


@pytest.mark.usefixtures("transactional_db")
async def test_the_timeline_says_why_the_premium_voice_was_left(
    provider: ElevenLabsServer,
) -> None:
    provider.accounts |= {"one": Account(status=401), "two": Account(error=QUOTA)}
    call = await a_call()
    await say(call, LINE, "Maria, may I go on?")
    (event,) = await timeline(call)
    assert (event["before"], event["tier"]) == ("premium", "local")
    assert "(key)" in event["reason"]
    assert "(quota)" in event["reason"]
    voices = [provider for provider, _ in await ledger(call)]
    assert voices == ["espeak", "espeak"], "a refused text costs nothing"
    assert len(provider.accounts["two"].texts) == 1, "the tier stays local"
