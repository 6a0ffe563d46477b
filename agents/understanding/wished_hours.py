"""Bounds on the time of day in a wish: "after five", "between nine and noon", "I get off at four"."""

# ruff: noqa: E501  (a pattern is reviewed as one line; folding it hides its alternatives)
from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import time

from agents.understanding.times import Clock
from agents.understanding.wish import Wish

NOON, END = time(12), time(23, 59)

BOUND_WORDS = re.compile(
    r"\b(?:(?:no|not|nothing|anything|never) )?(?:(?:earlier|sooner|later) than|before|after|past|until|till|by|from|between|starting)\b(?: (?:about|around|like|at))? \d{1,2}(?::\d\d)?(?: (?:am|pm|oclock))?(?: (?:and|to|until|till) \d{1,2}(?::\d\d)?(?: (?:am|pm|oclock))?)?"
)
_CLOCK = r"(\d{1,2})(?::(\d\d))?(?: ?(am|pm|oclock))?(?! ?(?:st|nd|rd|th|days?|weeks?|months?|minutes?|hours?|\d))\b"
_AFTER = re.compile(
    rf"\b(?:(?:not|no|nothing|never|but not)(?: (?:anything|any))? (?:before|earlier than|sooner than|until|till)|after|past|from|(?<!no )(?<!not )later than|starting(?: at)?|beginning(?: at)?|anytime after|free at)(?: (?:about|around|like|at))? {_CLOCK}(?! (?:to|and|until|till) \d)"
)
_BEFORE = re.compile(
    rf"\b(?:(?:not|no|nothing|never|but not)(?: (?:anything|any))? (?:after|later than|past)|(?<!not )(?<!nothing )(?<!no )before|(?<!no )(?<!not )earlier than|by|no later than|until|till)(?: (?:about|around|like|at))? {_CLOCK}"
)
_BETWEEN = re.compile(rf"\b(?:between|from) {_CLOCK} (?:and|to|until|till) {_CLOCK}")
_OFF_WORK = re.compile(
    rf"\b(?:get off|off work|off|done|finish|finished|home|out|free|get home|get out|(?:at|in|have) (?:work|school|class)|working|work|busy|tied up)(?: (?:of|from|work|working|school))*(?: (?:at|by|until|till|around|about))+ {_CLOCK}"
)
_NOON_BOUND = re.compile(
    r"\b(?P<not>not |nothing |never |no )?(?P<side>before|after|by|until)(?: (?:about|around))? (?P<what>lunch|lunchtime|dinner|dark|work|school)\b"
)
_LANDMARKS: Mapping[str, time] = {
    "lunch": time(13),
    "lunchtime": time(13),
    "dinner": time(18),
    "dark": time(18),
    "work": time(17),
    "school": time(15),
}


def bounds_in(text: str) -> Wish | None:
    """Return a wish for hours after, before or between times of day."""
    text = re.sub(r"\b(noon|midday)\b", "12:00 pm", text)
    if match := _BETWEEN.search(text):
        begins, ends = _time(match, 1), _time(match, 4)
        if begins and ends:
            if ends <= begins and begins.hour >= 12 and ends.hour < 12:
                ends = ends.replace(hour=ends.hour + 12)
            if (
                begins.hour < 12 <= ends.hour
                and not match[3]
                and match[6] == "pm"
                and int(match[1]) < 8
            ):
                begins = begins.replace(hour=int(match[1]) % 12 + 12)
            return Wish(hours=(begins, ends)) if begins < ends else None
    hours: tuple[time | None, time | None] = (None, None)
    if (match := _AFTER.search(text)) and (begins := _time(match, 1)):
        hours = (begins, hours[1])
    if (match := _BEFORE.search(text)) and (ends := _time(match, 1)):
        hours = (hours[0], ends)
    if match := _OFF_WORK.search(text):
        ends = _time(match, 1)
        hours = (ends or hours[0], hours[1])
    for found in _NOON_BOUND.finditer(text):
        at = _LANDMARKS[found["what"]]
        later = (found["side"] == "after") != bool(found["not"])
        if later:
            hours = (at, hours[1])
        else:
            hours = (hours[0], NOON if found["what"].startswith("lunch") else at)
    if hours == (None, None):
        return None
    if hours[0] and hours[1] and hours[1] <= hours[0]:
        hours = (hours[0], None)
    return Wish(hours=(hours[0] or time(0), hours[1] or END))


def _time(match: re.Match[str], group: int) -> time | None:
    hour, minute, half = int(match[group]), int(match[group + 1] or 0), match[group + 2] or ""
    if hour > 23 or minute > 59:
        return None
    return time(Clock(hour, minute, "" if half == "oclock" else half).on_24h(), minute)
