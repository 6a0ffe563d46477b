"""What every speech engine offers, whatever is inside.

Audio is mono PCM, signed 16-bit little-endian, everywhere. Engines are made once per process and
shared by all its calls; what belongs to one call is in the objects that they hand out. None of
these methods blocks the event loop.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable


class EngineError(Exception):
    """A speech engine cannot do what was asked.

    Attributes:
        retryable: Whether the same request may succeed on the same engine a moment later.
    """

    def __init__(self, message: str, *, retryable: bool = False) -> None:
        super().__init__(message)
        self.retryable = retryable


class EngineBusyError(EngineError):
    """All the engine's places are taken and the wait for one was too long."""

    def __init__(self, message: str) -> None:
        super().__init__(message, retryable=True)


@runtime_checkable
class PaidRecognition(Protocol):
    """A call's recognition session whose provider charges for sound.

    Attributes:
        provider: As in the price list.
        model: Likewise.
        sent_ms: Audio to be charged, since the session began.
    """

    provider: str
    model: str
    sent_ms: int


@runtime_checkable
class SpeechSynthesizer(Protocol):
    """Turns text into speech."""

    @property
    def name(self) -> str:
        """The engine's name in settings, e.g. "espeak"."""
        ...

    @property
    def voice_key(self) -> str:
        """Everything besides the text that shapes the sound (engine, voice, rate, version…), as a
        stable string: a cache key is `voice_key`, sample rate and text.
        """
        ...

    def stream(self, text: str, sample_rate: int) -> AsyncGenerator[bytes, None]:
        """Yield the speech in pieces, as they are made.

        Stopping the iteration early (`aclose`, cancellation) stops the synthesis.

        Args:
            text: Plain text, not SSML. Text with nothing to say yields nothing.
            sample_rate: Hz of the audio wanted.

        Raises:
            EngineError: The engine failed, or the text is too long for it.
        """
        ...

    async def synthesize(self, text: str, sample_rate: int = 8000) -> bytes:
        """Return the whole clip that `stream` would yield."""
        ...


@dataclass(frozen=True, slots=True)
class Partial:
    """What has been understood so far of an utterance that goes on.

    Attributes:
        text: Lower-case words; may still change.
        audio_ms: How much audio, pre-roll included, the text is drawn from.
    """

    text: str
    audio_ms: int


@dataclass(frozen=True, slots=True)
class Word:
    """One recognised word.

    Attributes:
        start_ms: From the start of the utterance's audio, pre-roll included.
        end_ms: Likewise.
        confidence: Posterior probability among the words considered, 0 to 1.
    """

    text: str
    start_ms: int
    end_ms: int
    confidence: float


@dataclass(frozen=True, slots=True)
class Transcript:
    """The last word on an utterance.

    Attributes:
        text: Lower-case words; empty when nothing was said.
        confidence: 0 to 1; the average over the words, weighted by their length.
        audio_ms: How much audio was heard, pre-roll included.
        words: The words with their times.
        rejected: What the engine made of the audio when it was judged to be noise, else "".
        language: ISO 639-1 code of the language spoken, "" if the engine does not tell or too
            little was said.
        language_probability: 0 to 1.
        failed: Whether the engine broke down: the text is what it had understood until then.
    """

    text: str
    confidence: float
    audio_ms: int
    words: tuple[Word, ...] = field(default=())
    rejected: str = ""
    language: str = ""
    language_probability: float = 0.0
    failed: bool = False


class Utterance(Protocol):
    """One stretch of speech being recognised while it is spoken."""

    @property
    def partial(self) -> Partial:
        """What has been understood up to now; can be read at any moment."""
        ...

    def feed(self, pcm: bytes) -> None:
        """Add audio. Returns at once; audio beyond the longest utterance is dropped."""
        ...

    async def finish(self) -> Transcript:
        """Return the final transcript once all audio fed has been heard.

        Raises:
            EngineError: Recognition failed and could not be repeated.
        """
        ...

    def cancel(self) -> None:
        """Forget the utterance and free what it holds. Safe to call twice or after `finish`."""
        ...


class RecognitionSession(Protocol):
    """One call's ear: what is learnt about the line and the voice carries over between utterances.

    Attributes:
        longest_utterance_ms: Audio beyond this is not heard; finish and begin another.
    """

    longest_utterance_ms: int

    def begin(self, on_partial: Callable[[Partial], None] | None = None) -> Utterance:
        """Start an utterance.

        Args:
            on_partial: Called on the event loop whenever the partial text changes.
        """
        ...


@runtime_checkable
class SpeechRecognizer(Protocol):
    """Turns speech into text.

    Attributes:
        name: The engine's name in settings, e.g. "pocketsphinx".
        final_latency_s: 99th percentile from the last audio to the final transcript, measured.
    """

    name: str
    final_latency_s: float

    def session(self, sample_rate: int, languages: tuple[str, ...] = ("en",)) -> RecognitionSession:
        """Return the recognition state of a new call.

        Args:
            sample_rate: Hz of its audio.
            languages: ISO 639-1 codes of what the caller may be expected to speak, the commonest
                first. An engine of one language hears that one whatever is asked for.
        """
        ...
