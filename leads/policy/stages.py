"""How a lead moves through its stages."""

from __future__ import annotations

from typing import Final

# Forward is to the right. What the product learns on a call only ever moves a lead forward.
_ORDER: Final = ("new", "attempted", "contacted", "qualified", "appointment", "won")
_LOST: Final = "lost"
# A lead that was given up comes back only for something worth a representative's time.
_REVIVING: Final = frozenset({"qualified", "appointment", "won"})


def stage_may_change(current: str, new: str, *, by_person: bool) -> bool:
    """Whether a lead may go from one stage to another.

    A person may correct anything that `stage_problem` does not refuse.
    """
    if current == new:
        return False
    if by_person:
        return True
    if new == _LOST:
        return current != "won"
    if current == _LOST:
        return new in _REVIVING
    return _ORDER.index(new) > _ORDER.index(current)


def stage_problem(
    current: str, new: str, *, reason: str, was_called: bool, has_meeting: bool
) -> str | None:
    """Return why a person may not move a lead so, in words that say what to do; None if they may.

    Args:
        reason: what the person gave; wanted where others will ask.
        was_called: whether anybody ever called the lead.
        has_meeting: whether the lead has a meeting that is booked or was held.
    """
    if current == new:
        return None
    if new == "appointment" and not has_meeting:
        return "The lead has no appointment. Book one, and the stage follows."
    if new == "new" and was_called:
        return "The lead has been called, so it is not new any more. Choose “Attempted”."
    back = new == _LOST or current in (_LOST, "won") or _ORDER.index(new) < _ORDER.index(current)
    if back and not reason.strip():
        return "Say why: whoever looks at this lead next will ask."
    return None


def stage_after_meeting(current: str, status: str) -> str | None:
    """Return the stage that follows from a meeting that was held or missed; None: it stays.

    Args:
        status: "held" or "no_show".
    """
    if status == "no_show" and current == "appointment":
        return "qualified"
    return None
