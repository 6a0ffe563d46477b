"""How lengths of time and codes of a call are written."""

from __future__ import annotations


def clock(seconds: float | None) -> str:
    """Return a length of time as 3:10, or 1:03:10 from an hour on."""
    if seconds is None:
        return "–"
    whole = int(seconds)
    minutes, rest = divmod(whole, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


def in_words(code: str) -> str:
    """Return a stored code such as `barge_in` or `ask.timeframe` as words."""
    return code.replace("_", " ").replace(".", " · ").strip().capitalize()
