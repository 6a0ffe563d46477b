"""What the rest of the product reads of campaigns and calls."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db.models import Count, Exists, OuterRef, Q, QuerySet, Subquery, Sum

from agents.interface import Notes
from calls.models import (
    Call,
    Campaign,
    Enrolment,
    KillSwitch,
)
from calls.policy.cadence import LeadHours
from calls.policy.turns import CALLED_NEXT, PROMISED, Standing
from leads.models import DoNotCall, ImportBatch, ImportRow, Lead
from leads.policy.calling_rules import current_rules
from leads.policy.may_call import CallFacts
from leads.policy.windows import CampaignWindow, known_zone
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
        # A call that was promised, or that a person asks for, is made however many were made.
        campaign_max_attempts=None if enrolment.priority >= PROMISED else campaign.max_attempts,
        california_override=campaign.california_override,
    )


def lead_hours(lead: Lead, campaign: Campaign) -> LeadHours:
    """Return when a lead may be called by a campaign, as far as the clock decides."""
    about = call_facts(lead, attempts_at=())
    return LeadHours(
        zones=tuple(zone for name in about.time_zones if (zone := known_zone(name))),
        states=about.states,
        window=CampaignWindow(campaign.window_opens, campaign.window_closes),
        rules=current_rules(),
    )


def campaigns_standing(*, now: datetime) -> list[Standing]:
    """Return the running campaigns that have somebody due and may dial.

    Each question is one row of an index, however many leads wait.
    """
    waiting = Enrolment.objects.filter(campaign=OuterRef("pk"), state=Enrolment.State.WAITING)

    def first_due(**which: int) -> Subquery:
        return Subquery(waiting.filter(**which).order_by("due_at").values("due_at")[:1])

    campaigns = (
        Campaign.objects.filter(
            Q(held_until=None) | Q(held_until__lte=now),
            Q(next_dial_at=None) | Q(next_dial_at__lte=now),
            state=Campaign.State.RUNNING,
        )
        .annotate(
            first=first_due(),
            wanted=first_due(priority=CALLED_NEXT),
            promised=first_due(priority=PROMISED),
        )
        .filter(first__lte=now)
        .order_by("started_at")
        .values_list("pk", "priority", "weight", "turn", "wanted", "promised")
    )
    return [
        Standing(
            campaign=pk,
            priority=priority,
            weight=weight,
            turn=turn,
            urgent_since=min((at for at in (wanted, promised) if at and at <= now), default=None),
        )
        for pk, priority, weight, turn, wanted, promised in campaigns
    ]


def enrolment_next(campaign: Campaign, *, now: datetime) -> Enrolment | None:
    """Lock and return the campaign's next lead: the highest priority, and of it the first due.

    Belongs in a transaction. The priorities are gone through one by one, each with a look at an
    index: leads of a high one that are not due yet are not read.
    """
    waiting = Enrolment.objects.filter(campaign=campaign, state=Enrolment.State.WAITING)
    by_turn = waiting.order_by("-priority", "due_at")
    priority = by_turn.values_list("priority", flat=True).first()
    while priority is not None:
        found = (
            waiting.select_for_update(skip_locked=True, of=("self",))
            .select_related("lead")
            .filter(priority=priority, due_at__lte=now)
            .order_by("due_at")
            .first()
        )
        if found is not None:
            found.campaign = campaign
            return found
        below = by_turn.filter(priority__lt=priority)
        priority = below.values_list("priority", flat=True).first()
    return None


def leads_to_enrol(
    *,
    campaign_id: UUID | str,
    kind: str = "",
    stage: str = "",
    state: str = "",
    source: str = "",
    batch: ImportBatch | None = None,
) -> QuerySet[Lead]:
    """Return the leads that a choice would put in a campaign; an empty choice is all.

    Left out are leads that are in it already (those that were stopped wait again), and numbers on
    the do-not-call list: the gate would refuse them at dialling.

    Args:
        state: two-letter code.
        batch: only leads that this import made or changed.
    """
    wanted = {"kind": kind, "stage": stage, "state": state.upper(), "source": source}
    leads = Lead.objects.filter(**{name: value for name, value in wanted.items() if value})
    if batch is not None:
        rows = ImportRow.objects.filter(batch=batch, lead_id__isnull=False)
        leads = leads.filter(pk__in=rows.values("lead_id"))
    there = Enrolment.objects.filter(campaign_id=campaign_id, lead=OuterRef("pk"))
    refused = DoNotCall.objects.filter(phone=OuterRef("phone"))
    return leads.exclude(Exists(there.exclude(state=Enrolment.State.STOPPED))).exclude(
        Exists(refused)
    )


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
