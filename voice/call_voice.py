"""The voice of a call, put together from the settings: tiers, fail-over, cache, bill."""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Callable, Collection

from django.conf import settings

from calls.services.record import event_record
from calls.services.streams import LiveCall
from voice.clerk import Clerk
from voice.engines import registry
from voice.engines.cached import CachedSynthesizer, OnSaved
from voice.engines.counted import CountedSynthesizer
from voice.engines.delivery import OnUsage, PaidSynthesizer
from voice.engines.interface import SpeechSynthesizer
from voice.engines.tiers import TierChange, VoiceTiers
from voice.fixed_lines import fixed_phrases
from voice.speech_cache import MEGABYTE, SpeechCache
from voice.usage import Usage

BUILT_IN = "espeak"
"""The voice that is always there: the last of every call's."""


@functools.cache
def speech_cache() -> SpeechCache:
    """Return the process's view of the cache that all processes share."""
    env = settings.ENV
    return SpeechCache(
        env.data_dir / "speech-cache", most_bytes=env.speech_cache_megabytes * MEGABYTE
    )


def local_names() -> tuple[str, ...]:
    """Return the local tier's engines in order of preference."""
    return tuple(dict.fromkeys((settings.ENV.tts_engine, BUILT_IN)))


def premium_name() -> str:
    """Return the premium tier's engine, "" where there is none."""
    return "elevenlabs" if settings.ENV.elevenlabs_api_keys.get_secret_value() else ""


def engine_names() -> tuple[str, ...]:
    """Return every engine that a call may speak with, to be loaded before the first."""
    return (*local_names(), *((premium_name(),) if premium_name() else ()))


def cached_voice(
    name: str,
    *,
    fixed: Collection[str],
    on_usage: OnUsage | None = None,
    on_saved: OnSaved | None = None,
    count_free: bool = False,
) -> CachedSynthesizer:
    """Return the process's voice of that name behind the cache, billed to `on_usage`.

    Args:
        count_free: Whether `on_usage` is told what voices of this machine say, too.

    Raises:
        EngineError: The engine's settings are not complete.
    """
    voice: SpeechSynthesizer = registry.synthesizer(name)
    if on_usage is not None and isinstance(voice, PaidSynthesizer):
        voice = voice.billed_to(on_usage)
    elif on_usage is not None and count_free:
        voice = CountedSynthesizer(voice, on_usage)
    return CachedSynthesizer(voice, speech_cache(), fixed=fixed, on_saved=on_saved)


def call_voice(
    tier: str,
    *,
    fixed: Collection[str] = (),
    on_usage: OnUsage | None = None,
    on_saved: OnSaved | None = None,
    on_change: Callable[[TierChange], None] | None = None,
) -> VoiceTiers:
    """Return the voice of one call.

    Args:
        tier: "premium" or "local", as `LiveCall.voice_tier` has it.
        fixed: The phrases that may be kept; see `voice.fixed_lines.fixed_phrases`.
        on_usage: Told of characters sent to a voice, heard or not.
        on_saved: Told of characters that the cache saved.
        on_change: Told when the tier changes, and why.
    """

    saved: Counter[str] = Counter()

    def save(name: str, characters: int) -> None:
        saved[name] += characters
        if on_saved is not None:
            on_saved(name, characters)

    def cached(name: str) -> CachedSynthesizer:
        return cached_voice(name, fixed=fixed, on_usage=on_usage, on_saved=save, count_free=True)

    premium = premium_name()
    return VoiceTiers(
        premium=cached(premium) if premium else None,
        local=[cached(name) for name in local_names()],
        tier=tier,
        on_change=on_change,
        saved=saved,
    )


def live_voice(live: LiveCall, clerk: Clerk, usage: Usage) -> VoiceTiers:
    """Return the voice of a live call: what it is sent is counted, and its tier is on the timeline.

    The timeline's event is "voice_tier", with the tier, the one before and the reason.
    """

    def tell(change: TierChange) -> None:
        data = {"tier": change.tier, "before": change.before, "reason": change.reason}
        clerk.note(event_record, call_id=live.call_id, kind="voice_tier", data=data, now=change.at)

    return call_voice(
        live.voice_tier,
        fixed=fixed_phrases(live.brief.script, live.brief.business_name),
        on_usage=usage.sent,
        on_saved=usage.spared,
        on_change=tell,
    )
