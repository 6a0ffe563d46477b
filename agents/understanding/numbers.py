"""Money, months and rooms out of recognised words. All take normalised words."""

# ruff: noqa: E501  (a pattern is reviewed as one line; folding it hides its alternatives)
from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from typing import Any

from agents.understanding.words import digits

_SCALE: Mapping[str, int] = {
    "k": 1_000,
    "grand": 1_000,
    "thousand": 1_000,
    "1000": 1_000,
    "mil": 1_000_000,
    "million": 1_000_000,
    "m": 1_000_000,
    "millions": 1_000_000,
    "1000000": 1_000_000,
    "bucks": 1,
    "dollars": 1,
    "dollar": 1,
}
_AMOUNT = re.compile(
    r"(?<![\w.:])(\d+(?:\.\d+)?|\.\d+)(?: (k|grand|thousand|mil|million|millions|m|1000000|1000)\b)?"
    r"(?: (\d{1,3})\b(?! ?(?:months?|years?|weeks?|days?|bed|bath|acres?|percent|am\b|pm\b|oclock|minutes?|to\b|or\b|and\b)))?"
    r"(?: ?(thousand|k|grand)\b)?"
    r"(?: (dollars|dollar|bucks))?"
)
_NOT_MONEY = re.compile(
    r"^ ?(month|months|year|years|week|weeks|day|days|bed|beds|bedroom|bedrooms|"
    r"bath|baths|bathroom|bathrooms|percent|am|pm|oclock|acres?|square|sq|rooms?|"
    r"minutes?|hours?|kids|children|times|st|nd|rd|th)\b"
)
_PRICE_RANGE = (10_000, 100_000_000)


_WANTED = re.compile(
    r"\b(?:i|we) (?:would |will |do |am |are )?(?:want|wanting|need|like|take|ask|asking|hope|hoping|expect|say|thinking|figure|figured|settle|shoot)\b"
)


def money_in(words: str, *, expected: bool) -> int | None:
    """Return an amount in USD: "four hundred grand" -> 400000, a range -> its middle.

    With `expected`, a bare "four fifty" is taken as thousands; without, only an amount that can
    be nothing but a price counts.
    """
    if (
        (own := _WANTED.split(words))
        and len(own) > 1
        and (last := money_in(own[-1], expected=expected))
    ):
        return last  # "he got four hundred, I want four fifty"
    if re.search(r"\bhalf a mil(lion)?\b|\bhalf mil(lion)?\b", words):
        return 500_000
    if re.search(r"\b(three quarters of a|three quarter) mil(lion)?\b", words):
        return 750_000
    if re.search(r"\ba quarter (of a )?mil(lion)?\b|\bquarter mil(lion)?\b", words):
        return 250_000
    # "four fifty thousand" is one number, not four and then fifty thousand.
    text = re.sub(r"(?<![\w.:])(\d{1,2}) ([1-9]0|\d[1-9])000\b", r"\1\g<2>000", digits(words))
    if half := re.search(r"\b(\d+) (million|1000000) and (a half|half)\b", text):
        return int(half[1]) * 1_000_000 + 500_000
    if half := re.search(r"\b(1000000|million) and (a half|half)\b", text):
        return 1_500_000
    if expected and (
        half := re.search(
            r"(?<![\w.])(\d) and (?:a )?half\b(?! (?:month|year|hour|bath|acre))", text
        )
    ):
        return int(half[1]) * 100_000 + 50_000 if int(half[1]) > 1 else 1_500_000
    amounts = [
        amount
        for match in _AMOUNT.finditer(text)
        if (amount := _amount(match, text, expected)) is not None
    ]
    if not amounts:
        return _rough_hundreds(words)
    if between := _BETWEEN.search(text):
        low, high = _range(between)
        if _plausible(low) and _plausible(high) and low < high:
            return (low + high) // 2
    return amounts[0]


def _amount(match: re.Match[str], text: str, expected: bool) -> int | None:
    """Return the amount of one match in USD, or None if it is no price."""
    number, unit, tail, late_unit, currency = match.groups()
    if _NOT_MONEY.match(text[match.end() :]):
        return None
    value = float(number)
    if unit:
        value *= _SCALE[unit]
        if tail and int(tail) >= 100 and _SCALE[unit] >= 1_000:
            value += int(tail) * (1 if _SCALE[unit] == 1_000 else 1_000)
    elif tail:  # "4 50" is four fifty, "4 20 5" is not said
        value = value * 100 + int(tail) if int(tail) >= 10 and value < 100 else value
    if late_unit:
        value *= 1_000
    sure = bool(unit or late_unit or currency) or value >= 50_000
    if not sure and not expected:
        return None
    if value < 100 and expected and not unit and not currency:
        return None  # "three" is no price
    if expected and value < 1_000 and not (unit or late_unit):
        value *= 1_000  # prices are said without their thousands
    elif value < 100 and unit is None:
        return None
    return int(value) if _plausible(value) else None


_SIDE = r"(\d+(?:\.\d+)?)(?: (\d{2})\b)?(?: (thousand|k|grand|million|mil|1000000|1000))?"
_BETWEEN = re.compile(
    rf"(?<![\w.]){_SIDE} (?:and|to|or|maybe|dash) (?:maybe |about |even )?{_SIDE}"
)
_HUNDREDS = ("", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
_LEVELS: Mapping[str, int] = {
    "low": 20_000,
    "lower": 20_000,
    "mid": 50_000,
    "middle": 50_000,
    "high": 80_000,
    "upper": 80_000,
}
_ROUGH = re.compile(
    rf"\b(?P<level>{'|'.join(_LEVELS)})(?: (?:to|or) (?P<other>{'|'.join(_LEVELS)}))? (?P<digit>{'|'.join(_HUNDREDS[1:])})"
    r"(?:s|es| hundreds?)\b(?! (?:thousand|\d))"
)


def _rough_hundreds(words: str) -> int | None:
    """Return the price in "the high threes": 380 000."""
    match = _ROUGH.search(words)
    if not match:
        return None
    levels = [_LEVELS[name] for name in (match["level"], match["other"]) if name]
    return _HUNDREDS.index(match["digit"]) * 100_000 + sum(levels) // len(levels)


def _range(match: re.Match[str]) -> tuple[int, int]:
    """Return both ends of "between 4 and 500000", "two to two fifty", in USD."""

    def side(first: int) -> float:
        value, tens, unit = match[first], match[first + 1], match[first + 2]
        number = float(value) * 100 + int(tens) if tens and float(value) < 10 else float(value)
        return number * _SCALE.get(unit or "", 1)

    low, high = side(1), side(4)
    if high < 1_000:
        high *= 1_000
    while 0 < low < high / 10 or (low < high and low * 10 <= high):
        low *= 10
    return int(low), int(high)


def _plausible(value: float) -> bool:
    return _PRICE_RANGE[0] <= value <= _PRICE_RANGE[1]


_PAST = re.compile(
    r"\b(ago|old|for the (last|past)|been|since|built|bought|renovated|remodeled|lived|was|were|had|owned)\b"
)
_SPANS = frozenset({"spring", "summer", "fall", "autumn", "winter"})
"""Seasons that last: "before summer" is a month sooner than "in summer"."""
_NOT_NOW = re.compile(r"\bnot( \w+){0,6} (right now|now|at the moment|this (week|month|year))\b")
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
    words = _NOT_NOW.sub(" ", words)
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


_KINDS: Mapping[str, str] = {
    "house": r"(house|houses|single family( home| house)?|ranch|rancher|bungalow|colonial|cottage|villa|split level|cape cod|tudor|farmhouse|cabin|mansion|chalet)",
    "condo": r"(condo|condos|condominium)",
    "apartment": r"(apartment|apartments|flat|studio|co op|coop|loft|penthouse)",
    "townhouse": r"(townhouse|townhouses|townhome|row house|brownstone)",
    "multi_family": r"(duplex|triplex|fourplex|multi family|multifamily|two family|apartment building)",
    "mobile_home": r"(mobile home|trailer|manufactured home|double wide|doublewide|modular home)",
    "land": r"(vacant lot|empty lot|a lot|land|acreage|parcel|farm)",
}
_STATED = r"\b(it is|that is|this is|we have|i have|we own|i own|got|have|own|is|its|just|a|an|our|bedroom|story|storey|big|small|little|old|nice|selling|sell)"
_BEDROOMS = re.compile(
    r"(?<![\w.:])(\d{1,2})(?: (?:or|to) (\d{1,2}))?(?: \w+)? ?(bed|beds|bedroom|bedrooms|br|bedrm)\b"
)


def property_in(words: str, *, expected: bool) -> dict[str, Any] | None:
    """Return what is said of a home: {"kind": "house", "bedrooms": 3}, either may be missing."""
    text = digits(words)
    found: dict[str, Any] = {}
    if rooms := _BEDROOMS.search(text):
        found["bedrooms"] = int(rooms[1])
    elif expected and (
        bare := re.fullmatch(
            r"(?:\w+ ){0,4}?(\d{1,2})(?: (?:\d|of them|rooms?|i think|i believe|in total|i guess))?",
            text,
        )
    ):
        found["bedrooms"] = int(bare[1])
    kind = _kind_of(words, expected=expected or bool(found))
    if kind:
        found["kind"] = kind
    if re.search(r"\b(a|the|just a) studio\b", words) or words == "studio":
        found["bedrooms"] = 0
    if found.get("bedrooms", 0) > 20:
        del found["bedrooms"]
    return found or None


def _kind_of(words: str, *, expected: bool) -> str | None:
    for kind in ("multi_family", "mobile_home", "townhouse", "condo", "apartment", "land", "house"):
        pattern = _KINDS[kind]
        if kind == "land" and re.search(r"\ba lot (of|more|less|better)\b|\bnot a lot\b", words):
            continue
        before = r"\b" if expected else _STATED + r"( \w+)? "
        if kind == "house" and not expected:
            before = r"\b(it is|that is|this is)( just)? (a |an )(\w+ )?"
        if (match := re.search(before + pattern + r"\b", words)) and not re.search(
            r"\b(not|no) (a |an )?$", words[: match.start()] + " "
        ):
            return kind
    if expected and re.search(r"\b(home|family home)\b", words):
        return "house"
    return None


def count_in(words: str) -> int | None:
    """Return the first whole number said."""
    match = re.search(r"(?<![\w.:])(\d{1,6})(?![\w.:])", digits(words))
    return int(match[1]) if match else None
