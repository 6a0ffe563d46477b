"""How long from now, in months, out of recognised words: "by next summer", "in six weeks"."""

# ruff: noqa: E501  (a pattern is reviewed as one line; folding it hides its alternatives)
from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date

from agents.understanding.words import digits

_PAST = re.compile(
    r"\b(saved( up)?|saving up|waited|waiting|spent|took|ago|old|for the (last|past)|been|since|built|bought|renovated|remodeled|lived|was|were|had|owned)\b"
)
_SPANS = frozenset({"spring", "summer", "fall", "autumn", "winter"})
"""Seasons that last: "before summer" is a month sooner than "in summer"."""
_NOT_NOW = re.compile(r"\bnot( \w+){0,6} (right now|now|at the moment|this (week|month|year))\b")
_NOT_THAT = re.compile(
    r"\bnot (?:in |for )?(?:\w+ ){1,2}(?:days?|weeks?|months?|years?)\b(?= .*\b(?:days?|weeks?|months?|years?)\b)"
)
"""What is put right: "not six months, it is a year"."""
MOST_MONTHS = 120
"""Beyond that it is no plan but a story."""
_SPAN = re.compile(
    r"(?<![\w.:])(\d+(?:\.\d+)?)( and a half)?(?: (?:to|or|and|maybe|2) (\d+))? ?"
    r"(day|days|week|weeks|month|months|year|years|mos|yrs|yr)\b( and a half)?"
)
_IN_MONTHS: Mapping[str, float] = {
    "day": 1 / 30,
    "week": 7 / 30,
    "month": 1,
    "mo": 1,
    "year": 12,
    "yr": 12,
}
_MONTHS = (
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
)
_NAMES_A_MONTH = re.compile(rf"\b({'|'.join(name for name in _MONTHS if name != 'may')})\b")
_SEASONS: Mapping[str, int] = {
    "spring": 4,
    "summer": 7,
    "fall": 10,
    "autumn": 10,
    "winter": 12,
    "christmas": 12,
    "thanksgiving": 11,
    "easter": 4,
    "holidays": 12,
    "new year": 1,
    "school": 6,
    "labor day": 9,
    "memorial day": 5,
}
_NOW = re.compile(
    r"\b(as soon as (possible|i can|we can)|asap|a s a p|right away|straight away|immediately|"
    r"(sooner|soon) the better|the sooner|quickly|yesterday|ready (now|to go)|very soon|real soon|"
    r"pretty soon|(pretty|very|real|super) (quick|fast)|soon as|right now|this week|next week|this month|any ?(time|day) now|urgent(ly)?|"
    r"in a hurry|fast as|at once|(is|sits|stands|already) (empty|vacant))\b"
)
_FAR = re.compile(
    r"\b(someday|some day|eventually|no (rush|hurry)|whenever|not for a while|not in a (rush|hurry)|down the "
    r"(road|line)|far away|in the future|long time)\b"
)


def months_in(words: str, *, today: date, expected: bool) -> int | None:
    """Return in how many months from `today`: 0 is at once, a range counts to its end."""
    if expected and re.search(r"\bnot this year\b", words):
        return 13 - today.month
    words = _NOT_THAT.sub(" ", _NOT_NOW.sub(" ", words))
    text = digits(words)
    if re.search(r"\b(next|a|this|within the|in the)? ?half (a |of a )?year\b", words):
        return 6
    if re.search(r"\b(within|inside|over|in) (the|this|a|the next|the coming) year\b", words):
        return 12
    if not _PAST.search(words):
        spans = [
            _months_of(match)
            for match in _SPAN.finditer(text)
            if not re.match(r" (ago|old)\b", text[match.end() :])
        ]
        if spans and spans[-1] <= MOST_MONTHS:
            return max(0, round(spans[-1]))
    begins = re.search(r"\b(starting|beginning|available|free)\b", words)
    if (
        expected
        or begins
        or re.search(
            r"\b(sell|move|moving|list|gone|out|buy|rent|lease|need)\b",
            words,
        )
    ):
        if (calendar := _calendar_months(words, today)) is not None:
            return calendar
        if _NOW.search(words) or (expected and re.search(r"^(\w+ ){0,3}(now|today|soon)\b", words)):
            return 0
        if _FAR.search(words):
            return 24
    if not expected or re.search(r"\bago\b", words):
        return None
    bare = re.search(
        r"(?<!\bat )(?<![\w.:])(\d{1,2})(?: (?:to|or) (\d{1,2}))?(?![\w.:]| ?\d| ?(?:bed|bath|room))",
        text,
    )
    value = int(bare[2] or bare[1]) if bare else None
    return value if value is not None and value <= 36 else None


def _months_of(match: re.Match[str]) -> float:
    unit = match[4].rstrip("s")
    value = float(match[3] or match[1])
    if match[2] or match[5]:
        value += 0.5
    return value * _IN_MONTHS[unit]


def _calendar_months(words: str, today: date) -> int | None:
    """Return the months to "next year", "in the spring", "by June", "the end of the year"."""
    if re.search(r"\bnot (until |till )?(this|next) year\b", words):
        return 13 - today.month
    if re.search(r"\b(end of (the|this) year|later this year|this year|year end)\b", words):
        return max(0, 12 - today.month)
    if re.search(r"\b(next year|new year|beginning of the year|early next year)\b", words):
        return 13 - today.month
    if re.search(r"\bnext month\b", words):
        return 1
    for name, month in _SEASONS.items():
        if name == "school" and _NAMES_A_MONTH.search(words):
            continue  # "before school starts in August"
        if re.search(
            rf"\b(in|by|before|after|this|next|the|around|over|come|until|for|during) (the )?(early |late |end of )?{name}\b",
            words,
        ):
            earlier = name in _SPANS and re.search(rf"\bbefore (the )?{name}\b", words)
            return max(0, (month - today.month) % 12 - (1 if earlier else 0))
    for number, name in enumerate(_MONTHS, 1):
        if (name != "may" and re.search(rf"\b{name}\b", words)) or re.search(
            rf"\b(in|by|before|until|around|this|next|of|till) (early |late |mid )?{name}\b", words
        ):
            return (number - today.month) % 12
    return None
