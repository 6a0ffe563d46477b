"""Calls that are on the line now."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, OuterRef, QuerySet, Subquery

from calls.desk.running_cost import RunningCost, running_costs
from calls.models import Call, KillSwitch, Turn
from leads.access import Viewer, seen_by

MOST = 100


@dataclass(frozen=True, slots=True)
class LiveCard:
    """One live call as its card shows it."""

    call: Call
    seconds: int
    cost: RunningCost
    last_text: str
    last_speaker: str
    agent: str


def live_calls(now: datetime, *, viewer: Viewer) -> list[LiveCard]:
    """Return the live calls that a user may see, the longest first, at most 100.

    Three queries, however many they are.
    """
    last = Turn.objects.filter(call=OuterRef("pk")).order_by("-index")
    rows = (
        seen_by(Call.objects.filter(state__in=Call.ACTIVE_STATES), viewer)
        .select_related("lead", "campaign")
        .annotate(
            last_text=Subquery(last.values("text")[:1]),
            last_speaker=Subquery(last.values("speaker")[:1]),
            last_agent=Subquery(last.filter(speaker="agent").values("agent")[:1]),
        )
        .order_by("created_at")[:MOST]
    )
    calls = list(rows)
    running = running_costs(calls, now=now)
    return [
        LiveCard(
            call=call,
            seconds=int((now - call.answered_at).total_seconds()) if call.answered_at else 0,
            cost=running[call.pk],
            last_text=call.last_text or "",
            last_speaker=call.last_speaker or "",
            agent=call.last_agent or "",
        )
        for call in calls
    ]


def kill_switch() -> KillSwitch:
    """Return the switch; one that was never touched lets calls through."""
    row = KillSwitch.objects.select_related("changed_by").filter(pk=1).first()
    return row or KillSwitch(engaged=False)


def on_the_line(calls: QuerySet[Call]) -> tuple[int, int]:
    """Return how many of the calls ring (or are on their way), and on how many somebody talks."""
    active = calls.filter(state__in=Call.ACTIVE_STATES).order_by()
    found = dict(active.values_list("state").annotate(Count("pk")))
    talking = found.pop(Call.State.IN_PROGRESS, 0)
    return sum(found.values()), talking


def goodbye(talking: int) -> str:
    """Return what is offered to whoever stops calls while people talk."""
    them = {0: "talks that begin meanwhile", 1: "the talk"}.get(talking, f"the {talking} talks")
    return f"Also end {them} now: the agent says one closing sentence and hangs up."
