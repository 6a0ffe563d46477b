"""What the rest of the product reads of campaigns and calls."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db.models import Count, Exists, OuterRef, QuerySet, Sum

from agents.interface import Notes
from billing.models import Charge
from calls.models import (
    Call,
    CallEvent,
    Campaign,
    Enrolment,
    KillSwitch,
    Recording,
    Turn,
)
from leads.models import Appointment
from leads.policy.may_call import CallFacts
from leads.policy.windows import CampaignWindow
from leads.selectors import call_facts


def kill_switch_engaged() -> bool:
    """Whether all dialling is stopped."""
    return KillSwitch.objects.filter(pk=1, engaged=True).exists()


def notes_of(call: Call) -> Notes:
    """Return the notes that the conversation left, as it gave them."""
    kept: dict[str, Any] = call.notes if isinstance(call.notes, dict) else {}
    return Notes(
        outcome=call.outcome,
        answers=kept.get("answers", {}),
        signals=kept.get("signals", {}),
        memory=kept.get("memory", {}),
    )


def enrolment_facts(enrolment: Enrolment, *, now: datetime) -> CallFacts:
    """Return all that the gate must know of an enrolled lead, budget aside (it is reserved)."""
    campaign = enrolment.campaign
    lead = enrolment.lead
    # The caps count calls to the number, whichever lead or campaign they were made for.
    attempts = Call.objects.filter(
        to_number=lead.phone,
        direction=Call.Direction.OUTBOUND,
        dialed_at__gt=now - timedelta(days=31),
    ).values_list("dialed_at", flat=True)
    return call_facts(
        lead,
        campaign_window=CampaignWindow(campaign.window_opens, campaign.window_closes),
        attempts_at=[at for at in attempts if at is not None],
        on_call=Call.objects.filter(lead=lead, state__in=Call.ACTIVE_STATES).exists(),
        kill_switch=kill_switch_engaged(),
        campaign_running=campaign.state == Campaign.State.RUNNING,
        campaign_attempts=enrolment.attempts,
        campaign_max_attempts=campaign.max_attempts,
        california_override=campaign.california_override,
    )


def campaigns_with_work(*, now: datetime) -> QuerySet[Campaign]:
    """Return running campaigns that have somebody due, oldest first."""
    due = Enrolment.objects.filter(
        campaign=OuterRef("pk"), state=Enrolment.State.WAITING, due_at__lte=now
    )
    return Campaign.objects.filter(Exists(due), state=Campaign.State.RUNNING).order_by("started_at")


@dataclass(frozen=True, slots=True)
class CallPage:
    """Everything the call page shows."""

    call: Call
    turns: list[Turn]
    events: list[CallEvent]
    charges: list[Charge]
    cost: Decimal
    recording: Recording | None
    appointment: Appointment | None
    median_latency_ms: int | None


def call_page(call_id: UUID | str) -> CallPage:
    """Return a call with its transcript, events, charges and recording.

    Raises:
        Call.DoesNotExist: there is no such call.
    """
    call = Call.objects.select_related("lead", "campaign", "playbook_version__playbook").get(
        pk=call_id
    )
    turns = list(call.turns.order_by("index"))
    charges = list(Charge.objects.filter(call=call).order_by("at", "created_at"))
    return CallPage(
        call=call,
        turns=turns,
        events=list(call.events.order_by("at")),
        charges=charges,
        cost=sum((charge.amount for charge in charges), Decimal(0)),
        recording=Recording.objects.filter(call=call).first(),
        appointment=call.appointments.order_by("created_at").first(),
        median_latency_ms=median([t.latency_ms for t in turns if t.latency_ms is not None]),
    )


def median(figures: list[int]) -> int | None:
    """Return the middle of the figures (the lower one of two); `None` of none."""
    return sorted(figures)[(len(figures) - 1) // 2] if figures else None


def live_calls() -> QuerySet[Call]:
    """Return calls on the line, newest first."""
    return Call.objects.filter(state__in=Call.ACTIVE_STATES).select_related("lead", "campaign")


@dataclass(frozen=True, slots=True)
class CampaignProgress:
    """How far a campaign is."""

    waiting: int
    on_the_line: int
    done: int
    stopped: int
    outcomes: dict[str, int]
    blocked: dict[str, int]
    """Reason code -> waiting leads that the gate last refused for it."""
    cost: Decimal


def campaign_progress(campaign_id: UUID | str) -> CampaignProgress:
    """Count a campaign's leads by state, its calls by outcome, and what they cost."""
    states: dict[str, int] = dict(
        Enrolment.objects.filter(campaign_id=campaign_id)
        .values_list("state")
        .annotate(Count("pk"))
        .order_by()
    )
    calls = Call.objects.filter(campaign_id=campaign_id)
    outcomes: dict[str, int] = dict(
        calls.exclude(outcome="").values_list("outcome").annotate(Count("pk")).order_by()
    )
    return CampaignProgress(
        waiting=states.get(Enrolment.State.WAITING, 0),
        on_the_line=states.get(Enrolment.State.CLAIMED, 0),
        done=states.get(Enrolment.State.DONE, 0),
        stopped=states.get(Enrolment.State.STOPPED, 0),
        outcomes=outcomes,
        blocked=_blocked(campaign_id),
        cost=calls.aggregate(total=Sum("cost"))["total"] or Decimal(0),
    )


def dashboard_figures(*, since: datetime) -> dict[str, Any]:
    """Return the counts of the manager's first page for calls begun since a moment."""
    calls = Call.objects.filter(created_at__gte=since)
    latencies = Turn.objects.filter(
        call__created_at__gte=since, speaker=Turn.Speaker.AGENT, latency_ms__isnull=False
    ).values_list("latency_ms", flat=True)
    return {
        "calls": calls.count(),
        "answered": calls.filter(answered_at__isnull=False).count(),
        "appointments": Appointment.objects.filter(created_at__gte=since).count(),
        "live": live_calls().count(),
        "cost": calls.aggregate(total=Sum("cost"))["total"] or Decimal(0),
        "median_latency_ms": median([ms for ms in latencies if ms is not None]),
        "outcomes": dict(
            calls.exclude(outcome="").values_list("outcome").annotate(Count("pk")).order_by()
        ),
    }


def _blocked(campaign_id: UUID | str) -> dict[str, int]:
    counts: dict[str, int] = {}
    rows = (
        Enrolment.objects.filter(campaign_id=campaign_id)
        .exclude(blocked_reasons=[])
        .values_list("blocked_reasons", flat=True)
    )
    for codes in rows:
        for code in codes:
            counts[code] = counts.get(code, 0) + 1
    return counts
