"""What words alone say: that more is coming, that an answer is complete, that nothing is meant.

English only. Recognised words are lower case, without punctuation, and often wrong at their edges.
"""

from __future__ import annotations

import re

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
    "my number is",
    "the number is",
    "my name is",
    "my address is",
    "my email is",
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

_SMALL_WORDS = frozenset(
    {
        "the", "a", "an", "in", "of", "and", "to", "it", "is", "that", "i", "at", "on",
        "for", "with", "as", "be", "this", "he", "she", "they", "was", "so", "or", "if",
        "are", "by", "his", "from", "her", "its", "their", "there", "then", "than",
        "them", "these", "those", "were", "had",
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

_DIGITS = frozenset(
    {"zero", "oh", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"}
)
_WHOLE_NUMBERS = (10, 11)
"""Digits of a telephone number, without and with the one before it."""
_WRITTEN_NUMBER = re.compile(r"\d{3}\W{0,2}\d{3}\W?\d{4}\W*$")
_FEW_DIGITS = 3
"""So many digits in a row are the beginning of a number that is read out."""

_YES_OR_NO = frozenset(
    {
        "i do", "we do", "i don't", "we don't", "i do not", "we do not", "not yet", "not really",
        "of course", "not at all", "i think so", "i guess so", "it does", "it doesn't",
    }
)  # fmt: skip
_ECHOES = frozenset({"am", "are", "is", "have", "has", "can", "will", "did", "was", "not"})
"""What ends "yes, it is" and "no, we are not"; without the first word, more follows."""
_AMOUNTS = frozenset({"thousand", "million", "grand", "k", "dollars"})
_TIMES = re.compile(
    r"\b(as soon as (possible|i can|we can)|right away|right now|immediately"
    r"|(this|next|in the|by the) (week|month|year|spring|summer|fall|autumn|winter)"
    r"|in (january|february|march|april|may|june|july|august|september|october|november|december)"
    r"|some ?day|later|no hurry|not sure)$"
)

_GREETINGS = frozenset(
    {
        "hello", "hi", "hey", "hello hello", "yes hello", "hello yes", "hi there", "good morning",
        "good afternoon", "good evening", "speaking", "this is he", "this is she",
    }
)  # fmt: skip


def words_of(text: str) -> list[str]:
    """Return the words of a transcript, lower case."""
    return _WORD.findall(text.lower())


def is_back_channel(text: str) -> bool:
    """Return whether the words only say "I am listening"."""
    return " ".join(words_of(text)) in _BACK_CHANNELS


def words_said(text: str) -> int:
    """Return how many words there are, 0 if none of them means anything by itself.

    What a recogniser makes of a murmur or of noise is "the", "in a", "and it".
    """
    words = words_of(text)
    return len(words) if any(word not in _SMALL_WORDS for word in words) else 0


def is_greeting(text: str) -> bool:
    """Return whether the words are what people say when they pick up."""
    return " ".join(words_of(text)) in _GREETINGS


def is_open(text: str) -> bool:
    """Return whether the words say that more is coming, however the voice sounded."""
    words = words_of(text)
    if not words:
        return False
    plain = " ".join(words)
    return (
        words[-1] in _OPEN_ENDS
        or any(plain.endswith(phrase) for phrase in _OPEN_PHRASES)
        or reads_on(text)
    )


def is_soft(text: str) -> bool:
    """Return whether the last word is one that few sentences end with."""
    return (words_of(text) or [""])[-1] in _SOFT_ENDS


def is_closed(text: str, asked: str = "") -> bool:
    """Return whether the words are a complete answer: yes or no, or a number and its unit.

    Args:
        text: the words.
        asked: what kind of answer was asked for, as `agents.interface.Say.expects` has it. What
            would be a beginning elsewhere may be a full answer to a closed question.
    """
    words = words_of(text)
    if not words:
        return False
    if len(words) <= 3 and (words[0] in _CLOSED or words[-1] in _CLOSED):
        return True
    if digits_read(text) in _WHOLE_NUMBERS or _WRITTEN_NUMBER.search(text):
        return True
    if words[-1] in _UNITS and any(_is_number(word) for word in words[-4:-1]):
        return True
    return _answers(words, asked)


def digits_read(text: str) -> int:
    """Return how many digits the words end with that were read out one by one."""
    count = 0
    for word in reversed(words_of(text)):
        if word not in _DIGITS and not (len(word) == 1 and word.isdigit()):
            break
        count += 1
    return count


def reads_on(text: str) -> bool:
    """Return whether a telephone number is being read out that is not complete."""
    return _FEW_DIGITS <= digits_read(text) < _WHOLE_NUMBERS[0]


def _answers(words: list[str], asked: str) -> bool:
    """Return whether the words are all that a closed question asks for."""
    if asked == "yes_no":
        if words[0] in _CLOSED and len(words) <= 4 and words[-1] in _ECHOES:
            return True
        return " ".join(words[-3:]) in _YES_OR_NO or " ".join(words[-2:]) in _YES_OR_NO
    if asked == "count":
        return _is_number(words[-1])
    if asked in ("money", "rent"):
        small = asked == "rent" and words[-1] == "hundred"
        return (words[-1] in _AMOUNTS or small) and any(_is_number(word) for word in words[-5:-1])
    if asked == "months":
        return _TIMES.search(" ".join(words)) is not None
    return False


def _is_number(word: str) -> bool:
    return word in _NUMBERS or word.isdigit()
