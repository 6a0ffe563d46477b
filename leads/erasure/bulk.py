"""Many leads are erased at once, one after the other."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from leads.erasure.erase import ErasureRefused, lead_erase
from leads.erasure.subject import subject_of
from leads.models import BulkChange, Lead
from leads.services.bulk import Before, BulkAction


def _erase(leads: Sequence[Lead], change: BulkChange, now: datetime) -> Before:
    """Erase leads; one who is on a call stays, and can be erased when it is over."""
    erased: Before = {}
    for lead in leads:
        if lead.erased_at is not None:
            continue
        try:
            lead_erase(
                subject=subject_of(str(lead.pk)),
                actor=change.actor,
                reason=str(change.options.get("reason", "")),
                now=now,
            )
        except ErasureRefused:
            continue
        erased[lead.pk] = True
    return erased


# One at a time: files that are deleted do not come back with a transaction that is rolled back.
ACTIONS = (BulkAction("erase", _erase, chunk=1),)
