"""Keep under the carrier's calls per second, together: it would queue the excess for up to 24 h.

One row holds when the account may send its next call, so that any number of dialers share the
pace; time not used is not saved up. The same row knows whose turn it was last.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db.models import Q

from calls.models import Campaign, DialerState
from calls.policy.turns import turn_taken

CARRIER_DOWN = timedelta(seconds=10)
"""How long a dialer's word that the carrier does not answer holds."""


class OutOfPace(Exception):  # noqa: N818 - says what happened
    """Another dialer has sent a call in this moment."""


def dialer_state() -> DialerState:
    """Return what the dialers share, unlocked."""
    return DialerState.objects.filter(pk=1).first() or DialerState()


def pace_wait(now: datetime) -> timedelta:
    """Return how long the account has to wait before its next call; zero when it may send one."""
    at = dialer_state().next_dial_at
    return max(at - now, timedelta()) if at else timedelta()


def turn_take(*, campaign: Campaign, per_second: float | None, now: datetime) -> None:
    """Take the account's next call for a campaign. Belongs in the transaction that makes the call.

    Args:
        per_second: calls that the account may send in a second; None: somebody else keeps count.

    Raises:
        OutOfPace: the account may not send one now.
    """
    locked = DialerState.objects.select_for_update().filter(pk=1)
    state = locked.first()
    if state is None:
        DialerState.objects.get_or_create(pk=1)
        state = locked.get()
    if per_second is not None:
        if state.next_dial_at is not None and state.next_dial_at > now:
            raise OutOfPace
        state.next_dial_at = now + timedelta(seconds=1 / per_second)
    turn, state.turn = turn_taken(campaign.turn, weight=campaign.weight, now_at=state.turn)
    state.save(update_fields=["next_dial_at", "turn"])
    rate = campaign.calls_per_minute
    Campaign.objects.filter(pk=campaign.pk).update(
        turn=turn,
        next_dial_at=now + timedelta(seconds=60 / rate) if rate else None,
        held_until=None,
        held_reason="",
    )


def carrier_down_note(now: datetime) -> None:
    """Let everybody see that the carrier does not answer this dialer."""
    DialerState.objects.get_or_create(pk=1)
    DialerState.objects.filter(
        Q(carrier_down_until=None) | Q(carrier_down_until__lt=now + CARRIER_DOWN / 2), pk=1
    ).update(carrier_down_until=now + CARRIER_DOWN)
