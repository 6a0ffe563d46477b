"""Days and hours a lead names, in the lead's zone.

All take normalised words. Times that are not named fully say so, and the agent asks.
"""

# ruff: noqa: E501  (a pattern is reviewed as one line; folding it hides its alternatives)
from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import dateparser

from agents.understanding.words import digits

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_WEEKDAY = re.compile(
    r"\b(?:(next|this|coming|following) )?(monday|tuesday|wednesday|thursday|friday|saturday|sunday)s?\b"
)
_PARTS: Mapping[str, tuple[int, int]] = {
    # the hours a part of the day spans
    "morning": (8, 12),
    "noon": (12, 13),
    "lunch": (12, 13),
    "lunchtime": (12, 13),
    "midday": (12, 13),
    "afternoon": (12, 17),
    "evening": (17, 21),
    "night": (18, 21),
    "tonight": (18, 21),
    "after work": (17, 20),
    "dinner": (18, 20),
}
_PART_HOUR: Mapping[str, int] = {
    "morning": 10,
    "noon": 12,
    "lunch": 12,
    "lunchtime": 12,
    "midday": 12,
    "afternoon": 14,
    "evening": 18,
    "night": 19,
    "tonight": 19,
    "after work": 18,
    "dinner": 19,
}
_MONTH_NAMES = (
    r"(january|february|march|april|may|june|july|august|september|october|november|"
    r"december)"
)


@dataclass(frozen=True, slots=True)
class Clock:
    """A time of day. Without am or pm `half` is empty and the hour may be either."""

    hour: int
    minute: int
    half: str = ""

    def fits(self, moment: time) -> bool:
        """Tell whether a time of day is the one meant."""
        if self.minute != moment.minute:
            return False
        if self.half or self.hour > 12:
            return self.on_24h() == moment.hour
        return self.hour % 12 == moment.hour % 12

    def on_24h(self, part: str = "") -> int:
        """Return the hour 0-23. Without am or pm, the likelier in a working day is taken."""
        if self.half == "pm":
            return self.hour % 12 + 12
        if self.half == "am":
            return self.hour % 12
        if self.hour > 12:
            return self.hour
        if part in ("afternoon", "evening", "night", "tonight", "after work", "dinner", "lunch"):
            return self.hour % 12 + 12
        if part == "morning":
            return self.hour % 12
        return self.hour + 12 if 1 <= self.hour <= 7 else self.hour


@dataclass(frozen=True, slots=True)
class Named:
    """What was named of a time: a day, a part of it, a clock time, or a span from now."""

    day: date | None = None
    part: str = ""
    clock: Clock | None = None
    after: timedelta | None = None
    week: bool = False
    """A whole week was named, not a day."""

    def __bool__(self) -> bool:
        return bool(self.day or self.part or self.clock or self.after)


def named_time(words: str, *, now: datetime, zone: ZoneInfo, bare_hour: bool = True) -> Named:
    """Return what the words name of a time. `bare_hour` lets "ten" alone be an hour."""
    text = on_the_clock(words)
    today = now.astimezone(zone).date()
    day, week = _day(words, text, today)
    part = next(
        (name for name in ("after work", *_PARTS) if re.search(rf"\b{name}s?\b", words)), ""
    )
    if re.search(r"\bthis (evening|afternoon|morning)\b|\btonight\b", words) and day is None:
        day = today
    return Named(
        day=day,
        part=part,
        clock=_clock(text, bare_hour),
        after=_span(text, words, bare=bare_hour),
        week=week,
    )


_HOURS = (
    "twelve",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
)
_HOUR_BEFORE = {name: _HOURS[number - 1] for number, name in enumerate(_HOURS)}
_MINUTES_TO = {"quarter": "forty five", "ten": "fifty", "five": "fifty five", "twenty": "forty"}


def on_the_clock(words: str) -> str:
    """Return the words with numbers and times of day in digits: "half past three" -> "3:30"."""
    return _spoken_clock(digits(_ordinary(words)))


def clock_in(text: str, *, bare_hour: bool = True) -> Clock | None:
    """Return the time of day in words with digits. `bare_hour` lets "ten" alone be one."""
    return _clock(text, bare_hour)


def day_in(text: str, today: date) -> date | None:
    """Return the single day that words with digits name; None for none, or a whole week."""
    day, week = _day(text, text, today)
    return None if week else day


def _ordinary(words: str) -> str:
    words = re.sub(r"\bnoonish\b", "noon", words)
    words = re.sub(
        r"\bhalf (?:past )?(?=(?:one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve)\b)(\w+)",
        r"\1 thirty",
        words,
    )
    words = re.sub(r"\b(?:a )?quarter (?:past|after) (\w+)", r"\1 fifteen", words)
    words = re.sub(
        r"\b(?:a )?(quarter|ten|five|twenty) (?:to|till|til|of|before) (one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve)\b(?! (?:months?|weeks?|days?|years?|hundred|thousand|million))",
        lambda found: f"{_HOUR_BEFORE[found[2]]} {_MINUTES_TO[found[1]]}",
        words,
    )
    words = re.sub(
        r"\b(\w+)ish\b(?<!finish)(?<!polish)(?<!selfish)(?<!english)(?<!spanish)",
        r"around \1",
        words,
    )
    return re.sub(r"\b(\w+) (ish|sharp|on the dot)\b", r"\1", words)


def _spoken_clock(text: str) -> str:
    """Join spoken minutes: "3 30 pm" -> "3:30 pm"; "1030 am" too."""
    text = re.sub(
        r"(?<![\d:.])(1[0-2]|[1-9]) (15|30|45|00|20|10|25|35|40|50|55|05)\b(?! (days?|minutes?|months?|thousand|grand|k))",
        r"\1:\2",
        text,
    )
    return re.sub(r"(?<![\d:.])(1[0-2]|[1-9])(00|15|30|45) ?(?=(am|pm)\b)", r"\1:\2 ", text)


_CLOCK_PATTERNS = tuple(
    re.compile(pattern)
    for pattern in (
        r"(?<![\d:.])(?P<h>\d{1,2})(?::(?P<m>\d\d))? ?(?P<half>am|pm)\b",
        r"(?<![\d:.])(?P<h>\d{1,2}):(?P<m>\d\d)\b",
        r"(?<![\d:.])(?P<h>\d{1,2}) ?(?:oclock)\b",
        r"\b(?:at|around|about|by|after|before|past|say|from|til|till|until) (?:about |around |maybe |like )?(?P<h>\d{1,2})\b(?! ?(?:hours?|minutes?|days?|weeks?|months?|st|nd|rd|th|thing|dollars|thousand|\d))",
    )
)
_BARE_HOUR = re.compile(
    r"(?<![\d:.\w])(?P<h>\d{1,2})(?![\d:.\w])(?! (?:hours?|minutes?|days?|weeks?|months?|bed\w*|thing|dollars|thousand))"
)


def _clock(text: str, bare_hour: bool) -> Clock | None:
    for pattern in (*_CLOCK_PATTERNS, *((_BARE_HOUR,) if bare_hour else ())):
        # "One" is an hour only where nothing else is said: "the good one" is none.
        if pattern is _BARE_HOUR and len(text.split()) > 3:
            text = re.sub(r"(?<![\d:])\b1\b(?!:)", " ", text)
        if match := pattern.search(text):
            found = match.groupdict()
            hour, minute = int(found["h"]), int(found.get("m") or 0)
            if hour <= 23 and minute <= 59 and (hour or pattern is not _BARE_HOUR):
                return Clock(hour, minute, found.get("half") or _half_said(text))
    if re.search(r"\b(noon|midday)\b", text) and "afternoon" not in text:
        return Clock(12, 0, "pm")
    return None


def _half_said(text: str) -> str:
    if re.search(r"\bin the (afternoon|evening)\b|\bat night\b", text):
        return "pm"
    return "am" if re.search(r"\bin the morning\b", text) else ""


def _span(text: str, words: str, *, bare: bool) -> timedelta | None:
    if re.search(r"\b(in|about|after)? ?half an hour\b", words):
        return timedelta(minutes=30)
    if re.search(
        r"\b(in|after|give me|about) (about |maybe |like )?(an|one) hour and a half\b", words
    ):
        return timedelta(minutes=90)
    if re.search(r"\b(in|after|give me|about) (about |maybe |like )?(an|one) hour\b", words):
        return timedelta(hours=1)
    match = re.search(
        r"\b(?:in|after|give me|another|about) (?:about |maybe |like |another )?(\d+) (minutes?|hours?|days?|weeks?)\b",
        text,
    ) or re.search(r"(?<![\w:.])(\d+) (minutes?|hours?|days?|weeks?) from (?:now|today)\b", text)
    if not match and bare:
        match = re.fullmatch(r"(?:maybe |about |like )?(\d+) (minutes?|hours?)", text)
    if not match:
        return None
    unit = match[2].rstrip("s") + "s"
    return timedelta(**{unit: min(int(match[1]), 365)})


def _day(words: str, text: str, today: date) -> tuple[date | None, bool]:
    """Return the day named and whether it stands for its whole week."""
    if re.search(r"\bday after tomorrow\b", words):
        return today + timedelta(days=2), False
    if ahead_by := re.search(r"\bin (\d+) days?\b|\b(\d+) days? from (?:now|today)\b", text):
        return today + timedelta(days=min(int(ahead_by[1] or ahead_by[2]), 90)), False
    if re.search(r"\b(a|1|one) week from (today|now)\b|\bthis day next week\b", words):
        return today + timedelta(days=7), False
    if re.search(r"\b(tomorrow|tomorrows)\b", words):
        return today + timedelta(days=1), False
    if match := _WEEKDAY.search(words):
        ahead = (WEEKDAYS.index(match[2]) - today.weekday()) % 7 or 7
        if re.search(
            rf"\b(a|1|one) week from {match[2]}\b|\b{match[2]} (week|after next)\b", words
        ):
            return today + timedelta(days=ahead + 7), False
        if re.search(r"\bweek after next\b", words):
            return today + timedelta(days=14 - today.weekday() + WEEKDAYS.index(match[2])), False
        next_week = re.search(r"\b(next|following) week\b|\bweek after\b", words)
        # "Next Tuesday" said on a Monday is hardly tomorrow.
        if (next_week and today.weekday() + ahead < 7) or (match[1] == "next" and ahead <= 2):
            ahead += 7
        return today + timedelta(days=ahead), False
    if dated := re.search(
        rf"\b{_MONTH_NAMES} (?:the )?\d{{1,2}}(?:st|nd|rd|th)?\b|\b(?:the )?\d{{1,2}}(?:st|nd|rd|th) "
        rf"(?:of )?{_MONTH_NAMES}\b",
        text,
    ):
        return _parsed_day(dated[0], today), False
    if dated := re.search(
        r"\b(?:the|on) (\d{1,2})(?:st|nd|rd|th)\b(?! (?:thing|one|time|option))", text
    ):
        return _day_of_month(int(dated[1]), today), False
    if re.search(r"\b(next|following) week\b", words):
        return today + timedelta(days=7 - today.weekday()), True
    if re.search(r"\b(this|the|next|on the) weekend\b", words):
        return today + timedelta(days=(5 - today.weekday()) % 7 or 7), False
    if re.search(r"\bnext month\b", words):
        return (today.replace(day=1) + timedelta(days=32)).replace(day=1), True
    if re.search(r"\b(today|this (morning|afternoon|evening)|later on today)\b", words):
        return today, False
    return None, False


def _parsed_day(text: str, today: date) -> date | None:
    """Return an explicit date, the next one of that name."""
    found = dateparser.parse(
        text.replace("the ", "").replace("of ", ""),
        languages=["en"],
        settings={
            "PREFER_DATES_FROM": "future",
            "RELATIVE_BASE": datetime.combine(today, time(12)),
        },
    )
    return found.date() if found else None


def _day_of_month(day: int, today: date) -> date | None:
    for months in range(3):
        year, month = divmod(today.year * 12 + today.month - 1 + months, 12)
        try:
            found = date(year, month + 1, day)
        except ValueError:
            continue
        if found > today:
            return found
    return None


def callback_moment(named: Named, *, now: datetime, zone: ZoneInfo) -> datetime | None:
    """Return when to call back, aware, in the lead's zone; None if too little was named."""
    local = now.astimezone(zone)
    if named.after:
        moment = now.astimezone(UTC) + named.after  # real hours, whatever the clocks do
        if named.after >= timedelta(days=1) and named.clock:
            return _at(
                moment.astimezone(zone).date(),
                named.clock.on_24h(named.part),
                named.clock.minute,
                zone,
            )
        return moment.astimezone(zone)
    if not named:
        return None
    day = named.day
    if named.clock:
        hour, minute = named.clock.on_24h(named.part), named.clock.minute
    elif named.part:
        hour, minute = _PART_HOUR[named.part], 0
    else:
        hour, minute = 10, 0
    if day is None:
        day = local.date()
        if _at(day, hour, minute, zone) <= now + timedelta(minutes=5):
            day += timedelta(days=1)
    moment = _at(day, hour, minute, zone)
    if moment <= now and day == local.date():
        return None
    return moment


def _at(day: date, hour: int, minute: int, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(hour, minute), tzinfo=zone)
