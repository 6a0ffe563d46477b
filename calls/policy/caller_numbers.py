"""Which number a lead is called from. Pure.

People pick up a number that they know, or one from where they live.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from leads.policy.places import states_of_number


@dataclass(frozen=True, slots=True)
class PoolNumber:
    """A number that may be called from now (E.164), and how often it was today."""

    number: str
    used_today: int


def in_order(
    pool: Iterable[PoolNumber], *, lead_number: str, lead_states: Iterable[str], heard_from: str
) -> list[PoolNumber]:
    """Return the numbers, the best one for the lead first.

    First the number that the lead has been called from before, then one of the same area code,
    then one of a state that the lead may be in, then any other; among equals the one that was
    used least today.

    Args:
        pool: numbers that may be called from.
        lead_number: E.164.
        lead_states: two-letter codes.
        heard_from: the number that called the lead last; "" if none did.
    """
    states = frozenset(lead_states) or states_of_number(lead_number)

    def rank(one: PoolNumber) -> tuple[bool, int, int, str]:
        distance = 2
        if _area(one.number) and _area(one.number) == _area(lead_number):
            distance = 0
        elif states & states_of_number(one.number):
            distance = 1
        return one.number != heard_from, distance, one.used_today, one.number

    return sorted(pool, key=rank)


def _area(e164: str) -> str:
    """Return the area code of a number in the plan of +1; "" outside it."""
    return e164[2:5] if e164.startswith("+1") and len(e164) == 12 else ""
