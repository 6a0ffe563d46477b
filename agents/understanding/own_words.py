"""Answers that are kept in the lead's own words: a part of town, a street, a wish."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from agents.understanding.words import normalised

MOST_WORDS: Final = 10
_LEAD_IN: Final = re.compile(
    r"^(?:(?:oh|well|so|yeah|yes|okay|probably|maybe|perhaps|preferably|ideally|mostly|mainly|"
    r"basically|definitely|i guess|(?:i|we) think|(?:i|we) would (?:say|like|love|prefer)|"
    r"(?:i|we) (?:want|need)|i am|we are|(?:i|we) have been|it would be|that would be|it is|"
    r"somewhere|anywhere|something|looking|thinking|hoping|trying|wanting|"
    r"to (?:be|live|move|stay|look|rent|buy)|living|for|about|of|"
    r"a (?:home|house|place|condo|apartment)|in|at) )+(?=\w)"
)
_CHANGED: Final = re.compile(r"(?<=\w) (?:no wait|no|scratch that|make that|or rather) (?=\w{4})")
_TRAILER: Final = re.compile(
    r"(?: (?:i think|i guess|i suppose|i would say|probably|maybe|please|ideally|if possible|or so|"
    r"or something(?: like that)?|and so on|for now))+$"
)
_ENDS: Final = re.compile(
    r" (?:and|with|for|under|around|about|but|because|so|within|in|at|by|before|after|please|"
    r"if|though|right now|that|which|or something)(?: |$)"
)
_NO_PLACE: Final = re.compile(
    r"^(?:the |a |an |about |next |this |early |late |mid |\d+|one |two |three |four |five |six |"
    r"january|february|march|april|may\b|june|july|august|september|october|november|december|"
    r"spring|summer|fall|autumn|winter|cash|general|fact)"
)
_NOTHING: Final = frozenset(
    {"yes", "no", "yeah", "nope", "okay", "sure", "well", "right", "what", "sorry", "hello"}
)


def own_words(words: str) -> str | None:
    """Return an answer to an open question without its lead-in, None if nothing is left."""
    *_, words = _CHANGED.split(words)  # "Chapel Hill, no, Durham"
    said = _TRAILER.sub("", _LEAD_IN.sub("", words)).strip()
    tokens = said.split()
    if not tokens or (len(tokens) == 1 and said in _NOTHING):
        return None
    return " ".join(tokens[:MOST_WORDS])


def after_cue(words: str, cues: Iterable[str]) -> str | None:
    """Return what follows the first cue: "a house in oak park and" -> "oak park"."""
    for cue in cues:
        match = re.search(rf"\b{re.escape(normalised(cue))} (.+)", words)
        if match is None or _NO_PLACE.match(match[1]):
            continue
        said = _ENDS.split(match[1], maxsplit=1)[0].strip()
        if said:
            return " ".join(said.split()[:4])
    return None
