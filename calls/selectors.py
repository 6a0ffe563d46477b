"""What the rest of the product reads of campaigns and calls."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db.models import Count, Exists, OuterRef, QuerySet, Sum

from agents.interface import Notes
from calls.models import (
    Call,
    Campaign,
    Enrolment,
    KillSwitch,
)
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
class CampaignProgress:
    """How far a campaign is."""

    waiting: int
    on_the_line: int
    done: int
    stopped: int
    outcomes: dict[str, int]
    blocked: dict[str, int]
    """Reason code -> leads that the gate last refused for it."""
    cost: Decimal


def campaign_progress(campaign_id: UUID | str) -> CampaignProgress:
    """Count a campaign's leads by state, its calls by outcome, and what they cost."""
    states: Counter[str] = Counter()
    blocked: Counter[str] = Counter()
    # One pass over an index that holds both: a campaign has a million leads, and few answers.
    groups = Enrolment.objects.filter(campaign_id=campaign_id).order_by()
    counted = groups.values_list("state", "blocked_reasons").annotate(leads=Count("*"))
    for state, codes, count in counted:
        states[state] += count
        for code in codes:
            blocked[code] += count
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
        blocked=dict(blocked),
        cost=calls.aggregate(total=Sum("cost"))["total"] or Decimal(0),
    )
