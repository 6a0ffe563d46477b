"""Speech that was made once: kept on disk, shared, bounded, and never about a person."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from agents.conversation import Conversation
from agents.interface import Brief, Say, Utterance
from agents.playbook import Script
from agents.services.playbooks import DATA
from billing.models import Charge
from billing.services import prices_seed
from calls.models import Campaign, OutboxItem
from calls.services.campaigns import campaign_start
from calls.services.outbox import outbox_run
from calls.tests.conftest import playbook_version
from tests.factories import BudgetFactory, CampaignFactory, EnrolmentFactory
from voice.call_voice import call_voice, speech_cache
from voice.engines import registry
from voice.engines.cached import CachedSynthesizer
from voice.engines.elevenlabs import ElevenLabsSynthesizer, ElevenLabsVoice
from voice.engines.failover import FailoverSynthesizer
from voice.fixed_lines import fixed_phrases
from voice.phrasing import word_groups
from voice.speech_cache import SpeechCache, cache_key, normalised
from voice.speech_preparing import Preparation, prepare
from voice.tests.elevenlabs_server import Account, ElevenLabsServer
from voice.tests.speaking import NotingVoice

LINE = "Is this a good time to talk?"
OTHER = "May I go on?"


@pytest.fixture
def cache(tmp_path: Path) -> SpeechCache:
    return SpeechCache(tmp_path / "speech")


def entries(cache: SpeechCache) -> list[Path]:
    return sorted(path for path in cache._folder.rglob("*") if path.is_file())


def test_a_clip_is_found_by_every_process(cache: SpeechCache) -> None:
    key = cache_key("voice", LINE, 8000)
    cache.put(key, b"\1\2" * 800)
    program = (
        "import sys, pathlib; from voice.speech_cache import SpeechCache; "
        "sys.stdout.buffer.write(SpeechCache(pathlib.Path(sys.argv[1])).get(sys.argv[2]) or b'')"
    )
    answer = subprocess.run(
        [sys.executable, "-c", program, str(cache._folder), key],
        capture_output=True,
        check=True,
        env={**os.environ, "PYTHONPATH": "."},
    )
    assert answer.stdout == b"\1\2" * 800


def test_the_name_is_of_voice_rate_and_words_but_not_of_blanks() -> None:
    keys = {
        cache_key("a", LINE, 8000),
        cache_key("b", LINE, 8000),
        cache_key("a", LINE, 16000),
        cache_key("a", OTHER, 8000),
    }
    assert len(keys) == 4
    assert cache_key("a", "Is  this\n a good time to talk? ", 8000) in keys


@pytest.mark.parametrize("damage", ["torn", "flipped", "other", "empty"])
def test_a_damaged_clip_is_a_miss_and_goes(cache: SpeechCache, damage: str) -> None:
    key, other = cache_key("a", LINE, 8000), cache_key("a", OTHER, 8000)
    cache.put(key, b"\1\2" * 800)
    (path,) = entries(cache)
    content = bytearray(path.read_bytes())
    if damage == "torn":
        del content[-100:]
    elif damage == "flipped":
        content[-1] ^= 1
    elif damage == "empty":
        content.clear()
    else:
        path.unlink()
        path = path.parent.parent / other[:2] / f"{other}.pcm"
        path.parent.mkdir(exist_ok=True)
    path.write_bytes(content)
    fresh = SpeechCache(cache._folder)
    assert fresh.get(other if damage == "other" else key) is None
    assert entries(cache) == []


def test_the_least_recently_used_clips_go_first(tmp_path: Path) -> None:
    cache = SpeechCache(tmp_path, most_bytes=10_000)
    keys = [cache_key("a", f"{number} words", 8000) for number in range(9)]
    for number, key in enumerate(keys):
        cache.put(key, bytes(1000))
        os.utime(cache._path(key), times=(number, number))
    assert SpeechCache(tmp_path).get(keys[0]), "used now"
    cache.put(cache_key("a", "one too many", 8000), bytes(1000))
    fresh = SpeechCache(tmp_path)
    assert cache.size() <= 9_000
    assert fresh.get(keys[0])
    assert fresh.get(keys[1]) is None


def test_memory_is_bounded_and_the_disk_goes_on(tmp_path: Path) -> None:
    cache = SpeechCache(tmp_path, most_memory_bytes=2500)
    keys = [cache_key("a", f"{number} words", 8000) for number in range(4)]
    for key in keys:
        cache.put(key, bytes(1000))
    assert [cache.peek(key) is not None for key in keys] == [False, False, True, True]
    assert all(cache.get(key) == bytes(1000) for key in keys)


def test_what_a_crash_left_half_written_goes_after_a_while(cache: SpeechCache) -> None:
    cache.put(cache_key("a", LINE, 8000), bytes(1000))
    abandoned = entries(cache)[0].with_name(".abandoned")
    abandoned.write_bytes(b"half")
    os.utime(abandoned, times=(time.time() - 7200,) * 2)
    cache.size()
    assert not abandoned.exists()


def test_a_folder_that_cannot_be_written_is_no_error(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("in the way")
    cache = SpeechCache(blocked / "speech")
    cache.put("ab" * 32, bytes(1000))
    assert cache.get("ab" * 32) == bytes(1000)


async def test_a_hit_asks_no_voice_and_saves_the_characters(cache: SpeechCache) -> None:
    inner = NotingVoice()
    saved: list[tuple[str, int]] = []
    voice = CachedSynthesizer(
        inner, cache, fixed={LINE}, on_saved=lambda name, count: saved.append((name, count))
    )
    first = await voice.synthesize(LINE)
    second = await voice.synthesize(LINE)
    assert (inner.texts, saved) == ([LINE], [("espeak", len(LINE))])
    assert first == second


async def test_only_fixed_phrases_are_kept(cache: SpeechCache) -> None:
    inner = NotingVoice()
    voice = CachedSynthesizer(inner, cache, fixed={LINE})
    await voice.synthesize("Maria, is this a good time to talk?")
    await voice.synthesize("Maria, is this a good time to talk?")
    assert len(inner.texts) == 2
    assert entries(cache) == []


async def test_speech_that_was_broken_off_is_not_kept(cache: SpeechCache) -> None:
    voice = CachedSynthesizer(NotingVoice(), cache, fixed={LINE})
    stream = voice.stream(LINE, 8000)
    await anext(stream)
    await stream.aclose()
    broken = CachedSynthesizer(NotingVoice("a", fails_after=3), cache, fixed={LINE})
    assert await FailoverSynthesizer([broken, NotingVoice("b")]).synthesize(LINE)
    assert entries(cache) == []


async def test_premium_speech_is_paid_for_once(cache: SpeechCache) -> None:
    async with ElevenLabsServer().running() as server:
        account = server.accounts["one"] = Account()
        paid: list[int] = []
        inner = ElevenLabsSynthesizer(
            ElevenLabsVoice("narrator"), secrets=["one"], base_url=server.url
        )
        billed = inner.billed_to(lambda usage: paid.append(usage.characters))
        for _ in range(3):
            voice = CachedSynthesizer(billed, cache, fixed={LINE, OTHER})
            await prepare([LINE, OTHER], voice)
            await voice.synthesize(LINE)
        assert sorted(account.texts) == sorted([LINE, OTHER])
        assert sum(paid) == len(LINE) + len(OTHER)
        await inner.aclose()


async def test_preparing_tells_how_far_it_is_and_goes_on_where_it_was(cache: SpeechCache) -> None:
    voice = CachedSynthesizer(NotingVoice(), cache, fixed={LINE, OTHER})
    await prepare([LINE], voice)
    seen: list[Preparation] = []
    done = await prepare([LINE, OTHER, OTHER], voice, seen.append)
    assert [(state.done, state.total) for state in seen] == [(1, 2), (2, 2)]
    assert (done.made, done.kept, done.characters) == (1, 1, len(OTHER))


def seller() -> Script:
    return Script.from_toml(DATA / "seller.toml")


def test_no_fixed_phrase_has_a_place_for_a_person_or_a_time() -> None:
    phrases = fixed_phrases(seller(), "Harbor Homes")
    assert LINE in phrases
    assert any("Harbor Homes" in phrase for phrase in phrases)
    assert not [phrase for phrase in phrases if re.search(r"[{}]|\ue000", phrase)]


async def test_what_a_call_says_is_fixed_but_for_the_person() -> None:
    script = seller()
    phrases = fixed_phrases(script, "Harbor Homes")
    talk = Conversation(_brief(script))
    said = [item async for item in talk.open() if isinstance(item, Say)]
    for text in ("yes", "we are relocating for a new job", "in two months", "what is this about"):
        said += [item async for item in talk.respond(Utterance(text, 0.9)) if isinstance(item, Say)]
    groups = [normalised(group) for item in said for group in word_groups(item.text)]
    assert len(groups) > 8
    assert [group for group in groups if group not in phrases and "Wilhelmina" not in group] == []
    named = [group for group in groups if "Wilhelmina" in group]
    assert named
    assert not phrases.intersection(named)


def _brief(script: Script) -> Brief:
    from datetime import UTC, datetime
    from uuid import uuid4

    return Brief(
        call_id=uuid4(),
        script=script,
        business_name="Harbor Homes",
        lead_first_name="Wilhelmina",
        lead_time_zone="America/Chicago",
        recorded=True,
        now=datetime(2026, 11, 16, 16, tzinfo=UTC),
    )


@pytest.fixture
def campaign(db: None, settings: Any, tmp_path: Path) -> Campaign:
    prices_seed()
    settings.ENV = settings.ENV.model_copy(update={"data_dir": tmp_path})
    speech_cache.cache_clear()
    playbook = playbook_version().playbook
    return CampaignFactory(playbook=playbook, name="Spring sellers")


def test_the_command_prepares_a_campaign_once(campaign: Campaign, tmp_path: Path) -> None:
    first, second = StringIO(), StringIO()
    call_command("prepare_speech", "Spring sellers", stdout=first)
    call_command("prepare_speech", str(campaign.pk), stdout=second)
    count = len(list((tmp_path / "speech-cache").rglob("*.pcm")))
    assert count > 20
    assert f"{count} phrases, {count} made" in first.getvalue()
    assert f"0 made (0 characters), {count} were there" in second.getvalue()


def test_starting_a_campaign_has_its_speech_prepared_a_little_at_a_time(
    campaign: Campaign, tmp_path: Path
) -> None:
    BudgetFactory()
    EnrolmentFactory(campaign=campaign)
    campaign_start(campaign_id=campaign.pk, now=timezone.now())
    for _ in range(1000):
        item = OutboxItem.objects.get(kind="speech")
        if item.done_at is not None:
            break
        outbox_run(item_id=item.pk, now=item.due_at)
    assert item.done_at is not None
    assert item.last_error == ""
    made = len(list((tmp_path / "speech-cache").rglob("*.pcm")))
    assert made > 20
    left = call_command("prepare_speech", str(campaign.pk), seconds=-1.0, stdout=StringIO())
    assert left == f"{made} phrases are left: run this again."


def test_the_command_names_what_it_does_not_find(campaign: Campaign) -> None:
    with pytest.raises(CommandError, match="no campaign 'Autumn'"):
        call_command("prepare_speech", "Autumn")


async def test_a_call_speaks_from_the_settings(settings: Any, tmp_path: Path) -> None:
    settings.ENV = settings.ENV.model_copy(update={"data_dir": tmp_path})
    speech_cache.cache_clear()
    saved: list[tuple[str, int]] = []
    for _ in range(2):
        voice = call_voice("premium", fixed={LINE}, on_saved=lambda *hit: saved.append(hit))
        assert (voice.tier, voice.name) == ("local", "espeak")
        assert await voice.synthesize(LINE)
    assert saved == [("espeak", len(LINE))]
    speech_cache.cache_clear()


def test_a_paid_voice_puts_its_preparation_on_the_campaigns_bill(
    campaign: Campaign, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    import asyncio
    import threading

    campaign.voice_tier = Campaign.VoiceTier.PREMIUM
    campaign.save()
    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, daemon=True).start()

    def run(work: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(work, loop).result(10)

    server = ElevenLabsServer()
    server.accounts["one"] = Account()
    running = server.running()
    run(running.__aenter__())
    try:
        secret = type(settings.ENV.elevenlabs_api_keys)("one")
        settings.ENV = settings.ENV.model_copy(
            update={"elevenlabs_api_keys": secret, "elevenlabs_base_url": server.url}
        )
        monkeypatch.delitem(registry._engines, "elevenlabs", raising=False)
        call_command("prepare_speech", "Spring sellers", stdout=StringIO())
    finally:
        registry._engines.pop("elevenlabs", None)
        run(running.__aexit__(None, None, None))
        loop.call_soon_threadsafe(loop.stop)
    charges = Charge.objects.filter(campaign_id=campaign.pk, component="tts")
    sent = sum(map(len, server.accounts["one"].texts))
    assert charges.count() == len(server.accounts["one"].texts) > 20
    assert sum(float(charge.quantity) for charge in charges) == pytest.approx(sent / 1000)
