"""A voice that says again what it has said before, from the cache."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Callable, Collection
from typing import Final

import numpy as np
from prometheus_client import Counter

from voice.audio import whole_samples
from voice.engines.delivery import PaidSynthesizer, SpeechPiece, pieces_of
from voice.engines.interface import SpeechSynthesizer
from voice.engines.loudness import soft_limit, speech_level_dbfs
from voice.engines.speakable import speakable
from voice.speech_cache import SpeechCache, cache_key, normalised

LOOKUPS = Counter(
    "voice_speech_cache_lookups", "Texts asked of a cached voice.", ["voice", "result"]
)
SAVED = Counter(
    "voice_speech_cache_characters_saved", "Characters that were not synthesised.", ["voice"]
)
PIECE_MS: Final = 200

TARGET_DBFS: Final = -20.0
MOST_OFF_DB: Final = 4.0
"""A voice that learns its level as it speaks is off at first; a clip that is kept must not be."""

OnSaved = Callable[[str, int], None]
"""Told of the engine's name and the characters that the cache has saved."""


class CachedSynthesizer:
    """A voice behind the cache.

    Only the fixed phrases are looked up and kept: all else may hold a name, a number or a time,
    and what a lead is called is nobody's to keep as sound.

    Args:
        inner: The voice.
        cache: Where clips are.
        fixed: The phrases without personal data; see `voice.fixed_lines`.
        on_saved: Told of every hit.
    """

    def __init__(
        self,
        inner: SpeechSynthesizer,
        cache: SpeechCache,
        *,
        fixed: Collection[str],
        on_saved: OnSaved | None = None,
    ) -> None:
        self._inner = inner
        self._cache = cache
        self._fixed = fixed
        self._on_saved = on_saved

    @property
    def name(self) -> str:
        """The voice's name."""
        return self._inner.name

    @property
    def voice_key(self) -> str:
        """The voice's key."""
        return self._inner.voice_key

    async def stream(self, text: str, sample_rate: int) -> AsyncGenerator[bytes, None]:
        """Yield the speech, from the cache if it is there. See `SpeechSynthesizer.stream`."""
        async with contextlib.aclosing(self.pieces(text, sample_rate)) as pieces:
            async for piece in pieces:
                if piece.audio:
                    yield piece.audio

    async def synthesize(self, text: str, sample_rate: int = 8000) -> bytes:
        """Return the whole clip."""
        return b"".join([piece async for piece in self.stream(text, sample_rate)])

    async def pieces(self, text: str, sample_rate: int) -> AsyncGenerator[SpeechPiece, None]:
        """Yield the speech with the words still to come."""
        phrase = normalised(text)
        if phrase not in self._fixed:
            LOOKUPS.labels(self.name, "not_fixed").inc()
            async with contextlib.aclosing(pieces_of(self._inner, text, sample_rate)) as own:
                async for piece in own:
                    yield piece
            return
        if (pcm := await self._find(phrase, sample_rate)) is not None:
            self._saved(phrase)
            size = sample_rate * PIECE_MS // 1000 * 2
            for at in range(0, len(pcm), size):
                await asyncio.sleep(0)  # other calls' sound comes first: this is all there already
                yield SpeechPiece(pcm[at : at + size], "" if at + size >= len(pcm) else phrase)
            return
        LOOKUPS.labels(self.name, "miss").inc()
        made: list[bytes] = []
        async with contextlib.aclosing(pieces_of(self._inner, text, sample_rate)) as own:
            async for piece in own:
                made.append(piece.audio)
                yield piece
        if pcm := b"".join(made):
            await self._keep(phrase, sample_rate, pcm)

    async def has(self, text: str, sample_rate: int) -> bool:
        """Return whether a phrase can be said without the voice."""
        return await self._find(normalised(text), sample_rate) is not None

    async def aclose(self) -> None:
        """Close what the voice keeps open, if it does."""
        if isinstance(self._inner, PaidSynthesizer):
            await self._inner.aclose()

    async def _find(self, phrase: str, sample_rate: int) -> bytes | None:
        key = cache_key(self.voice_key, phrase, sample_rate)
        return self._cache.peek(key) or await asyncio.to_thread(self._cache.get, key)

    async def _keep(self, phrase: str, sample_rate: int, pcm: bytes) -> None:
        # A voice may know its key only once it has spoken.
        key = cache_key(self.voice_key, phrase, sample_rate)
        await asyncio.to_thread(lambda: self._cache.put(key, _levelled(pcm, sample_rate)))

    def _saved(self, phrase: str) -> None:
        characters = len(speakable(phrase))
        LOOKUPS.labels(self.name, "hit").inc()
        SAVED.labels(self.name).inc(characters)
        if self._on_saved is not None:
            self._on_saved(self.name, characters)


def _levelled(pcm: bytes, sample_rate: int) -> bytes:
    """Return the clip at the level of all the others."""
    gain_db = TARGET_DBFS - speech_level_dbfs(pcm, sample_rate)
    if abs(gain_db) <= MOST_OFF_DB or gain_db > 4 * MOST_OFF_DB:
        return pcm
    samples = whole_samples(pcm).astype(np.float64) * 10 ** (gain_db / 20)
    return np.round(soft_limit(samples)).astype(np.int16).tobytes()
