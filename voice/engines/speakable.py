"""Written text as it is read aloud, for voices that read digits and symbols badly."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

_DIGITS: Final = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]
_TAG = re.compile(r"</?[A-Za-z][^<>]*>")
_MONEY = re.compile(
    r"\$\s?(\d[\d,]*)(?:\.(\d+))?(?:\s?(k|m|b)\b|\s+(thousand|million|billion)\b)?", re.IGNORECASE
)
_TELEPHONE = re.compile(
    r"(?<![\d$.,-])(?:\+?1[\s.-]?)?\(?(\d{3})\)?[\s.-](\d{3})[\s.-](\d{4})(?![\d-])"
    r"|(?<![\d$.,-])(\d{3})-(\d{4})(?![\d-])|(?<!\w)\+(\d{7,15})\b"
)
# The stop of "p.m." ends the sentence only at the end of the text, that of "PM." nearly always.
_HALF = r"([ap])(?:\.\s?m\b(?:\.(?=\s*\S))?|m\b(?:\.(?=\s*(?-i:[a-z])))?)"
_TIME = re.compile(r"\b(\d{1,2}):(\d{2})(?:\s?" + _HALF + ")?", re.IGNORECASE)
_HOUR = re.compile(r"\b(\d{1,2})\s?" + _HALF, re.IGNORECASE)
_RANGE = re.compile(r"(?<=\d)\s?[–—-]\s?(?=\d)")
_SCALES: Final = {"k": "thousand", "m": "million", "b": "billion"}
_WORDS: Final = (
    (re.compile(r"\bsq\.?\s?ft\b\.?", re.IGNORECASE), "square feet"),
    (re.compile(r"\b(\d+)\s?[-\s]?br\b", re.IGNORECASE), r"\1 bedroom"),
    (re.compile(r"(?<=[A-Za-z]\s)St\.(?=\s*(?:,|$|[a-z]))"), "Street"),
    (re.compile(r"(?<=[A-Za-z]\s)Ave\b\.?"), "Avenue"),
    (re.compile(r"(?<=[A-Za-z]\s)Blvd\b\.?"), "Boulevard"),
    (re.compile(r"(?<=[A-Za-z]\s)Rd\b\.?"), "Road"),
    (re.compile(r"\bAI\b"), "A.I."),
    (re.compile(r"\s*&\s*"), " and "),
)


def speakable(text: str) -> str:
    """Return the text with money, times and telephone numbers in words, and no markup.

    Sentence punctuation stays: voices take their melody and pauses from it.
    """
    text = unicodedata.normalize("NFKC", text)
    text = _TAG.sub(" ", text).replace("<", " ").replace(">", " ")
    text = "".join(
        " " if unicodedata.category(char) in ("Cc", "Cf", "So", "Co") else char for char in text
    )
    text = re.sub(r"[*_#`|~\\{}\[\]^]+", " ", text)
    text = _MONEY.sub(_money, text)
    text = _TELEPHONE.sub(_telephone, text)
    text = _TIME.sub(_time, text)
    text = _HOUR.sub(lambda match: f"{match[1]} {match[2].upper()}M", text)
    text = _RANGE.sub(" to ", text)
    for pattern, words in _WORDS:
        text = pattern.sub(words, text)
    text = re.sub(r"\s+", " ", text).strip()
    return text if any(char.isalnum() for char in text) else ""


def _money(match: re.Match[str]) -> str:
    whole, fraction, short, scale = match[1], match[2], match[3], match[4]
    scale = _SCALES[short.lower()] if short else scale
    if scale:
        return f"{whole}{'.' + fraction if fraction else ''} {scale} dollars"
    amount = f"{whole} dollar" + ("" if whole == "1" else "s")
    if fraction and int(fraction):
        cents = int(fraction[:2].ljust(2, "0"))
        amount += f" and {cents} cent" + ("" if cents == 1 else "s")
    return amount


def _telephone(match: re.Match[str]) -> str:
    groups = [group for group in match.groups() if group]
    return ", ".join(" ".join(_DIGITS[int(digit)] for digit in group) for group in groups)


def _time(match: re.Match[str]) -> str:
    hour, minute, half = match[1], match[2], match[3]
    if int(hour) > 24 or int(minute) > 59:
        return match[0]
    suffix = f" {half.upper()}M" if half else ""
    if minute == "00":
        return hour + (suffix or " o'clock")
    spoken = f"oh {int(minute)}" if minute[0] == "0" else minute
    return f"{hour} {spoken}{suffix}"
