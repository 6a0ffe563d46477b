"""What a call used of the engines: on the bill once, by the engine that did the work."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from structlog.testing import capture_logs

from agents.model import ModelUse
from billing.models import Charge
from billing.services import prices_seed
from calls.models import Call
from tests.factories import CallFactory
from voice.clerk import Clerk
from voice.engines.counted import CountedSynthesizer
from voice.engines.delivery import SpeechUsage
from voice.engines.espeak import EspeakSynthesizer
from voice.engines.fallback import FallbackRecognizer
from voice.engines.openai_whisper import OpenAIWhisperRecognizer
from voice.engines.pocketsphinx import PocketsphinxRecognizer
from voice.engines.stt_service import StreamingSTTService
from voice.speech import Speech
from voice.tests.conftest import ScriptedConversation
from voice.usage import Usage

pytestmark = pytest.mark.django_db(transaction=True)


def flash(characters: int, model: str = "eleven_flash_v2_5") -> SpeechUsage:
    return SpeechUsage("elevenlabs", model, characters, "tts:1", account="a1")


@pytest.fixture
async def call() -> Call:
    await sync_to_async(prices_seed)()
    made: Call = await sync_to_async(CallFactory)(live=True)
    return made


@asynccontextmanager
async def usage_of(call: Call) -> AsyncIterator[Usage]:
    clerk = Clerk(str(call.pk))
    writing = asyncio.create_task(clerk.run())
    yield Usage(call.pk, clerk)
    await clerk.settle(10)
    writing.cancel()


@sync_to_async
def bill(call: Call) -> list[tuple[str, str, Decimal, Decimal]]:
    return [
        (charge.key.split(":")[1], charge.provider, charge.quantity, charge.amount)
        for charge in Charge.objects.filter(call_id=call.pk).order_by("created_at")
    ]


async def test_each_voice_is_paid_for_what_it_was_sent_heard_or_not(call: Call) -> None:
    heard, ahead = Speech(held=False), Speech(held=True)
    async with usage_of(call) as usage:
        counted = CountedSynthesizer(EspeakSynthesizer(), usage.sent)
        usage.speaks(heard)
        usage.sent(flash(20))
        assert await counted.synthesize("and so on")
        usage.speaks(ahead)
        usage.sent(flash(30))
        usage.charge(heard)  # the other one may still be heard
        usage.sent(flash(10))
        usage.charge(all_over=True)
        usage.charge(all_over=True)
    assert await bill(call) == [
        ("tts", "elevenlabs", Decimal("0.020"), Decimal("0.0012")),
        ("tts", "espeak", Decimal("0.009"), Decimal(0)),
        ("tts-unheard", "elevenlabs", Decimal("0.040"), Decimal("0.0024")),
    ]


async def test_a_price_that_is_missing_is_said_once_and_stops_nothing(call: Call) -> None:
    with capture_logs() as logs:
        async with usage_of(call) as usage:
            for _ in range(3):
                speech = Speech(held=False)
                usage.speaks(speech)
                usage.sent(flash(20, model="eleven_of_tomorrow"))
                usage.sent(flash(20))
                usage.charge(speech)
    assert [line["event"] for line in logs] == ["usage_without_price"]
    assert [provider for _, provider, _, _ in await bill(call)] == ["elevenlabs"] * 3


async def test_recognition_is_paid_by_the_seconds_that_were_sent(call: Call, settings: Any) -> None:
    settings.ENV = settings.ENV.model_copy(update={"stt_engine": "openai"})
    paid = OpenAIWhisperRecognizer("key", "http://127.0.0.1:9/v1")
    service = StreamingSTTService(FallbackRecognizer(paid, PocketsphinxRecognizer()))
    session = service._session = service._recognizer.session(8000)
    async with usage_of(call) as usage:
        usage.listens(service)
        usage.recognised(3000)
        session.better.sent_ms += 2000  # type: ignore[attr-defined]
        usage.charge()
        session.better.sent_ms += 1000  # type: ignore[attr-defined]
        usage.charge()
    assert await bill(call) == [
        ("stt", "pocketsphinx", Decimal(3), Decimal(0)),
        ("stt", "openai", Decimal(2), Decimal("0.0002")),
        ("stt", "openai", Decimal(1), Decimal("0.0001")),
    ]


async def test_whisper_goes_by_the_name_of_the_price_list(call: Call, settings: Any) -> None:
    settings.ENV = settings.ENV.model_copy(update={"stt_engine": "whisper"})
    async with usage_of(call) as usage:
        usage.recognised(1500)
        usage.charge()
    assert [row[:2] for row in await bill(call)] == [("stt", "faster-whisper")]


async def test_what_models_were_asked_is_charged_by_its_parts(call: Call) -> None:
    class Thinker(ScriptedConversation):
        uses = [
            ModelUse("ollama", "llama3.1:8b", 600, 20, Decimal("0.75")),
            ModelUse("ollama", "llama3.1:8b", 400, 0, Decimal("0.25")),
            ModelUse("openai", "gpt-5.4-nano", 1000, 100, Decimal(0)),
        ]

        def used(self) -> list[ModelUse]:
            uses, self.uses = self.uses, []
            return uses

    async with usage_of(call) as usage:
        usage.thinks(Thinker([], lambda _: []))
        usage.charge()
        usage.charge()
    rows = {
        (row.provider, row.component): (row.quantity, row.amount)
        async for row in Charge.objects.filter(call=call, component__startswith="llm_")
    }
    assert rows == {
        ("ollama", "llm_input"): (Decimal("0.001"), 0),
        ("ollama", "llm_output"): (Decimal("0.00002"), 0),
        ("ollama", "llm_gpu"): (Decimal(1), 0),
        ("openai", "llm_input"): (Decimal("0.001"), Decimal("0.0002")),
        ("openai", "llm_output"): (Decimal("0.0001"), Decimal("0.000125")),
    }


async def test_a_conversation_without_a_model_costs_nothing_of_it(call: Call) -> None:
    async with usage_of(call) as usage:
        usage.thinks(ScriptedConversation([], lambda _: []))
        usage.charge()
    assert not await Charge.objects.filter(call=call).aexists()
