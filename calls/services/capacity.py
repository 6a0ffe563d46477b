"""How many more calls the voice processes can carry: asked before a call is dialled or taken.

Every voice process reports its places, its calls and whether it takes more, every few seconds and
at every change. A report that is not renewed expires, so a process that dies is not counted on.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Q

from calls.models import Call, VoiceProcess

EXPIRES = timedelta(seconds=10)
"""Reports come every 2 s: one that is this old is of a process that is gone, or cut off."""
FORGOTTEN = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class VoiceCapacity:
    """What the voice processes can carry.

    Attributes:
        processes: How many report themselves.
        places: Calls that they carry at once, all together.
        free: Calls that can be dialled now: places that no call has, or is on its way to.
    """

    processes: int
    places: int
    free: int


def voice_capacity_publish(
    *, name: str, most: int, live: int, refusal: str = "", now: datetime
) -> None:
    """Report a voice process.

    Args:
        name: of the process, the same in all its reports.
        most: calls that it carries at once.
        live: calls that it carries now.
        refusal: why it takes no further call; empty if it does.
    """
    VoiceProcess.objects.update_or_create(
        name=name,
        defaults={
            "most": most,
            "live": live,
            "refusal": refusal[:20],
            "published_at": now,
            "expires_at": now + EXPIRES,
        },
    )
    VoiceProcess.objects.filter(expires_at__lt=now - FORGOTTEN).delete()


def voice_capacity(now: datetime) -> VoiceCapacity | None:
    """Return what the voice processes can carry. `None` if none has ever reported itself."""
    processes = list(VoiceProcess.objects.filter(expires_at__gt=now))
    if not processes:
        return VoiceCapacity(0, 0, 0) if VoiceProcess.objects.exists() else None
    free = sum(max(0, one.most - one.live) for one in processes if not one.refusal)
    # Calls on their way to a place, and those that came to one after it was reported free.
    oldest = min(one.published_at for one in processes)
    coming = Call.objects.filter(
        Q(stream_started_at__isnull=True) | Q(stream_started_at__gt=oldest),
        state__in=Call.ACTIVE_STATES,
    ).count()
    places = sum(one.most for one in processes)
    return VoiceCapacity(len(processes), places, max(0, free - coming))


def voice_capacity_free(now: datetime) -> int | None:
    """Return how many calls may be dialled now without one that nobody could speak on.

    `None` means that no voice process has ever reported itself, and nothing is known.
    """
    capacity = voice_capacity(now)
    return None if capacity is None else capacity.free
