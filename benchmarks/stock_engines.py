"""The built-in engines behind Pipecat services of the plainest kind, for the bot beside ours.

They are written as Pipecat's own services for local models are (Whisper, Piper): a segment of
speech in, its words out, in a thread; a sentence in, its sound out, in a thread; each service
loads its engine when it is made.
"""

from __future__ import annotations

import asyncio
import ctypes
import threading
from collections.abc import AsyncGenerator, AsyncIterator
from typing import Any

import espeakng_loader
import pocketsphinx
from pipecat.audio.utils import create_file_resampler
from pipecat.frames.frames import (
    Frame,
    LLMContextFrame,
    LLMFullResponseEndFrame,
    LLMFullResponseStartFrame,
    LLMTextFrame,
    TranscriptionFrame,
)
from pipecat.processors.frame_processor import FrameDirection
from pipecat.services.llm_service import LLMService
from pipecat.services.settings import LLMSettings, STTSettings, TTSSettings
from pipecat.services.stt_service import SegmentedSTTService
from pipecat.services.tts_service import TTSService
from pipecat.utils.time import time_now_iso8601

MODEL_RATE = 16000

LINES = (
    "Hello, this is Ava, an AI assistant calling for Harbor Realty. This call is recorded. "
    "I am calling about selling your home. Is this a good time to talk?",
    "Got it. What makes you think about selling?",
    "Thank you. How soon would you like to sell?",
    "Okay. What kind of home is it, and how many bedrooms does it have?",
    "I see. What price do you have in mind?",
    "Got it. Are you working with another agent?",
    "Thank you. I have Tuesday at ten or Wednesday at two. Which one works for you?",
    "Okay. So that is Tuesday at ten. Is that correct?",
    "I see. Is there anything else you would like to tell us?",
)
"""What an agent of ours asks, in about its words. The last line is repeated until the end."""


class PocketsphinxSTT(SegmentedSTTService):
    """Speech to text, a segment at a time."""

    def __init__(self, **more: Any) -> None:
        super().__init__(settings=STTSettings(model=None, language=None), **more)
        self._decoder = pocketsphinx.Decoder(loglevel="FATAL")
        self._resampler = create_file_resampler()

    @property
    def wants_wav_segments(self) -> bool:
        """Take plain samples."""
        return False

    def can_generate_metrics(self) -> bool:
        """Say that it measures itself."""
        return True

    async def run_stt(self, audio: bytes) -> AsyncGenerator[Frame, None]:
        """Yield the words of a segment."""
        await self.start_processing_metrics()
        pcm = await self._resampler.resample(audio, self.sample_rate, MODEL_RATE)
        text = await asyncio.to_thread(self._decode, pcm)
        await self.stop_processing_metrics()
        if text:
            yield TranscriptionFrame(text, self._user_id, time_now_iso8601())

    def _decode(self, pcm: bytes) -> str:
        self._decoder.start_utt()
        self._decoder.process_raw(pcm, full_utt=True)
        self._decoder.end_utt()
        hypothesis = self._decoder.hyp()
        return hypothesis.hypstr if hypothesis else ""


_CALLBACK = ctypes.CFUNCTYPE(
    ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p
)
_espeak_lock = threading.Lock()
_RATE = 1
"""espeak-ng's number for the speed."""


class Espeak:
    """espeak-ng's C interface. The library has one state per process, hence the lock."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []
        self._callback = _CALLBACK(self._take)
        self._library: Any = ctypes.CDLL(espeakng_loader.get_library_path())
        with _espeak_lock:
            self.rate = self._library.espeak_Initialize(
                2, 0, espeakng_loader.get_data_path().encode(), 0x8000
            )

    def speak(self, text: str, *, voice: str = "en-us", words_per_minute: int = 175) -> bytes:
        """Return the sound of a sentence, 16-bit samples."""
        words = text.encode()
        with _espeak_lock:
            self._library.espeak_SetVoiceByName(voice.encode())
            self._library.espeak_SetParameter(_RATE, words_per_minute, 0)
            self._pieces.clear()
            self._library.espeak_SetSynthCallback(self._callback)
            self._library.espeak_Synth(words, len(words) + 1, 0, 0, 0, 1, None, None)
            return b"".join(self._pieces)

    def _take(self, samples: Any, count: int, events: Any) -> int:
        if samples and count > 0:
            self._pieces.append(ctypes.string_at(samples, count * 2))
        return 0


class EspeakTTS(TTSService):
    """Text to speech, a sentence at a time."""

    def __init__(self, **more: Any) -> None:
        super().__init__(
            push_start_frame=True,
            push_stop_frames=True,
            settings=TTSSettings(model=None, voice="en-us", language=None),
            **more,
        )
        self._espeak = Espeak()

    def can_generate_metrics(self) -> bool:
        """Say that it measures itself."""
        return True

    async def run_tts(self, text: str, context_id: str) -> AsyncGenerator[Frame, None]:
        """Yield the sound of a sentence."""
        await self.start_tts_usage_metrics(text)

        async def pieces() -> AsyncIterator[bytes]:
            yield await asyncio.to_thread(self._espeak.speak, text)

        async for frame in self._stream_audio_frames_from_iterator(
            pieces(), in_sample_rate=self._espeak.rate, context_id=context_id
        ):
            await self.stop_ttfb_metrics()
            yield frame


class ScriptedLLM(LLMService):
    """A language model that takes no time: the next line, whatever was said."""

    def __init__(self, **more: Any) -> None:
        settings = LLMSettings(
            model="script", system_instruction=None, temperature=None, max_tokens=None,
            top_p=None, top_k=None, frequency_penalty=None, presence_penalty=None, seed=None,
            filter_incomplete_user_turns=False, user_turn_completion_config=None,
        )  # fmt: skip
        super().__init__(settings=settings, **more)
        self._said = 0

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        """Answer a context; pass everything else on."""
        await super().process_frame(frame, direction)
        if not isinstance(frame, LLMContextFrame):
            await self.push_frame(frame, direction)
            return
        line = LINES[min(self._said, len(LINES) - 1)]
        self._said += 1
        await self.push_frame(LLMFullResponseStartFrame())
        for word in line.split(" "):
            await self.push_frame(LLMTextFrame(f"{word} "))
        await self.push_frame(LLMFullResponseEndFrame())
