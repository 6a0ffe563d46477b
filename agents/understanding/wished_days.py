"""The days of a wish: "Thursday or Friday", "later next week", "not before the tenth"."""

# ruff: noqa: E501  (a pattern is reviewed as one line; folding it hides its alternatives)
from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import date, timedelta

from agents.understanding.times import WEEKDAYS, day_in
from agents.understanding.wish import Wish

BUSINESS, WEEKEND = frozenset(range(5)), frozenset((5, 6))
_FROM = r"(?:after|from|starting|beginning|since|past|following)"
DAY = rf"(?:(?:next|this|coming|on|the) )*(?:{'|'.join(WEEKDAYS)})s?"
DATE = r"(?:the )?\d{1,2}(?:st|nd|rd|th)"


def monday(today: date, weeks: int) -> date:
    """Return the Monday so many weeks from this one."""
    return today + timedelta(days=7 * weeks - today.weekday())


def days_in(text: str, today: date, wish: Wish) -> Wish:
    """Return the wish with the days named in it."""
    if ranged := _day_range(text, today):
        first, last = ranged
        weekdays = _weekdays(text)
        return replace(wish, first=first, last=last, weekdays=weekdays)
    single = re.search(r"\bday after tomorrow\b|\b(a|1|one) week from\b", text)
    if not single and (
        bounded := re.search(
            rf"\b(?P<side>{_FROM}|before|by|until|till|through)(?: on)? (?P<day>{DAY}|tomorrow|{DATE}|(?:the )?(?:weekend|holidays?)|christmas|thanksgiving|new years?|(?:january|february|march|april|may|june|july|august|september|october|november|december) {DATE})\b",
            text,
        )
    ):
        return _bounded(bounded, text, today, wish)
    every = {n for n, name in enumerate(WEEKDAYS) if re.search(rf"\b{name}s\b", text)}
    if re.search(r"\b(weekends|(a|on the|the|this|next|any) weekend|weekends? only)\b", text):
        if re.search(r"\b(this|the|next) weekend\b", text):
            saturday = today + timedelta(days=(5 - today.weekday()) % 7)
            if re.search(r"\bnext weekend\b", text) and today.weekday() < 5:
                saturday += timedelta(days=0 if today.weekday() >= 4 else 7)
            return replace(wish, days=frozenset((saturday, saturday + timedelta(days=1))))
        every |= WEEKEND
    if re.search(r"\b(weekdays?|during the week)\b", text):
        every |= BUSINESS
    if every:
        return replace(wish, weekdays=frozenset(every))
    named = {
        found
        for part in re.split(r"\b(?:or|and|but|then|maybe|either|can|could|move|rather)\b|;", text)
        if (found := day_in(part, today))
    }
    return replace(wish, days=frozenset(named)) if named else wish


def _weekdays(text: str) -> frozenset[int]:
    return frozenset(n for n, name in enumerate(WEEKDAYS) if re.search(rf"\b{name}s?\b", text))


def _bounded(match: re.Match[str], text: str, today: date, wish: Wish) -> Wish:
    side, what = match["side"], match["day"]
    day = _holiday(what, today) or day_in(what, today)
    if "weekend" in what:
        day = today + timedelta(days=(6 - today.weekday()) % 7)
    if day is None:
        return wish
    if side in ("before", "until", "till") and re.search(
        r"\b(not|nothing|no|away|gone|busy|out|tied up|traveling|travelling|back)( \w+){0,4} (before|until|till)\b",
        text,
    ):
        return replace(wish, first=day)
    if side == "through":
        return replace(wish, first=day + timedelta(days=1))
    if side == "by":
        return replace(wish, last=day)
    if side in ("before", "until", "till"):
        return replace(wish, last=day - timedelta(days=1))
    on_it = side in ("from", "starting", "beginning", "since")
    return replace(wish, first=day if on_it else day + timedelta(days=1))


_HOLIDAYS: Mapping[str, tuple[int, int]] = {
    "christmas": (12, 26),
    "holiday": (1, 2),
    "new year": (1, 2),
}


def _holiday(what: str, today: date) -> date | None:
    """Return the last day of a holiday, the next one of that name."""
    if "thanksgiving" in what:
        for year in (today.year, today.year + 1):
            first = date(year, 11, 1)
            day = first + timedelta(days=(3 - first.weekday()) % 7 + 21)
            if day >= today:
                return day
    for name, (month, number) in _HOLIDAYS.items():
        if name in what:
            day = date(today.year, month, number)
            return day if day > today else day.replace(year=today.year + 1)
    return None


_WEEKS_ON = re.compile(
    r"\b(?:in|about) (?:about |maybe |like )?(\d+) weeks?\b|\b(\d+) weeks? (?:from (?:now|today)|out|away)\b"
)


def _day_range(text: str, today: date) -> tuple[date, date] | None:
    """Return the first and last day of a span such as "later next week" or "in two weeks"."""
    weeks: int | None = None
    if re.search(
        r"\b(week after next|week after that|week after (this )?next|the following week after|week following next)\b",
        text,
    ):
        weeks = 2
    elif match := _WEEKS_ON.search(text):
        weeks = min(int(match[1] or match[2]), 12)
    elif re.search(
        r"\b(next|following|coming) week\b|\bweek after( this)?\b|\ba week from\b", text
    ):
        weeks = 1
    elif re.search(r"\b(this|the|in the|during the|of the) week\b(?!end)", text) and not re.search(
        r"\bduring the week\b", text
    ):
        weeks = 0
    if re.search(r"\bnext month\b", text):
        first = (today.replace(day=1) + timedelta(days=32)).replace(day=1)
        return first, (first + timedelta(days=31)).replace(day=1) - timedelta(days=1)
    if re.search(r"\b(end|last week|latter part) of (the|this) month\b", text):
        last = (today.replace(day=1) + timedelta(days=32)).replace(day=1) - timedelta(days=1)
        return last - timedelta(days=8), last
    if re.search(r"\bin a (few|couple|three|3|2)( of)? days\b|\bin (2|3|4) days\b", text):
        return today + timedelta(days=2), today + timedelta(days=6)
    if weeks is None:
        return None
    begins = monday(today, weeks)
    first, last = begins, begins + timedelta(days=6)
    if re.search(r"\b(later|late|end|latter|towards? the end|back half)\b(?! than)", text):
        first = begins + timedelta(days=3)
        last = begins + timedelta(days=5)
        if weeks == 0 and today >= first:
            first = today + timedelta(days=1)
            last = max(first, begins + timedelta(days=6))
    elif re.search(r"\b(early|beginning|start|first (part|half|thing)|front half|earlier)\b", text):
        last = begins + timedelta(days=1)
    elif re.search(r"\b(middle|mid)\b", text):
        first, last = begins + timedelta(days=1), begins + timedelta(days=3)
    return max(first, today), last
