"""Let one process at a time do a job, and another one take over when it is gone."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import IntegrityError, transaction
from django.db.models import Q

from calls.models import Lease


def lease_take(*, name: str, holder: str, ttl: timedelta, now: datetime) -> bool:
    """Take or keep a job until `now + ttl`. False while another process has it."""
    mine_or_free = Lease.objects.filter(name=name).filter(Q(holder=holder) | Q(expires_at__lte=now))
    if mine_or_free.update(holder=holder, expires_at=now + ttl):
        return True
    if Lease.objects.filter(name=name).exists():
        return False
    try:
        with transaction.atomic():
            Lease.objects.create(name=name, holder=holder, expires_at=now + ttl)
    except IntegrityError:
        return False
    return True


def lease_give_up(*, name: str, holder: str, now: datetime) -> None:
    """Let another process take the job at once."""
    Lease.objects.filter(name=name, holder=holder).update(expires_at=now)
