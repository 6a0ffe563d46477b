"""When a lead would like to meet: days and hours that suit, and those that do not.

"Later in the week, after five, just not Thursday" is one wish. All take normalised words and the
lead's own zone, so that a day is the lead's day whatever the clocks do.
"""

# ruff: noqa: E501  (a pattern is reviewed as one line; folding it hides its alternatives)
from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from agents.understanding.times import WEEKDAYS, Clock, clock_in, day_in, on_the_clock

Hours = tuple[time, time]
"""From and until: a meeting starts in it, the end excluded."""

_NOON, _END = time(12), time(23, 59)
PARTS: Mapping[str, Hours] = {
    "first thing": (time(7), time(10)),
    "early morning": (time(7), time(10)),
    "late morning": (time(10), _NOON),
    "mid morning": (time(9, 30), time(11, 30)),
    "morning": (time(7), _NOON),
    "lunch": (time(11, 30), time(13, 30)),
    "noon": (_NOON, time(13)),
    "midday": (time(11), time(14)),
    "early afternoon": (_NOON, time(15)),
    "late afternoon": (time(15), time(18)),
    "mid afternoon": (time(13, 30), time(16)),
    "afternoon": (_NOON, time(17)),
    "after work": (time(17), time(21)),
    "after school": (time(15), time(21)),
    "early evening": (time(17), time(19)),
    "evening": (time(17), time(21)),
    "night": (time(18), time(21)),
    "dinner": (time(17), time(20)),
}
_NIGHT_NOW = re.compile(r"\btonight\b")
_BUSINESS = frozenset(range(5))
_WEEKEND = frozenset((5, 6))


@dataclass(frozen=True, slots=True)
class Wish:
    """Which times would suit. Every part that is set has to hold."""

    days: frozenset[date] = frozenset()
    weekdays: frozenset[int] = frozenset()
    first: date | None = None
    last: date | None = None
    hours: Hours | None = None
    clock: Clock | None = None
    about: bool = False
    """The clock time is meant roughly."""
    not_days: frozenset[date] = frozenset()
    not_weekdays: frozenset[int] = frozenset()
    not_hours: tuple[Hours, ...] = ()
    soonest: bool = False

    def __bool__(self) -> bool:
        return self != Wish()

    @property
    def positive(self) -> bool:
        """Whether it says what would suit, not only what would not."""
        return bool(
            self.days or self.weekdays or self.first or self.last or self.hours or self.clock
        )

    def fits_day(self, day: date) -> bool:
        """Tell whether a day suits."""
        return (
            (not self.days or day in self.days)
            and (not self.weekdays or day.weekday() in self.weekdays)
            and (self.first is None or day >= self.first)
            and (self.last is None or day <= self.last)
            and day not in self.not_days
            and day.weekday() not in self.not_weekdays
        )

    def fits_time(self, at: time) -> bool:
        """Tell whether a time of day suits."""
        if any(begins <= at < ends for begins, ends in self.not_hours):
            return False
        if self.hours and not self.hours[0] <= at < self.hours[1]:
            return False
        if self.clock is None:
            return True
        return self._apart(at) <= 30 if self.about else self.clock.fits(at)

    def fits(self, local: datetime) -> bool:
        """Tell whether a time in the lead's zone suits."""
        return self.fits_day(local.date()) and self.fits_time(local.time())

    def distance(self, local: datetime) -> tuple[int, float]:
        """Return how far a time is from suiting: days off, and minutes off on the day."""
        day, days = local.date(), 0
        if not self.fits_day(day):
            near = (n for n in range(1, 60) if self._fits_about(day, n))
            days = next(near, 60)
        at = local.time()
        minutes = 0.0 if self.fits_time(at) else 720.0
        if self.clock is not None:
            minutes = self._apart(at)
        elif self.hours and minutes:
            edges = (_minutes(self.hours[0]), _minutes(self.hours[1]))
            minutes = min(abs(_minutes(at) - edge) for edge in edges)
        return days, minutes

    def _fits_about(self, day: date, days: int) -> bool:
        span = timedelta(days=days)
        return self.fits_day(day + span) or self.fits_day(day - span)

    def also(self, newer: Wish) -> Wish:
        """Return this wish with a newer one: what was refused stays, what is wished is replaced."""
        days = newer if newer.days or newer.weekdays or newer.first or newer.last else self
        hours = newer if newer.hours or newer.clock else self
        return Wish(
            days=days.days - newer.not_days,
            weekdays=days.weekdays - newer.not_weekdays,
            first=days.first,
            last=days.last,
            hours=hours.hours,
            clock=hours.clock,
            about=hours.about,
            not_days=(self.not_days | newer.not_days) - newer.days,
            not_weekdays=(self.not_weekdays | newer.not_weekdays) - newer.weekdays,
            not_hours=(*self.not_hours, *newer.not_hours)
            if not (newer.hours or newer.clock)
            else newer.not_hours,
            soonest=newer.soonest,
        )

    def _apart(self, at: time) -> float:
        wanted = self.clock
        if wanted is None:
            return 0.0
        halves = (
            (wanted.on_24h(),)
            if wanted.half or wanted.hour > 12
            else (wanted.hour % 12, wanted.hour % 12 + 12)
        )
        return min(abs(_minutes(at) - hour * 60 - wanted.minute) for hour in halves)


def _minutes(at: time) -> float:
    return at.hour * 60 + at.minute


_DAY = rf"(?:(?:next|this|coming|on|the) )*(?:{'|'.join(WEEKDAYS)})s?"
_DATE = r"(?:the )?\d{1,2}(?:st|nd|rd|th)"
_UNIT = (
    rf"(?:{_DAY}|tomorrow|today|tonight|weekends?|(?:the|this|next) weekend|weekdays?|this week|next week|"
    rf"(?:(?:in )?the |early |late |this |tomorrow )*(?:mornings?|afternoons?|evenings?|nights?)|{_DATE})"
)
_UNITS = rf"{_UNIT}(?: (?:or|and|nor) (?:on )?{_UNIT})*"
_REFUSED = (
    re.compile(
        rf"\b(?:not|except(?: for)?|but not|anything but|any day but|any time but|other than|besides|apart from|never|avoid|no|neither|"
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
_FROM = r"(?:after|from|starting|beginning|since|past|following)"


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
    wish = _bounds(text, today) or Wish()
    text = _BOUND_WORDS.sub(" ", text) if wish else text
    wish = _days(text, today, wish)
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
                weekdays |= _WEEKEND
            if re.search(r"\bweekdays?\b", unit):
                weekdays |= _BUSINESS
            for each in re.split(r"\b(?:or|and|nor)\b", unit):
                if re.search(r"\b(tomorrow|today|tonight|\d{1,2}(st|nd|rd|th))\b", each) and (
                    found := day_in(each, today)
                ):
                    days.add(found)
            if re.search(r"\bthis week\b", unit):
                wish = replace(wish, first=_monday(today, 1))
                days |= {today + timedelta(days=n) for n in range(7 - today.weekday())}
            if re.search(r"\bnext week\b", unit):
                days |= {_monday(today, 1) + timedelta(days=n) for n in range(7)}
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


_BOUND_WORDS = re.compile(
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


def _bounds(text: str, today: date) -> Wish | None:
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
            hours = (hours[0], _NOON if found["what"].startswith("lunch") else at)
    if hours == (None, None):
        return None
    if hours[0] and hours[1] and hours[1] <= hours[0]:
        hours = (hours[0], None)
    return Wish(hours=(hours[0] or time(0), hours[1] or _END))


def _time(match: re.Match[str], group: int) -> time | None:
    hour, minute, half = int(match[group]), int(match[group + 1] or 0), match[group + 2] or ""
    if hour > 23 or minute > 59:
        return None
    return time(Clock(hour, minute, "" if half == "oclock" else half).on_24h(), minute)


def _monday(today: date, weeks: int) -> date:
    """Return the Monday so many weeks from this one."""
    return today + timedelta(days=7 * weeks - today.weekday())


def _days(text: str, today: date, wish: Wish) -> Wish:
    """Return the wish with the days named in it."""
    if ranged := _day_range(text, today):
        first, last = ranged
        weekdays = _weekdays(text)
        return replace(wish, first=first, last=last, weekdays=weekdays)
    single = re.search(r"\bday after tomorrow\b|\b(a|1|one) week from\b", text)
    if not single and (
        bounded := re.search(
            rf"\b(?P<side>{_FROM}|before|by|until|till|through)(?: on)? (?P<day>{_DAY}|tomorrow|{_DATE}|(?:the )?(?:weekend|holidays?)|christmas|thanksgiving|new years?|(?:january|february|march|april|may|june|july|august|september|october|november|december) {_DATE})\b",
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
        every |= _WEEKEND
    if re.search(r"\b(weekdays?|during the week)\b", text):
        every |= _BUSINESS
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
    monday = _monday(today, weeks)
    first, last = monday, monday + timedelta(days=6)
    if re.search(r"\b(later|late|end|latter|towards? the end|back half)\b(?! than)", text):
        first = monday + timedelta(days=3)
        last = monday + timedelta(days=5)
        if weeks == 0 and today >= first:
            first = today + timedelta(days=1)
            last = max(first, monday + timedelta(days=6))
    elif re.search(r"\b(early|beginning|start|first (part|half|thing)|front half|earlier)\b", text):
        last = monday + timedelta(days=1)
    elif re.search(r"\b(middle|mid)\b", text):
        first, last = monday + timedelta(days=1), monday + timedelta(days=3)
    return max(first, today), last


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
            return replace(wish, hours=(time(clock.on_24h(), clock.minute), _END))
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
            hours = (at.replace(minute=at.minute + 1), _END) if later else (time(0), at)
            return replace(wish, days=wish.days or frozenset((edge.date(),)), hours=hours)
        if later:
            return replace(wish, first=edge.date() + timedelta(days=1))
        return replace(wish, last=edge.date(), soonest=True)
    return wish
