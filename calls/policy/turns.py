"""Whose turn it is to be called: urgent leads first, then campaigns by priority and share. Pure.

Among campaigns of one priority the dialer keeps start-time fair queueing (Goyal, Vin, Cheng 1996):
each call takes its campaign's turn on by 1 / weight, and the campaign with the lowest turn goes
next. One that had nobody to call meanwhile joins at the turn of the others instead of catching up.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

CALLED_NEXT = 1000
"""The priority of a lead that a person wants called next; its next call uses it up."""
PROMISED = 900
"""The priority of a lead that was promised a call at a time; from there on it is urgent."""


@dataclass(frozen=True, slots=True)
class Standing:
    """A campaign that has somebody due."""

    campaign: UUID
    priority: int
    weight: int
    turn: float
    urgent_since: datetime | None
    """Since when its most urgent lead is due; None when nobody urgent is."""


def in_turn(campaigns: Iterable[Standing], *, now_at: float) -> list[UUID]:
    """Return the campaigns in the order in which they may dial.

    Args:
        now_at: the turn at which a campaign dialled last.
    """

    def rank(one: Standing) -> tuple[bool, float, int, float, float]:
        since = one.urgent_since.timestamp() if one.urgent_since else 0.0
        return (
            one.urgent_since is None,
            since,
            -one.priority,
            max(one.turn, now_at),
            one.turn,
        )

    return [one.campaign for one in sorted(campaigns, key=rank)]


def turn_taken(turn: float, *, weight: int, now_at: float) -> tuple[float, float]:
    """Return a campaign's turn after a call, and the turn at which that call was made."""
    at = max(turn, now_at)
    return at + 1 / weight, at
