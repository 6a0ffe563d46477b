"""Words as Whisper writes them, and which of them will stay.

Whisper hears a growing utterance from its start again and again. What two hearings in a row agree
on, from the first word, is kept (LocalAgreement-2: Macháček, Dabre and Bojar, 2023); the rest may
still change with what comes.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

_AROUND_WORDS: Final = " \t\r\n.,!?;:\"'“”‘’«»…-–—()[]{}*_~/¿¡♪"
MOST_REPEATS: Final = 2
LONGEST_REPEATED: Final = 8


def plain_words(text: str) -> tuple[str, ...]:
    """Return the words of a text in lower case, without the punctuation around them.

    What stands inside a word stays: "don't", "$450,000", "3:30".
    """
    bare = (word.strip(_AROUND_WORDS) for word in text.lower().replace("’", "'").split())
    return tuple(word for word in bare if word)


def common_start(one: Sequence[str], other: Sequence[str]) -> tuple[str, ...]:
    """Return the words that both begin with."""
    for at, (a, b) in enumerate(zip(one, other, strict=False)):
        if a != b:
            return tuple(one[:at])
    return tuple(one[: min(len(one), len(other))])


def kept_of_repeats(words: Sequence[str]) -> list[int]:
    """Return the places of the words that stay when a phrase in a loop is said twice at most.

    A recogniser that has lost the thread repeats a phrase until it has no room left. A caller who
    says "stop" five times has said it twice as well.
    """
    kept = list(range(len(words)))
    for size in range(1, LONGEST_REPEATED + 1):
        at = 0
        while at + size * (MOST_REPEATS + 1) <= len(kept):
            phrase = [words[place] for place in kept[at : at + size]]
            end = at + size
            while [words[place] for place in kept[end : end + size]] == phrase:
                end += size
            if (end - at) // size > MOST_REPEATS:
                del kept[at + size * MOST_REPEATS : end]
            at += 1
    return kept


class StablePrefix:
    """The words of an utterance that will stay; they are never taken back."""

    def __init__(self) -> None:
        self.words: tuple[str, ...] = ()
        self._last: tuple[str, ...] = ()

    def add(self, hearing: Iterable[str]) -> tuple[str, ...]:
        """Return the words that stay now that there is another hearing of all the audio so far."""
        words = tuple(hearing)
        agreed = common_start(self._last, words)
        self._last = words
        if len(agreed) > len(self.words) and agreed[: len(self.words)] == self.words:
            self.words = agreed
        return self.words
