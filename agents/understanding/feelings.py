"""What a person would not pass over with an "okay": sad news, good news, a death."""

# ruff: noqa: E501  (a pattern is reviewed as one line; folding it hides its alternatives)
from __future__ import annotations

import re

from agents.understanding.words import normalised

_OWN = r"(?:my|our|his|her|the)"
_RELATIVE = r"(?:wife|husband|mother|mom|mama|father|dad|son|daughter|brother|sister|grandmother|grandma|grandfather|grandpa|aunt|uncle|parents|mother in law|father in law)"
_DIED = r"(?:(?:has|have|had|just|sadly|recently|both|already) )*(?:passed(?: away| on)?|died|(?:is|are) (?:dead|deceased|no longer with us))\b(?! (?:the|my|our|on to|through|by|up|inspection))"

_SAD = re.compile(
    rf"\b(?:{_RELATIVE}|he|she|they|who) {_DIED}"
    rf"|\bpassed away\b|\b(?:my|our) late (?:{_RELATIVE})\b"
    rf"|\b(?:lost|losing|burying|buried) (?:{_OWN} )?(?:{_RELATIVE}|job|baby)\b|\blosing (?:the|my|our) (?:house|home)\b"
    r"|\b(?:divorc\w+|splitting up|split up|separating)\b"
    r"|\b(?:laid off|got fired|foreclosure|behind on (?:the|my|our) \w+|bankruptcy|evicted|eviction)\b"
    r"|\b(?:cancer|hospice|dementia|alzheimer'?s?|a stroke|heart attack|chemo|funeral|widow|widower)\b"
)
_GLAD = re.compile(
    r"\b(?:new|another|first|second|third|fourth|2nd|3rd) (?:baby|kid|child)\b|\b(?:having|expecting|had|got) (?:a baby|babies|twins)\b"
    r"|\btwins\b|\b(?:baby|kid|child|one) (?:is )?(?:on the way|coming)\b|\bpregnant\b|\bbabies? (?:is|are) due\b"
    r"|\b(?:just|got|getting|newly) (?:married|engaged)\b|\bnewlyweds?\b|\bgot (?:a promotion|promoted)\b"
)


def is_sad(words: str) -> bool:
    """Tell whether normalised words tell of a loss, an illness or want."""
    return _SAD.search(words) is not None


def is_glad(words: str) -> bool:
    """Tell whether normalised words tell of a wedding, a child or a success."""
    return _GLAD.search(words) is not None and not is_sad(words)


def tells_of_death(words: str, first_name: str, *, of_any: bool) -> bool:
    """Tell whether normalised words say that the person asked for has died.

    `of_any` takes any relative for that person: "this is her daughter, mom passed away".
    """
    name = re.escape(normalised(first_name)) or "(?!)"
    who = rf"{name}|she|he|(?:mister|missus|mr|mrs|ms) \w+" + (rf"|{_RELATIVE}" if of_any else "")
    return re.search(rf"\b(?:{who}) {_DIED}", words) is not None
