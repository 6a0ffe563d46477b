"""Which of the offered times a lead picks, or what else would suit. Takes normalised words."""

# ruff: noqa: E501  (a pattern is reviewed as one line; folding it hides its alternatives)
from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from zoneinfo import ZoneInfo

from agents.understanding.wish import Wish
from agents.understanding.wishes import wish_in


@dataclass(frozen=True, slots=True)
class Choice:
    """What a lead says about offered times: one of them, none, or a wish for another."""

    index: int | None = None
    none: bool = False
    ambiguous: bool = False
    wish: Wish = field(default_factory=Wish)


_FIRST = re.compile(
    r"\b(first( one| time| option| slot)?|former|1st|option (one|1|a)|number (one|1)|earlier( one| time| slot)?|earliest|sooner( one)?|soonest|"
    r"early one)\b(?! (of|thing))"
)
_SECOND = re.compile(
    r"\b(second|latter|2nd|option (two|2|b)|number (two|2)|later( one| time| slot)|the later|"
    r"last( one)?|latest|other one|the other)\b(?! (thought|opinion|thoughts|day|week))"
)
_THIRD = re.compile(r"\b(third|3rd|option (three|3)|number (three|3))\b")
_ANY = re.compile(
    r"\b(either|any( of (them|those)| time| one)?|both( work| are)?|whichever|whatever(?!$)|"
    r"(does|do) not matter|not matter|no preference|you (choose|pick|decide)|up to you|dealer s choice|surprise me|"
    r"do not (mind|care)|anytime|all good|flexible|wide open)\b(?! (earlier|later|sooner|other|else|day but|time but|day except))"
)
_ORDINAL = re.compile(r"\b(the )?(first|second|third)( one)?\b(?! (of|thing))")
_NOT_ANY = re.compile(r"\b(not|no) (\w+ )?(either|any)\b|\bneither\b")
_NONE = re.compile(
    r"\b(neither|none|nothing works|not (either|those|any)|no good|(do|does|will|would|can) not (\w+ )?"
    r"(work|make|suit|fit|do|either|those)|anything else|something else|other (times?|options?|days?)|"
    r"another (time|day)|different (time|day)|what else)\b"
)


def choice_of(
    words: str,
    offered: Sequence[datetime],
    *,
    now: datetime,
    zone: ZoneInfo,
    anchor: datetime | None = None,
) -> Choice | None:
    """Return which of the `offered` times is picked, if the words say anything about them."""
    if not offered:
        return None
    refused = _NONE.search(words)
    any_one = _ANY.search(words)
    # "The second works" is the second on offer, not the second of the month.
    dated = " ".join(_ORDINAL.sub(" ", words).split())
    wish = wish_in(dated, now=now, zone=zone, offered=offered, anchor=anchor)
    unless = refused and refused.group(0).startswith(("anything", "another", "other", "what"))
    if any_one and not (wish or unless or _NOT_ANY.search(words)):
        return Choice(index=0)
    if wish.soonest and not (wish.positive or refused):
        return Choice(index=min(range(len(offered)), key=lambda i: offered[i]))
    if wish:
        fits = [i for i, moment in enumerate(offered) if _fits(wish, moment.astimezone(zone))]
        by_order = _by_order(words, offered)
        if fits and not (wish.positive or wish.soonest):
            return Choice(none=True, wish=wish)  # "not Tuesday" is no yes to Wednesday
        if len(fits) == 1:
            return Choice(index=fits[0], wish=wish)
        if not fits and by_order is not None and not refused and not wish.positive:
            return Choice(index=by_order)
        if (fits and len(fits) < len(offered)) or (fits and wish.positive):
            if by_order in fits:
                return Choice(index=by_order, wish=wish)
            if wish.soonest:
                return Choice(index=min(fits, key=lambda i: offered[i]), wish=wish)
            return Choice(ambiguous=True, wish=wish)
        return Choice(none=True, wish=wish)
    if refused:
        return Choice(none=True)
    if (index := _by_order(words, offered)) is not None:
        return Choice(index=index)
    return None


def _fits(wish: Wish, moment: datetime) -> bool:
    """Tell whether an offered time is what was named: "Tuesday" is the offered Tuesday, whichever
    week it is in."""
    if wish.fits(moment):
        return True
    by_name = {day.weekday() for day in wish.days}
    return bool(
        wish.days
        and moment.weekday() in by_name
        and moment.date() not in wish.not_days
        and moment.weekday() not in wish.not_weekdays
        and wish.fits_time(moment.time())
    )


_CHANGED = re.compile(r"\b(no wait|wait|no|actually|make (that|it)|i mean|sorry)\b")


def _by_order(words: str, offered: Sequence[datetime]) -> int | None:
    *_, last = _CHANGED.split(words)
    if last != words and (_FIRST.search(last) or _SECOND.search(last)):
        words = last  # "the first, no, the second one"
    if _THIRD.search(words):
        return 2 if len(offered) > 2 else None
    if match := _FIRST.search(words):
        by_time = match.group(0).startswith(("earl", "soon"))
        if by_time and re.search(
            r"\b(any|anything|something|bit|little|no)( \w+)? (earlier|sooner|early)\b", words
        ):
            return None
        return min(range(len(offered)), key=lambda i: offered[i]) if by_time else 0
    if len(offered) > 1 and (match := _SECOND.search(words)):
        by_time = "lat" in match.group(0) and "latter" not in match.group(0)
        return max(range(len(offered)), key=lambda i: offered[i]) if by_time else 1
    return None
