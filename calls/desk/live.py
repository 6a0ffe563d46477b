"""Calls that are on the line now."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.db.models import DecimalField, OuterRef, Subquery, Sum
from django.db.models.functions import Coalesce

from billing.models import Charge
from calls.models import Call, KillSwitch, Turn
from leads.access import Viewer, seen_by

MOST = 100


@dataclass(frozen=True, slots=True)
class LiveCard:
    """One live call as its card shows it."""

    call: Call
    seconds: int
    cost: Decimal
    last_text: str
    last_speaker: str
    agent: str


def live_calls(now: datetime, *, viewer: Viewer) -> list[LiveCard]:
    """Return the live calls that a user may see in one query, the longest first, at most 100."""
    last = Turn.objects.filter(call=OuterRef("pk")).order_by("-index")
    spent = (
        Charge.objects.filter(call=OuterRef("pk"))
        .order_by()
        .values("call")
        .annotate(total=Sum("amount"))
        .values("total")
    )
    rows = (
        seen_by(Call.objects.filter(state__in=Call.ACTIVE_STATES), viewer)
        .select_related("lead", "campaign")
        .annotate(
            last_text=Subquery(last.values("text")[:1]),
            last_speaker=Subquery(last.values("speaker")[:1]),
            last_agent=Subquery(last.filter(speaker="agent").values("agent")[:1]),
            spent=Coalesce(
                Subquery(spent), Decimal(0), output_field=DecimalField(decimal_places=6)
            ),
        )
        .order_by("created_at")[:MOST]
    )
    return [
        LiveCard(
            call=call,
            seconds=int((now - call.answered_at).total_seconds()) if call.answered_at else 0,
            cost=call.spent,
            last_text=call.last_text or "",
            last_speaker=call.last_speaker or "",
            agent=call.last_agent or "",
        )
        for call in rows
    ]


def kill_switch() -> KillSwitch:
    """Return the switch; one that was never touched lets calls through."""
    row = KillSwitch.objects.select_related("changed_by").filter(pk=1).first()
    return row or KillSwitch(engaged=False)
