"""When a voice dies, the next says what is left: at once, nothing twice, nothing lost."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator

import pytest

from voice.audio import duration_ms
from voice.engines.delivery import SpeechUsage, pieces_of
from voice.engines.elevenlabs import ElevenLabsSynthesizer, ElevenLabsVoice
from voice.engines.failover import FailoverSynthesizer, VoiceFailure
from voice.engines.interface import EngineError
from voice.engines.tiers import TierChange, TierSwitch, VoiceTiers
from voice.tests.elevenlabs_server import MS_PER_LETTER, QUOTA, Account, ElevenLabsServer
from voice.tests.speaking import NotingVoice

LINE = "Thank you, I will send that over tomorrow."


@pytest.fixture
async def provider() -> AsyncIterator[ElevenLabsServer]:
    async with ElevenLabsServer().running() as server:
        yield server


@pytest.fixture
async def premium(provider: ElevenLabsServer) -> AsyncIterator[ElevenLabsSynthesizer]:
    voice = ElevenLabsSynthesizer(
        ElevenLabsVoice("narrator"), secrets=["one"], base_url=provider.url
    )
    yield voice
    await voice.aclose()


@pytest.mark.parametrize(
    ("account", "said", "left"),
    [
        (Account(status=401), "", LINE),
        (Account(status=429), "", LINE),
        (Account(status=503), "", LINE),
        (Account(error=QUOTA), "", LINE),
        (Account(stall_after=0), "", LINE),
        (Account(drop_after=16), "Thank you, I ", "will send that over tomorrow."),
        (Account(stall_after=30), "Thank you, I will send that ", "over tomorrow."),
        (Account(error_after=24, error=QUOTA), "Thank you, I will send ", "that over tomorrow."),
        (Account(stall_after=len(LINE)), LINE, ""),
    ],
    ids=["401", "429", "503", "quota", "mute", "drop", "stall", "quota mid-way", "no end"],
)
async def test_the_next_voice_says_exactly_what_is_left(
    provider: ElevenLabsServer,
    premium: ElevenLabsSynthesizer,
    account: Account,
    said: str,
    left: str,
) -> None:
    provider.accounts["one"] = account
    local = NotingVoice()
    local.preload()
    heard: list[bytes] = []
    dry_at = time.monotonic()
    longest_gap_s = 0.0
    async for audio in FailoverSynthesizer([premium, local]).stream(LINE, 8000):
        now = time.monotonic()
        longest_gap_s = max(longest_gap_s, now - dry_at)
        dry_at = max(dry_at, now) + duration_ms(audio, 8000) / 1000
        heard.append(audio)
    assert " ".join(local.texts) == left
    spoken = duration_ms(b"".join(heard), 8000)
    again = NotingVoice()
    by_local = duration_ms(b"".join([await again.synthesize(text) for text in local.texts]), 8000)
    assert spoken - by_local == pytest.approx(len(said) * MS_PER_LETTER, abs=120)
    assert longest_gap_s < 1.0


async def test_a_voice_that_failed_is_not_asked_again_in_the_call(
    provider: ElevenLabsServer, premium: ElevenLabsSynthesizer
) -> None:
    provider.accounts["one"] = Account(status=401)
    failures: list[VoiceFailure] = []
    local = NotingVoice()
    voices = FailoverSynthesizer([premium, local], on_failure=failures.append)
    assert voices.name == "elevenlabs"
    await voices.synthesize("Hello there.")
    provider.accounts["one"] = Account()
    await voices.synthesize("Good morning.")
    assert voices.name == "espeak"
    assert local.texts == ["Hello there.", "Good morning."]
    assert [(failure.voice, failure.is_final) for failure in failures] == [("elevenlabs", True)]


async def test_a_third_voice_goes_on_for_the_second(
    provider: ElevenLabsServer, premium: ElevenLabsSynthesizer
) -> None:
    provider.accounts["one"] = Account(drop_after=16)
    second, third = NotingVoice("second", fails_after=0), NotingVoice("third")
    assert await FailoverSynthesizer([premium, second, third]).synthesize(LINE)
    assert second.texts == third.texts == ["will send that over tomorrow."]


async def test_a_voice_that_does_not_trace_its_words_is_judged_by_time() -> None:
    first, second = NotingVoice("first", fails_after=25), NotingVoice("second")
    line = "Good morning. How soon would you like to sell the house? We can help you."
    assert await FailoverSynthesizer([first, second]).synthesize(line)
    assert first.texts[0] == "Good morning."
    assert second.texts[0] != line
    assert line.endswith(" ".join(second.texts))
    assert second.texts[-1] == "We can help you."


async def test_it_fails_only_when_the_last_voice_does() -> None:
    voices = FailoverSynthesizer([NotingVoice(fails_after=0), NotingVoice(fails_after=0)])
    with pytest.raises(EngineError, match="no voice could say it"):
        await voices.synthesize("Hello.")


async def test_the_words_left_are_known_for_every_voice() -> None:
    line = "Good morning. How are you?"
    rests = [piece.rest async for piece in pieces_of(NotingVoice(), line, 8000)]
    assert all(line.endswith(rest) for rest in rests)
    assert rests[-1] == ""


async def test_the_tier_changes_with_the_next_turn(
    provider: ElevenLabsServer, premium: ElevenLabsSynthesizer
) -> None:
    account = provider.accounts["one"] = Account()
    changes: list[TierChange] = []
    local = NotingVoice()
    voice = VoiceTiers(premium=premium, local=[local], tier="local", on_change=changes.append)
    switch: TierSwitch = voice
    assert switch.choose("premium", reason="score 80")
    await voice.synthesize("Still local.")
    assert (switch.tier, changes) == ("local", [])
    voice.turn_begins()
    await voice.synthesize("Now premium.")
    assert switch.tier == "premium"
    assert (local.texts, account.texts) == (["Still local."], ["Now premium."])
    assert [(each.before, each.tier, each.reason) for each in changes] == [
        ("local", "premium", "score 80")
    ]
    switch.choose("local", reason="budget")
    switch.choose("premium", reason="budget again")
    voice.turn_begins()
    assert len(changes) == 1, "a choice taken back changes nothing"


async def test_a_failed_premium_voice_is_not_chosen_again(
    provider: ElevenLabsServer, premium: ElevenLabsSynthesizer
) -> None:
    provider.accounts["one"] = Account(error=QUOTA)
    changes: list[TierChange] = []
    voice = VoiceTiers(
        premium=premium, local=[NotingVoice()], tier="premium", on_change=changes.append
    )
    assert await voice.synthesize(LINE)
    assert voice.tier == "local"
    assert not voice.choose("premium", reason="score 90")
    voice.turn_begins()
    assert voice.tier == "local"
    assert len(changes) == 1
    assert "quota" in changes[0].reason


async def test_without_a_premium_voice_every_call_is_local() -> None:
    changes: list[TierChange] = []
    voice = VoiceTiers(
        premium=None, local=[NotingVoice()], tier="premium", on_change=changes.append
    )
    assert voice.tier == "local"
    assert not voice.choose("premium", reason="score 90")
    assert [change.reason for change in changes] == ["no premium voice is set up"]


async def test_what_was_sent_is_charged_though_another_voice_went_on(
    provider: ElevenLabsServer, premium: ElevenLabsSynthesizer
) -> None:
    provider.accounts["one"] = Account(drop_after=16)
    bill: list[SpeechUsage] = []
    await FailoverSynthesizer([premium.billed_to(bill.append), NotingVoice()]).synthesize(LINE)
    assert [usage.characters for usage in bill] == [len(LINE)]
