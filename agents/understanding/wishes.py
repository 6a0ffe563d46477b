"""When a lead would like to meet: days and hours that suit, and those that do not.

"Later in the week, after five, just not Thursday" is one wish. All take normalised words and the
lead's own zone, so that a day is the lead's day whatever the clocks do.
"""

# ruff: noqa: E501  (a pattern is reviewed as one line; folding it hides its alternatives)
from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from agents.understanding.times import WEEKDAYS, Clock, clock_in, day_in, on_the_clock
from agents.understanding.wish import Hours, Wish
from agents.understanding.wished_days import BUSINESS, DATE, DAY, WEEKEND, days_in, monday
from agents.understanding.wished_hours import BOUND_WORDS, END, NOON, bounds_in

PARTS: Mapping[str, Hours] = {
    "first thing": (time(7), time(10)),
    "early morning": (time(7), time(10)),
    "late morning": (time(10), NOON),
    "mid morning": (time(9, 30), time(11, 30)),
    "morning": (time(7), NOON),
    "lunch": (time(11, 30), time(13, 30)),
    "noon": (NOON, time(13)),
    "midday": (time(11), time(14)),
    "early afternoon": (NOON, time(15)),
    "late afternoon": (time(15), time(18)),
    "mid afternoon": (time(13, 30), time(16)),
    "afternoon": (NOON, time(17)),
    "after work": (time(17), time(21)),
    "after school": (time(15), time(21)),
    "early evening": (time(17), time(19)),
    "evening": (time(17), time(21)),
    "night": (time(18), time(21)),
    "dinner": (time(17), time(20)),
}
_NIGHT_NOW = re.compile(r"\btonight\b")

_UNIT = (
    rf"(?:{DAY}|tomorrow|today|tonight|weekends?|(?:the|this|next) weekend|weekdays?|this week|next week|"
    rf"(?:(?:in )?the |early |late |this |tomorrow )*(?:mornings?|afternoons?|evenings?|nights?)|{DATE})"
)
_UNITS = rf"{_UNIT}(?: (?:or|and|nor) (?:on )?{_UNIT})*"
_REFUSED = (
    re.compile(
        rf"\b(?:not|except(?: for)?|but not|anything but|any day but|any time but|other than|besides|apart from|never|avoid|(?:no|neither)(?! \w+ (?:at|around|after|before|instead|please|then|could|can|might|sounds)\b)|"
        rf"can not|(?:can|could|would|do) not (?:do|make|manage|like|want)(?: it)?)(?: (?:on|in|for|either|either one|this(?! week)|available|free|good|do))* (?P<unit>{_UNITS})\b"
        r"(?! (?:is|are|would be|works?|if|only))"
    ),
    re.compile(
        rf"\b(?P<unit>{_UNITS}) (?:is|are|will be|would be|is going to be|looks?|seems?|gets?|might be)? ?(?:just |really |always |usually |pretty |kind of |a bit |a little )*"
        r"(?:no good|bad|out|not good|not great|not possible|impossible|too (?:busy|early|late|soon)|busy|booked|terrible|tough|hard|full|hectic|awful|no go|not ideal|a mess|crazy|my busy day)\b"
    ),
    re.compile(
        rf"\b(?P<unit>{_UNITS}) (?:does|do|will|would|can|is|are)(?: \w+)? not(?: (?:really|quite))?(?: (?:work|suit|good|do|fit|possible|great|fine|happen(?:ing)?|ideal))?\b"
    ),
    re.compile(
        rf"\b(?:i|we|i am|we are)(?: (?:have|got|am|are|will be|usually|always))* (?:busy|working|work|away|gone|booked(?: up)?|out(?: of town)?|traveling|travelling|"
        rf"at work|tied up|not (?:here|free|available|home|around)|class(?:es)?|church|practice|appointments?)(?: (?:on|in|all|every|all day))* (?P<unit>{_UNITS})\b"
    ),
)


_COME_BY = re.compile(
    r"\b(come|comes|coming|stop|stops|swing|drop|pop|be) (?:by|over|round|around|out)\b"
)
"""Somebody comes by on Thursday, not by Thursday."""


def wish_in(
    words: str,
    *,
    now: datetime,
    zone: ZoneInfo,
    offered: Sequence[datetime] = (),
    anchor: datetime | None = None,
) -> Wish:
    """Return what the words wish of a time.

    Args:
        words: normalised.
        offered: the times on offer, for "something later than that".
        anchor: the time that is to be changed, for "an hour later" and "the same time on Friday".
    """
    today = now.astimezone(zone).date()
    words = _COME_BY.sub(r"\1", words)
    words = re.sub(
        rf"\b({'|'.join(WEEKDAYS)}|tomorrow|today|morning|afternoon|evening)'s\b", r"\1 is", words
    )
    text, refused = _refused(on_the_clock(words), today)
    wish = bounds_in(text) or Wish()
    text = BOUND_WORDS.sub(" ", text) if wish else text
    wish = days_in(text, today, wish)
    if anchor and len(wish.days) > 1:  # "I am booked tomorrow, can we do Thursday": not tomorrow
        wish = replace(wish, days=wish.days - {anchor.astimezone(zone).date()})
    wish = _hours(text, wish, today)
    wish = replace(
        wish,
        not_days=wish.not_days | refused.not_days,
        not_weekdays=wish.not_weekdays | refused.not_weekdays,
        not_hours=(*wish.not_hours, *refused.not_hours),
    )
    if wish.days and wish.days <= wish.not_days and refused.not_hours == ():
        wish = replace(wish, days=frozenset())
    return _relative(words, wish, offered, anchor, zone)


def _refused(text: str, today: date) -> tuple[str, Wish]:
    """Return the words without what is refused in them, and what that is."""
    wish = Wish()
    for pattern in _REFUSED:
        while match := pattern.search(text):
            unit = match["unit"]
            hours = tuple(
                span for name, span in PARTS.items() if re.search(rf"\b{name}s?\b", unit)
            )[:1]
            weekdays = {
                number for number, name in enumerate(WEEKDAYS) if re.search(rf"\b{name}s?\b", unit)
            }
            days: set[date] = set()
            if re.search(r"\bweekends?\b", unit):
                weekdays |= WEEKEND
            if re.search(r"\bweekdays?\b", unit):
                weekdays |= BUSINESS
            for each in re.split(r"\b(?:or|and|nor)\b", unit):
                if re.search(r"\b(tomorrow|today|tonight|\d{1,2}(st|nd|rd|th))\b", each) and (
                    found := day_in(each, today)
                ):
                    days.add(found)
            if re.search(r"\bthis week\b", unit):
                wish = replace(wish, first=monday(today, 1))
                days |= {today + timedelta(days=n) for n in range(7 - today.weekday())}
            if re.search(r"\bnext week\b", unit):
                days |= {monday(today, 1) + timedelta(days=n) for n in range(7)}
            # "Not tomorrow morning" leaves the rest of tomorrow.
            whole = not hours or not (days or weekdays)
            wish = replace(
                wish,
                not_days=wish.not_days | (frozenset(days) if not hours else frozenset()),
                not_weekdays=wish.not_weekdays
                | (frozenset(weekdays) if not hours else frozenset()),
                not_hours=(*wish.not_hours, *(hours if whole else ())),
            )
            text = f"{text[: match.start()]} ; {text[match.end() :]}"
    return " ".join(text.split()), wish


def _hours(text: str, wish: Wish, today: date) -> Wish:
    """Return the wish with the part of the day, or the time, named in it."""
    if wish.hours:
        return wish
    if _NIGHT_NOW.search(text):
        return replace(wish, days=wish.days or frozenset((today,)), hours=PARTS["evening"])
    clock = clock_in(text)
    text = text.replace("1st thing", "first thing")
    name = next((each for each in PARTS if re.search(rf"\b{each}s?\b", text)), None)
    if clock is not None and name is not None and not clock.half:
        clock = Clock(
            clock.on_24h(name) % 12 or 12, clock.minute, "pm" if clock.on_24h(name) >= 12 else "am"
        )
    if clock is not None:
        about = bool(
            re.search(
                r"\b(around|(?<!how )(?<!what )about|ish|ballpark|roughly|sometime|or so|or later|or after)\b",
                text,
            )
        )
        if re.search(r"\bor (later|after)\b", text):
            return replace(wish, hours=(time(clock.on_24h(), clock.minute), END))
        if re.search(r"\bor (earlier|before)\b", text):
            return replace(wish, hours=(time(0), time(clock.on_24h(), clock.minute + 1)))
        return replace(wish, clock=clock, about=about)
    if name is not None:
        return replace(wish, hours=PARTS[name])
    return wish


_SHIFT = re.compile(
    r"\b(half an|an|one|a|a couple of|couple|\d+) (hours?|minutes?|days?|weeks?) (later|earlier|sooner|after|before|back|forward)\b"
)
_PUSH = re.compile(
    r"\b(push|move|bump|shift)( it| that| us| me)?( back| out| up| forward)?( by)? (half an|an|one|a|\d+) (hours?|minutes?|days?|weeks?)\b"
)


_COMPARED = re.compile(
    r"\b(something|anything|a bit|a little|little|bit|any|much|one|times?|even|somewhat|have|got) (later|earlier|sooner)\b|"
    r"\b(later|earlier|sooner) (please|times?|slots?|ones|then|possible|if possible|would)\b|^(?!the )(\w+ )?(later|earlier|sooner)( (?!one\b)\w+)?$|"
    r"\b(later|earlier) (in|on|that) (the )?day\b|(?<!the )\bsooner\b(?! or)"
)


def _relative(
    words: str, wish: Wish, offered: Sequence[datetime], anchor: datetime | None, zone: ZoneInfo
) -> Wish:
    """Return the wish with what is said in relation to times already named."""
    base = anchor or (offered[0] if offered else None)
    if re.search(r"\b(as soon as|soonest|first available|asap|earliest|quick as)\b", words):
        return replace(wish, soonest=True)
    if base is None:
        return wish
    local = base.astimezone(zone)
    shift = _SHIFT.search(words) or _PUSH.search(words)
    if shift and not wish.clock:
        amount, unit = (shift[1], shift[2]) if shift.re is _SHIFT else (shift[5], shift[6])
        count = {"half an": 0.5, "an": 1, "one": 1, "a": 1, "a couple of": 2, "couple": 2}.get(
            amount
        )
        count = float(amount) if count is None else count
        span = timedelta(**{unit.rstrip("s") + "s": count})
        back = re.search(r"\b(earlier|sooner|before|forward|up)\b", shift[0]) is not None
        moved = local - span if back else local + span
        return replace(
            wish,
            days=wish.days or frozenset((moved.date(),)),
            clock=Clock(moved.hour % 12 or 12, moved.minute, "am" if moved.hour < 12 else "pm"),
        )
    if re.search(r"\bsame (time|hour)\b", words) and not (wish.clock or wish.hours):
        wish = replace(
            wish,
            clock=Clock(local.hour % 12 or 12, local.minute, "am" if local.hour < 12 else "pm"),
        )
    if re.search(r"\b(the |a )?(next day|day (after|later)|following day)\b", words) and not (
        wish.days or re.search(r"\bday after tomorrow\b", words)
    ):
        wish = replace(wish, days=frozenset((local.date() + timedelta(days=1),)))
    if wish.positive:
        return wish
    if re.search(
        r"\bsame day\b|\b(later|earlier) (in|on|that|the same)( the)? day\b|\b(later|earlier) that day\b",
        words,
    ):
        wish = replace(wish, days=frozenset((local.date(),)))
    if _COMPARED.search(words):
        later = re.search(r"\blater\b", words) is not None
        times = [moment.astimezone(zone) for moment in offered] or [local]
        edge = max(times) if later else min(times)
        if wish.days or re.search(r"\bday\b", words):
            at = edge.time()
            hours = (at.replace(minute=at.minute + 1), END) if later else (time(0), at)
            return replace(wish, days=wish.days or frozenset((edge.date(),)), hours=hours)
        if later:
            return replace(wish, first=edge.date() + timedelta(days=1))
        return replace(wish, last=edge.date(), soonest=True)
    return wish
