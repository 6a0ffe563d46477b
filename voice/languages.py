"""Whether the caller speaks a language that the agent does not. Pure."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from voice.engines.interface import Transcript

SURE: Final = 0.8
CERTAIN: Final = 0.95
LONG_MS: Final = 2500
"""A recogniser that is certain of so much sound is believed at once; of less, the second time."""


class LanguageWatch:
    """Follows what is spoken on one call.

    One utterance is little to go by: a name, a "sí" or a bad line sounds like many languages. Two
    in a row, or a long one that leaves no doubt, are another language.

    Args:
        spoken: ISO 639-1 codes of what the agent speaks.
    """

    def __init__(self, spoken: Collection[str]) -> None:
        self._spoken = frozenset(spoken)
        self._last = ""
        self._told = False

    def take(self, transcript: Transcript) -> str:
        """Return the other language, once it is sure; "" otherwise, and ever after."""
        language, probability = transcript.language, transcript.language_probability
        if self._told or not language or probability < SURE:
            return ""
        if language in self._spoken:
            self._last = ""
            return ""
        certain = probability >= CERTAIN and transcript.audio_ms >= LONG_MS
        if not certain and language != self._last:
            self._last = language
            return ""
        self._told = True
        return language
