"""Make a campaign's speech before its first call, so that no lead waits for it or pays for it."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

from voice.audio import TELEPHONE_RATE
from voice.engines.cached import CachedSynthesizer
from voice.engines.interface import EngineError
from voice.engines.speakable import speakable

ATTEMPTS: Final = 4
FIRST_PAUSE_S: Final = 0.5


@dataclass(frozen=True, slots=True)
class Preparation:
    """How far it has come, and in the end what was done.

    Attributes:
        total: Phrases in all.
        made: Synthesised now.
        kept: In the cache before.
        characters: Sent to the voice.
    """

    total: int
    made: int = 0
    kept: int = 0
    characters: int = 0

    @property
    def done(self) -> int:
        """Phrases dealt with."""
        return self.made + self.kept

    @property
    def left(self) -> int:
        """Phrases there was no time for."""
        return self.total - self.done


async def prepare(
    lines: Iterable[str],
    voice: CachedSynthesizer,
    progress: Callable[[Preparation], None] | None = None,
    *,
    sample_rate: int = TELEPHONE_RATE,
    within_s: float = math.inf,
) -> Preparation:
    """Synthesise the phrases that the cache does not have. Safe to stop and to run again.

    Args:
        lines: Phrases that are fixed for `voice`.
        voice: The voice, behind the cache.
        progress: Told after every phrase.
        within_s: Seconds after which no further phrase is begun.

    Raises:
        EngineError: The voice cannot; what it has made is kept.
    """
    phrases = sorted({line for line in lines if speakable(line)})
    state = Preparation(len(phrases))
    until = time.monotonic() + within_s
    for phrase in phrases:
        if time.monotonic() > until:
            break
        if await voice.has(phrase, sample_rate):
            state = Preparation(state.total, state.made, state.kept + 1, state.characters)
        else:
            await _make(phrase, voice, sample_rate)
            spent = state.characters + len(speakable(phrase))
            state = Preparation(state.total, state.made + 1, state.kept, spent)
        if progress is not None:
            progress(state)
    return state


async def _make(phrase: str, voice: CachedSynthesizer, sample_rate: int) -> None:
    pause_s = FIRST_PAUSE_S
    for attempt in range(1, ATTEMPTS + 1):
        try:
            await voice.synthesize(phrase, sample_rate)
        except EngineError as error:
            if not error.retryable or attempt == ATTEMPTS:
                raise
            await asyncio.sleep(pause_s)
            pause_s *= 2
        else:
            return
