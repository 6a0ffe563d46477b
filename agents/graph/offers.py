"""Which free times to offer: those that suit the lead's wish, spread over day and hour."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from agents.graph.state import Setting, Talk
from agents.interface import Slot
from agents.understanding.wish import Wish

SOONEST = timedelta(minutes=30)
"""Nothing sooner is offered: the talk itself takes its time."""
_APART = timedelta(hours=2)


@dataclass(frozen=True, slots=True)
class Picked:
    """One or two times, in their order, and whether they are what was wished."""

    slots: tuple[Slot, ...]
    suits: bool


def free_now(talk: Talk, setting: Setting) -> list[Slot]:
    """Return the times that can still be offered, soonest first."""
    soonest = setting.brief.now + SOONEST
    slots = (slot for slot in setting.brief.slots if slot not in talk.gone)
    return sorted(
        (slot for slot in slots if slot.starts_at > soonest),
        key=lambda slot: (slot.starts_at, slot.rep_id),
    )


def picked(free: Sequence[Slot], wish: Wish, setting: Setting) -> Picked:
    """Return the times to offer: two that suit, or else the two nearest to what would."""

    def local(slot: Slot) -> datetime:
        return slot.starts_at.astimezone(setting.zone)

    suiting = [slot for slot in free if wish.fits(local(slot))]
    if suiting:
        if wish.soonest or (wish.clock and not wish.about and wish.days):
            return Picked(tuple(suiting[: 2 if wish.soonest else 1]), suits=True)
        return Picked(_spread(suiting, local), suits=True)
    # What was refused outright is not "nearest" to anything.
    bearable = [slot for slot in free if _not_refused(wish, local(slot))] or list(free)
    nearest = sorted(bearable, key=lambda slot: (wish.distance(local(slot)), slot.starts_at))[:2]
    return Picked(tuple(sorted(nearest, key=lambda slot: slot.starts_at)), suits=False)


def _not_refused(wish: Wish, at: datetime) -> bool:
    return Wish(
        not_days=wish.not_days, not_weekdays=wish.not_weekdays, not_hours=wish.not_hours
    ).fits(at)


def _spread(slots: Sequence[Slot], local: Callable[[Slot], datetime]) -> tuple[Slot, ...]:
    """Return the first time and one that differs most usefully: another day, another half of it."""
    first = slots[0]

    def rank(slot: Slot) -> tuple[bool, bool, bool]:
        same_day = local(slot).date() == local(first).date()
        same_half = (local(slot).hour < 12) == (local(first).hour < 12)
        return same_day, same_half, slot.starts_at - first.starts_at < _APART

    others = [slot for slot in slots[1:] if slot.starts_at != first.starts_at]
    return (first, min(others, key=rank)) if others else (first,)
