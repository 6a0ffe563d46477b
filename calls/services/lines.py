"""Where representatives take calls, and whether they are there."""

from __future__ import annotations

from datetime import datetime

from django.contrib.auth.models import User

from calls.models import RepLine


def rep_line_set(*, user: User, available: bool, via: str, phone: str) -> RepLine:
    """Keep where somebody takes calls, and whether they do now.

    Raises:
        ValidationError: the telephone is chosen and no number given, or it is no number.
    """
    line = RepLine.objects.filter(user=user).first() or RepLine(user=user)
    line.available, line.via, line.phone = available, via, phone
    line.full_clean()
    line.save()
    return line


def browser_seen(*, user: User, now: datetime) -> None:
    """Note that somebody's browser is open and can be rung."""
    RepLine.objects.update_or_create(user=user, defaults={"browser_seen_at": now})


def browser_gone(*, user: User) -> None:
    """Note that a browser was closed, so that nobody waits for it to ring."""
    RepLine.objects.filter(user=user).update(browser_seen_at=None)
