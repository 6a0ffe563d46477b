"""One voice out of several: when one dies in mid-sentence, the next says the words that are left.

The lead hears a gap of at most a second, no word twice, and every word once.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import dataclass
from typing import Final

import structlog
from prometheus_client import Counter

from voice.audio import duration_ms
from voice.engines.delivery import EngineRefusedError, SpeechPiece, pieces_of
from voice.engines.interface import EngineError, SpeechSynthesizer

log = structlog.get_logger(__name__)

FAILOVERS = Counter("voice_tts_failovers", "Sentences another voice had to go on with.", ["voice"])

FIRST_AUDIO_S: Final = 0.8
"""With a local voice's first audio after it, the gap stays under a second."""
LAST_FIRST_AUDIO_S: Final = 5.0
"""The last voice gets longer: there is none after it."""
STALL_S: Final = 0.35
"""The least time to wait for the next piece."""
LEAD_S: Final = 0.3
"""So long before the far end runs dry, the next voice is asked to go on."""


@dataclass(frozen=True, slots=True)
class VoiceFailure:
    """A voice that left a text unfinished.

    Attributes:
        voice: Its engine's name.
        reason: What happened, for people; no text of the call.
        is_final: Whether asking it again would change nothing (refused key, used-up quota).
    """

    voice: str
    reason: str
    is_final: bool


class FailoverSynthesizer:
    """Speak with the first voice that can; for one call.

    A voice that has failed is not asked again in the call: two voices taking turns are worse
    than the lesser of them. The last one is always asked.

    Args:
        voices: In order of preference, at least one.
        first_audio_s: Seconds that a voice other than the last has for its first audio.
        on_failure: Told of every voice that had to be replaced.
    """

    def __init__(
        self,
        voices: Sequence[SpeechSynthesizer],
        *,
        first_audio_s: float = FIRST_AUDIO_S,
        on_failure: Callable[[VoiceFailure], None] | None = None,
    ) -> None:
        if not voices:
            raise EngineError("a call needs at least one voice")
        self._voices = list(voices)
        self._first_audio_s = first_audio_s
        self._on_failure = on_failure
        self._failed: set[int] = set()

    @property
    def active(self) -> SpeechSynthesizer:
        """The voice that the next text is given to."""
        return self._voices[self._next(0)]

    @property
    def name(self) -> str:
        """The name of the voice that speaks next."""
        return self.active.name

    @property
    def voice_key(self) -> str:
        """The key of the voice that speaks next."""
        return self.active.voice_key

    async def stream(self, text: str, sample_rate: int) -> AsyncGenerator[bytes, None]:
        """Yield the speech, by as many voices as it takes.

        Raises:
            EngineError: The last voice failed too.
        """
        async with contextlib.aclosing(self.pieces(text, sample_rate)) as pieces:
            async for piece in pieces:
                if piece.audio:
                    yield piece.audio

    async def synthesize(self, text: str, sample_rate: int = 8000) -> bytes:
        """Return the whole clip."""
        return b"".join([piece async for piece in self.stream(text, sample_rate)])

    async def pieces(self, text: str, sample_rate: int) -> AsyncGenerator[SpeechPiece, None]:
        """Yield the speech with the words still to come. Raises as `stream`."""
        rest = text
        number = self._next(0)
        while rest:
            voice = self._voices[number]
            try:
                watched = self._watched(number, rest, sample_rate)
                async with contextlib.aclosing(watched) as pieces:
                    async for piece in pieces:
                        rest = piece.rest
                        yield piece
            except Exception as error:  # whatever an engine does, the sentence goes on
                if not rest:
                    return
                self._has_failed(number, error)
                if number == len(self._voices) - 1:
                    raise EngineError(
                        f"no voice could say it; the last, {voice.name}: {error}", retryable=True
                    ) from error
                number = self._next(number + 1)
            else:
                return

    async def _watched(
        self, number: int, text: str, sample_rate: int
    ) -> AsyncGenerator[SpeechPiece, None]:
        """Yield one voice's speech; raise `TimeoutError` while the next voice still has time.

        What has been handed on plays at the far end while the voice works: it may be silent for
        as long as that lasts.
        """
        is_last = number == len(self._voices) - 1
        patience_s = LAST_FIRST_AUDIO_S if is_last else self._first_audio_s
        dry_at = 0.0
        async with contextlib.aclosing(pieces_of(self._voices[number], text, sample_rate)) as own:
            while True:
                try:
                    async with asyncio.timeout(patience_s):
                        piece = await anext(own)
                except StopAsyncIteration:
                    return
                except TimeoutError:
                    raise TimeoutError(f"silent for {patience_s:.2f} s") from None
                now = time.monotonic()
                dry_at = max(dry_at, now) + duration_ms(piece.audio, sample_rate) / 1000
                yield piece
                if not is_last:
                    patience_s = max(STALL_S, dry_at - LEAD_S - time.monotonic())

    def _next(self, number: int) -> int:
        last = len(self._voices) - 1
        return next((at for at in range(number, last) if at not in self._failed), last)

    def _has_failed(self, number: int, error: Exception) -> None:
        voice = self._voices[number]
        self._failed.add(number)
        FAILOVERS.labels(voice.name).inc()
        reason = str(error) or type(error).__name__
        is_final = isinstance(error, EngineRefusedError)
        log.warning("tts_voice_failed", voice=voice.name, reason=reason, final=is_final)
        if self._on_failure is not None:
            self._on_failure(VoiceFailure(voice.name, reason, is_final))
