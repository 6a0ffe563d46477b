"""How a lead moves through its stages."""

from __future__ import annotations

from typing import Final

# Forward is to the right. What the product learns on a call only ever moves a lead forward.
_ORDER: Final = ("new", "attempted", "contacted", "qualified", "appointment", "won")
_LOST: Final = "lost"
# A lead that was given up comes back only for something worth a representative's time.
_REVIVING: Final = frozenset({"qualified", "appointment", "won"})


def stage_may_change(current: str, new: str, *, by_person: bool) -> bool:
    """Whether a lead may go from one stage to another. A person may correct anything."""
    if current == new:
        return False
    if by_person:
        return True
    if new == _LOST:
        return current != "won"
    if current == _LOST:
        return new in _REVIVING
    return _ORDER.index(new) > _ORDER.index(current)
