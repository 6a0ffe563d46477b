"""How many minutes of a call are paid for. Pure."""

from __future__ import annotations

import math
from datetime import datetime


def begun_minutes(seconds: float) -> int:
    """Return the minutes begun: 0 s is the first minute of something that has started.

    Twilio rounds each call and each media stream up to a whole minute
    (https://www.twilio.com/en-us/voice/pricing/us).
    """
    return max(1, math.ceil(seconds / 60))


def minutes_since(start: datetime | None, now: datetime) -> int:
    """Return the minutes begun since a start; 0 when there was none."""
    if start is None:
        return 0
    return begun_minutes((now - start).total_seconds())


def seconds_to_promise(seconds: float) -> int:
    """Return the seconds that must be paid for in advance: to the end of the next minute."""
    return (begun_minutes(seconds) + 1) * 60
