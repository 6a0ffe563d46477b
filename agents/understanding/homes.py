"""Kind of home, rooms and counts out of recognised words."""

# ruff: noqa: E501  (a pattern is reviewed as one line; folding it hides its alternatives)
from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from agents.understanding.words import digits

_KINDS: Mapping[str, str] = {
    "house": r"(house|houses|single family( home| house)?|ranch|rancher|bungalow|colonial|cottage|villa|split level|rambler|cape cod|tudor|farmhouse|cabin|mansion|chalet)",
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

_BED_BATH = re.compile(rf"(?<![\w.:])([1-9]) [1-5] (?:\w+ )?{_KINDS['house']}\b")
""""A three two ranch": bedrooms, then bathrooms."""


def property_in(words: str, *, expected: bool) -> dict[str, Any] | None:
    """Return what is said of a home: {"kind": "house", "bedrooms": 3}, either may be missing."""
    text = digits(words)
    found: dict[str, Any] = {}
    if (rooms := _BEDROOMS.search(text)) or (expected and (rooms := _BED_BATH.search(text))):
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
