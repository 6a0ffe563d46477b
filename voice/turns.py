"""Whose turn is it? What words, voice and silence together say about the end of a turn.

Sound alone cannot tell a finished turn from a pause on a telephone line: the words decide, and a
wrong guess is made good by yielding at once (see `dialogue`). Pure: no clock, no audio, no frames.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_WORD = re.compile(r"[a-z0-9']+")

_FILLERS = frozenset({"um", "uh", "er", "erm", "hm", "hmm", "mm", "well", "like"})

# Words that no English sentence of an answer ends with.
_OPEN_ENDS = (_FILLERS - {"well", "like"}) | {
    "and", "or", "but", "because", "if", "the", "a", "an", "my", "our", "your", "their", "his",
    "from", "between", "maybe", "probably", "it's", "i'm", "we're", "they", "than", "until", "by",
    "i'd", "we'd", "i'll", "we'll", "there's",
}  # fmt: skip

# Words that few end with; but recognisers hear them where there was only a breath.
_SOFT_ENDS = frozenset(
    {
        "well", "like", "so", "that", "is", "are", "was", "has", "have", "had", "with", "to", "of",
        "for", "at", "about", "around", "i", "we", "very", "really", "in", "on",
    }
)  # fmt: skip

_OPEN_PHRASES = (
    "let me see",
    "let me think",
    "give me a second",
    "give me a minute",
    "hold on",
    "hang on",
    "one moment",
    "one second",
    "just a second",
    "just a moment",
    "you know",
    "i mean",
    "how do i say",
)

_CLOSED = frozenset(
    {
        "yes", "yeah", "yep", "yup", "no", "nope", "sure", "okay", "ok", "right", "correct",
        "exactly", "absolutely", "definitely", "goodbye", "bye", "hello", "never",
    }
)  # fmt: skip

_BACK_CHANNELS = frozenset(
    {
        "", "mm", "mhm", "mm hm", "mm hmm", "uh huh", "hm", "hmm", "right", "okay", "ok", "yeah",
        "yes", "yep", "sure", "i see", "got it", "oh", "ah", "aha", "huh", "uh", "um", "alright",
        "all right", "oh okay", "okay okay", "yeah yeah", "right right", "cool", "great", "good",
    }
)  # fmt: skip

_NUMBERS = frozenset(
    {
        "a", "an", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten",
        "eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen",
        "nineteen", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety",
        "hundred", "thousand", "million", "half", "couple", "few",
    }
)  # fmt: skip

# What stands after a number when it is complete. "Hundred" is not: "thousand" may follow.
_UNITS = frozenset(
    {
        "dollars", "dollar", "grand", "bedroom", "bedrooms", "bath", "baths", "bathroom",
        "bathrooms", "day", "days", "week", "weeks", "month", "months", "year", "years", "percent",
        "feet", "acre", "acres", "o'clock", "am", "pm", "minutes", "hours",
    }
)  # fmt: skip

_GREETINGS = frozenset(
    {
        "hello", "hi", "hey", "hello hello", "yes hello", "hello yes", "hi there", "good morning",
        "good afternoon", "good evening", "speaking", "this is he", "this is she",
    }
)  # fmt: skip


CERTAIN = 0.8
"""Above this, Smart Turn is sure that the speaker has finished."""
DOUBTFUL = 0.15
"""Below this, Smart Turn is sure that the speaker goes on."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How much silence ends a turn, in ms since the last voiced sample."""

    closed_ms: int = 0
    """A complete answer: taken as soon as the pause is noticed and the reply is ready."""
    likely_ms: int = 190
    """Understood, and the voice may have finished."""
    doubtful_ms: int = 320
    """Understood, but the voice sounded as if it went on."""
    unsure_ms: int = 620
    """Not understood as an answer yet."""
    soft_ms: int = 620
    """The last word seldom is one, but the voice sounded finished."""
    open_ms: int = 1200
    """The words say that more is coming."""


def words_of(text: str) -> list[str]:
    """Return the words of a transcript, lower case."""
    return _WORD.findall(text.lower())


def is_back_channel(text: str) -> bool:
    """Return whether the words only say "I am listening"."""
    return " ".join(words_of(text)) in _BACK_CHANNELS


def is_greeting(text: str) -> bool:
    """Return whether the words are what people say when they pick up."""
    return " ".join(words_of(text)) in _GREETINGS


def is_open(text: str) -> bool:
    """Return whether the words say that more is coming, however the voice sounded."""
    words = words_of(text)
    if not words:
        return False
    plain = " ".join(words)
    return words[-1] in _OPEN_ENDS or any(plain.endswith(phrase) for phrase in _OPEN_PHRASES)


def is_soft(text: str) -> bool:
    """Return whether the last word is one that few sentences end with."""
    return (words_of(text) or [""])[-1] in _SOFT_ENDS


def is_closed(text: str) -> bool:
    """Return whether the words are a complete answer: yes or no, or a number and its unit."""
    words = words_of(text)
    if not words:
        return False
    if len(words) <= 3 and (words[0] in _CLOSED or words[-1] in _CLOSED):
        return True
    before = words[-4:-1]
    is_number = any(word in _NUMBERS or word.isdigit() for word in before)
    return words[-1] in _UNITS and is_number


def silence_needed_ms(
    text: str,
    *,
    understood: bool | None,
    finished: float | None,
    patience: Patience,
) -> int:
    """Return how long the caller has to be silent for the turn to be over.

    Args:
        text: the words of the turn so far.
        understood: whether the conversation knows what to make of them; None while it thinks.
        finished: how finished the voice sounded (Smart Turn), 0-1; None while unknown.
        patience: the knobs.
    """
    if is_open(text):
        return patience.open_ms
    sounds_finished = (finished or 0.0) >= 0.5
    if is_soft(text):
        certain = understood and (finished or 0.0) >= CERTAIN
        return patience.soft_ms if certain else patience.open_ms
    if is_closed(text) and understood is not False:
        return patience.closed_ms
    if understood is False:
        return patience.unsure_ms if sounds_finished else patience.open_ms
    if understood and finished is not None:
        if sounds_finished:
            return patience.closed_ms
        return patience.likely_ms if finished >= DOUBTFUL else patience.doubtful_ms
    if understood:
        return patience.likely_ms
    return patience.likely_ms if sounds_finished else patience.unsure_ms
