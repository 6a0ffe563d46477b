"""Speech with an account of what it has said so far and what it cost.

A voice that dies in mid-sentence has said some words. Whoever goes on for it has to know which
ones are left, or the lead hears words twice or not at all.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass
from typing import Final, Protocol, runtime_checkable

from voice.audio import duration_ms
from voice.engines.interface import EngineError, SpeechSynthesizer
from voice.phrasing import word_groups, words_by

MS_PER_CHARACTER: Final = 65
"""How long a character of English sounds, blanks included: about 155 words a minute."""


class EngineRefusedError(EngineError):
    """The engine will not serve us: a wrong key, a used-up quota, a voice that is not there.

    Asking again changes nothing until somebody does something about it.
    """

    def __init__(self, message: str) -> None:
        super().__init__(message, retryable=False)


@dataclass(frozen=True, slots=True)
class SpeechPiece:
    """A piece of audio, and the words that are still to be said once it has sounded.

    `rest` may be worded as the engine reads it ("500 dollars" for "$500"); it is always whole
    words, and empty when everything has been said.
    """

    audio: bytes
    rest: str


@dataclass(frozen=True, slots=True)
class SpeechUsage:
    """Characters that a voice was sent, whether or not anybody heard them.

    Attributes:
        provider: As in the price list: "elevenlabs".
        model: Likewise: "eleven_flash_v2_5"; "*" where the price is the same for all.
        characters: How many were sent in one request.
        key: Names this use, so that it is charged once: "tts:" and a unique part.
        account: A fingerprint of the API key that paid, not the key; empty where none did.
    """

    provider: str
    model: str
    characters: int
    key: str
    account: str


OnUsage = Callable[[SpeechUsage], None]


@runtime_checkable
class TracedSynthesizer(SpeechSynthesizer, Protocol):
    """A synthesiser that knows which words its audio holds."""

    def pieces(self, text: str, sample_rate: int) -> AsyncGenerator[SpeechPiece, None]:
        """Yield what `stream` yields, each piece with the words still to come."""
        ...


@runtime_checkable
class PaidSynthesizer(SpeechSynthesizer, Protocol):
    """A synthesiser whose provider charges for characters."""

    def billed_to(self, on_usage: OnUsage) -> SpeechSynthesizer:
        """Return the same voice, reporting what is sent from there to `on_usage`."""
        ...

    async def aclose(self) -> None:
        """Close the connections that are kept for the next text."""
        ...


async def pieces_of(
    synthesizer: SpeechSynthesizer, text: str, sample_rate: int
) -> AsyncGenerator[SpeechPiece, None]:
    """Yield any synthesiser's speech with the words still to come.

    A voice that does not trace its words is given one word group at a time: what it has finished
    is certain, and inside a group the words are judged by the time that has sounded.
    """
    if isinstance(synthesizer, TracedSynthesizer):
        async with contextlib.aclosing(synthesizer.pieces(text, sample_rate)) as traced:
            async for piece in traced:
                yield piece
        return
    groups = word_groups(text)
    for number, group in enumerate(groups, start=1):
        after = groups[number:]
        sounded_ms = 0
        async with contextlib.aclosing(synthesizer.stream(group, sample_rate)) as stream:
            async for audio in stream:
                sounded_ms += duration_ms(audio, sample_rate)
                yield SpeechPiece(audio, joined(unsaid(group, sounded_ms), *after))
        yield SpeechPiece(b"", joined(*after))


def unsaid(text: str, sounded_ms: float) -> str:
    """Return the words of a text that are not complete after so much sound, as far as we can tell.

    The last word always is among them: only the end of the stream says that it is complete.
    """
    fraction = sounded_ms / (max(1, len(text)) * MS_PER_CHARACTER)
    said = len(words_by(fraction, text).split())
    words = text.split()
    return " ".join(words[min(said, len(words) - 1) :])


def joined(*texts: str) -> str:
    """Return the texts that are not empty, parted by blanks."""
    return " ".join(text for text in texts if text)
