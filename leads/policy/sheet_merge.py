"""One cell of a linked sheet against the lead: who changed it, and whose word counts. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from leads.policy.sheet_columns import Wins


@dataclass(frozen=True, slots=True)
class Merged:
    """What becomes of a cell.

    `take` is the side whose text both shall have; None when they agree, or when a person decides.
    `conflict` is whether both sides changed it.
    """

    take: Literal["ours", "theirs"] | None = None
    conflict: bool = False


def cell_merge(
    *, agreed: str | None, ours: str, theirs: str, wins: Wins, reads: bool, writes: bool
) -> Merged:
    """Return what becomes of a cell.

    An empty cell never erases what the other side has: it is filled.

    Args:
        agreed: what both sides last had; None when they never agreed.
        ours: the lead's text.
        theirs: the sheet's.
        wins: the column's choice for cells that both sides changed.
        reads, writes: the link's direction.
    """
    if ours == theirs:
        return Merged()
    if not reads:
        return Merged("ours" if writes and ours else None)
    if not theirs:
        return Merged("ours" if writes else None)
    if not ours:
        return Merged("theirs")
    if theirs == agreed:
        return Merged("ours" if writes else None)
    if ours == agreed:
        return Merged("theirs")
    return Merged(None if wins == "ask" else wins, conflict=True)
