"""A voice of this machine that tells what it was asked to say, as a paid one does."""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import AsyncGenerator
from typing import Final

from voice.engines.delivery import OnUsage, SpeechUsage
from voice.engines.interface import SpeechSynthesizer
from voice.engines.speakable import speakable

_PROVIDERS: Final = {"piper_http": "piper"}
"""Names in the price list, where they differ from the engine's."""


class CountedSynthesizer:
    """A voice, and an account of the characters that it was given.

    The price of a voice on this machine is nothing today; what it said is on the bill all the
    same, for the machine has a price that somebody may enter.

    Args:
        inner: The voice.
        on_usage: Told of every text when its synthesis begins.
    """

    def __init__(self, inner: SpeechSynthesizer, on_usage: OnUsage) -> None:
        self._inner = inner
        self._on_usage = on_usage

    @property
    def name(self) -> str:
        """The voice's name."""
        return self._inner.name

    @property
    def voice_key(self) -> str:
        """The voice's key."""
        return self._inner.voice_key

    async def stream(self, text: str, sample_rate: int) -> AsyncGenerator[bytes, None]:
        """Yield the speech. See `SpeechSynthesizer.stream`."""
        if words := speakable(text):
            provider = _PROVIDERS.get(self.name, self.name)
            key = f"tts:{uuid.uuid4().hex}"
            self._on_usage(SpeechUsage(provider, "*", len(words), key, account=""))
        async with contextlib.aclosing(self._inner.stream(text, sample_rate)) as speech:
            async for audio in speech:
                yield audio

    async def synthesize(self, text: str, sample_rate: int = 8000) -> bytes:
        """Return the whole clip."""
        return b"".join([piece async for piece in self.stream(text, sample_rate)])
