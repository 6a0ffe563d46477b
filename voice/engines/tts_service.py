"""Speech synthesis as a Pipecat service, for any of our synthesisers."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncGenerator
from typing import Any

from pipecat.frames.frames import ErrorFrame, Frame, TTSAudioRawFrame
from pipecat.services.settings import TTSSettings
from pipecat.services.tts_service import TTSService

from voice.engines.espeak import EspeakSynthesizer
from voice.engines.interface import EngineError, SpeechSynthesizer


class StreamingTTSService(TTSService):
    """Speak text with a synthesiser, at the pipeline's sample rate, as the audio is made.

    An interruption closes the stream, which stops the engine within one piece of audio.

    Args:
        synthesizer: The process's engine.
        options: As for Pipecat's `TTSService`.
    """

    def __init__(self, synthesizer: SpeechSynthesizer, **options: Any) -> None:
        super().__init__(
            push_start_frame=True,
            push_stop_frames=True,
            settings=TTSSettings(
                model=synthesizer.name, voice=synthesizer.voice_key, language=None
            ),
            **options,
        )
        self._synthesizer = synthesizer

    def can_generate_metrics(self) -> bool:
        """Report time to first byte and characters."""
        return True

    async def run_tts(self, text: str, context_id: str) -> AsyncGenerator[Frame | None, None]:
        """Yield the audio of a text, or an `ErrorFrame` if it could not be spoken."""
        try:
            await self.start_tts_usage_metrics(text)
            stream = self._synthesizer.stream(text, self.sample_rate)
            async with contextlib.aclosing(stream) as pieces:
                async for audio in pieces:
                    await self.stop_ttfb_metrics()
                    yield TTSAudioRawFrame(audio, self.sample_rate, 1, context_id=context_id)
        except EngineError as error:
            yield ErrorFrame(f"speech synthesis failed: {error}")
        finally:
            await self.stop_ttfb_metrics()


class EspeakTTSService(StreamingTTSService):
    """The built-in voice as a Pipecat service. espeak-ng is GPL-3.0; see `voice.engines.espeak`.

    Args:
        synthesizer: The process's `EspeakSynthesizer`.
        options: As for Pipecat's `TTSService`.
    """

    def __init__(self, synthesizer: EspeakSynthesizer, **options: Any) -> None:
        super().__init__(synthesizer, **options)
