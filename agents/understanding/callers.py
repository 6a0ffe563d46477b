"""What somebody who calls us says of themselves: a name, and what it is about. Pure."""

from __future__ import annotations

import re
from typing import Final

_LEAD_IN = re.compile(
    r"^(?:(?:hi|hello|hey|yes|yeah|yep|sure|okay|ok|well|um|uh|good (?:morning|afternoon|evening))"
    r"[ ,.]*)*"
)
_SAYS = re.compile(
    r"\b(?:my name is|my name's|the name is|the name's|name is|this is|i am|i'm|it is|it's|"
    r"you are speaking with|you're speaking with|call me)\s+(.+)"
)
_SPEAKING = re.compile(r"^(.+?)\s+(?:speaking|here|is my name)\b")
_STOP = re.compile(
    r"\b(?:and|calling|speaking|here|i|from|about|you|from|with|because|returning|please|thanks|"
    r"thank)\b.*"
)
_NO_NAME: Final = frozenset(
    (
        *("a", "an", "the", "no", "not", "yes", "what", "why", "who", "how", "calling", "looking"),
        *("interested", "sorry", "fine", "good", "just", "trying", "wondering", "thinking", "your"),
        *("my", "this", "that", "it", "in", "on", "so", "ready", "selling", "buying", "renting"),
        *("okay", "ok", "right", "busy", "home", "house", "here", "back", "about", "somebody"),
    )
)
MOST_WORDS: Final = 3

_NEEDS: Final = (
    ("investor", re.compile(r"\b(invest\w*|flip\w*|rental propert\w+|portfolio)\b")),
    ("renter", re.compile(r"\b(rent|renting|rental|lease|leasing|apartment for)\b")),
    (
        "seller",
        re.compile(
            r"\b(sell|selling|list(?:ing)? (?:my|our|the)|my (?:house|home|condo|place)|"
            r"what (?:is|'s) my|worth)\b"
        ),
    ),
    ("buyer", re.compile(r"\b(buy|buying|purchase|purchasing|looking for a|find a|new home)\b")),
)


def caller_name(said: str) -> str:
    """Return the name in what a caller says when asked for it, written as a name; "" for none."""
    words = re.sub(r"[^\w' -]+", " ", said.lower()).strip()
    words = _LEAD_IN.sub("", words).strip()
    found = _SAYS.search(words) or _SPEAKING.search(words)
    candidate = _STOP.sub("", found.group(1) if found else words).strip()
    parts = candidate.split()
    if not parts or parts[0] in _NO_NAME or not all(_is_word(part) for part in parts):
        return ""
    if found is None and len(parts) > MOST_WORDS:
        return ""
    return " ".join(part[:1].upper() + part[1:] for part in parts[:MOST_WORDS])


def caller_need(said: str) -> str:
    """Return what a caller wants as a kind of lead (seller, buyer, renter, investor); "" if it
    cannot be told."""
    words = said.lower()
    return next((kind for kind, pattern in _NEEDS if pattern.search(words)), "")


def _is_word(part: str) -> bool:
    return part.replace("'", "").replace("-", "").isalpha()
