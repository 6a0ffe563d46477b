"""Prices in USD out of recognised words: "four hundred grand", "in the high threes", "half a million"."""

# ruff: noqa: E501  (a pattern is reviewed as one line; folding it hides its alternatives)
from __future__ import annotations

import re
from collections.abc import Mapping

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
    r"(?: (\d{1,3})\b(?! ?(?:months?|years?|weeks?|days?|bed|bath|acres?|percent|am\b|pm\b|oclock|minutes?|to\b|or\b(?! so)|and\b)))?"
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


_CHANGED = re.compile(
    r"\b(?:nah|no wait|wait no|no no|no make (?:it|that)|scratch that|just kidding|kidding|or rather|haha|ha no)\b"
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
    if (
        (said := _CHANGED.split(words))
        and len(said) > 1
        and (meant := money_in(said[-1], expected=expected))
    ):
        return meant  # "a million! nah, three fifty"
    if re.search(r"\bhalf a mil(lion)?\b|\bhalf mil(lion)?\b", words):
        return 500_000
    if re.search(r"\b(three quarters of a|three quarter) mil(lion)?\b", words):
        return 750_000
    if re.search(r"\ba quarter (of a )?mil(lion)?\b|\bquarter mil(lion)?\b", words):
        return 250_000
    # "four fifty thousand" is one number, not four and then fifty thousand.
    text = re.sub(r"(?<![\w.:])(\d{1,2}) ([1-9]0|\d[1-9])000\b", r"\1\g<2>000", digits(words))
    text = _HUNDREDS_UNSAID.sub(_with_hundreds, text)
    if expected:
        text = _MILLION_UNSAID.sub(r"\1 million", text)
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
    if expected and (
        part := re.search(r"(?<![\w.])(\d) and (?:a )?(quarter|three quarters)\b", text)
    ):
        return int(part[1]) * 100_000 + (25_000 if part[2] == "quarter" else 75_000)
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


_HUNDREDS_UNSAID = re.compile(r"\b([1-9]0{5})([1-9])(?: (\d0))?\b(?! (?:\d|dollars|bucks))")
""""A million two", "a million one fifty" as digits: 1000002, 1000001 50."""
_MILLION_UNSAID = re.compile(
    r"(?<![\w.])([1-9]\.\d{1,2})\b(?! (?:million|mil|m|k|grand|thousand|percent|acres?|baths?|beds?|years?|hours?)\b)"
)
""""One point three", of a house."""


def _with_hundreds(match: re.Match[str]) -> str:
    millions, hundreds, tens = match.groups()
    return str(int(millions) * 10 + int(hundreds) * 100_000 + int(tens or 0) * 1_000)


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
