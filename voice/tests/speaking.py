"""Voices to listen to: real ones that note what they were asked to say."""

from __future__ import annotations

from collections.abc import AsyncGenerator

from voice.engines.espeak import EspeakSynthesizer
from voice.engines.interface import EngineError


class NotingVoice(EspeakSynthesizer):
    """The built-in voice; it can be told to fail, before or in mid-sentence."""

    def __init__(self, name: str = "espeak", *, fails_after: int | None = None) -> None:
        super().__init__()
        self.name = name
        self.voice_key = f"{name}:noting"
        self.texts: list[str] = []
        self.fails_after = fails_after

    async def stream(self, text: str, sample_rate: int) -> AsyncGenerator[bytes, None]:
        self.texts.append(text)
        count = 0
        async for audio in super().stream(text, sample_rate):
            if self.fails_after is not None and count >= self.fails_after:
                raise EngineError("the engine broke", retryable=True)
            count += 1
            yield audio
        if self.fails_after is not None and count <= self.fails_after:
            raise EngineError("the engine broke", retryable=True)
