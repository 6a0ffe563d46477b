"""What a campaign is doing, whom it does not call and why, and what starting it would do."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.db.models import Avg, Q, Sum
from django.utils import timezone

from billing.formats import usd
from billing.models import Budget, Charge
from calls.desk.live import on_the_line
from calls.models import Call, Campaign, Enrolment, Lease, Outcome
from calls.policy.cadence import Cadence
from calls.policy.cadence_words import cadence_words
from calls.policy.explanation import REASONS, DialFacts, Explanation, explain
from calls.selectors import campaign_progress, kill_switch_engaged
from calls.services.capacity import voice_capacity_free
from calls.services.guards import goal_count, missing_to_start
from calls.services.pace import dialer_state

STATES = Enrolment.State.choices
# Before there is a history, a call is taken to cost this much (USD): three minutes of talk.
TYPICAL_CALL = Decimal("0.08")


@dataclass(frozen=True, slots=True)
class Slice:
    """One part of a whole: a label, how many, and the share of 0-1."""

    key: str
    label: str
    count: int
    share: float


@dataclass(frozen=True, slots=True)
class CampaignPage:
    """Progress, outcomes, money and obstacles of one campaign."""

    campaign: Campaign
    total: int
    states: list[Slice]
    outcomes: list[Slice]
    blocked: list[Slice]
    live: int
    dialled: int
    spent: Decimal
    appointments: int
    budgets: list[Budget]
    explanation: Explanation
    cadence: list[str]
    goal: str

    @property
    def per_appointment(self) -> Decimal | None:
        """USD per appointment, or None before the first."""
        return self.spent / self.appointments if self.appointments else None


@dataclass(frozen=True, slots=True)
class StartPreview:
    """What starting a campaign will do, in sentences."""

    lines: list[str]
    warnings: list[str]


def campaign_page(campaign: Campaign) -> CampaignPage:
    """Return the page of a campaign in a constant number of queries."""
    now = timezone.now()
    progress = campaign_progress(campaign.pk)
    facts = _dial_facts(campaign, waiting=progress.waiting, blocked=progress.blocked, now=now)
    spent = Charge.objects.filter(campaign=campaign).aggregate(total=Sum("amount"))["total"]
    states = {
        Enrolment.State.WAITING: progress.waiting,
        Enrolment.State.CLAIMED: progress.on_the_line,
        Enrolment.State.DONE: progress.done,
        Enrolment.State.STOPPED: progress.stopped,
    }
    total = sum(states.values())
    outcomes = progress.outcomes
    return CampaignPage(
        campaign=campaign,
        total=total,
        states=_slices({str(key): n for key, n in states.items()}, dict(STATES), total),
        outcomes=_slices(outcomes, dict(Outcome.choices), sum(outcomes.values())),
        blocked=_slices(progress.blocked, REASONS, total),
        live=facts.ringing + facts.talking,
        dialled=campaign.calls.filter(dialed_at__isnull=False).count(),
        spent=spent or Decimal(0),
        appointments=outcomes.get(Outcome.APPOINTMENT, 0),
        budgets=list(campaign.budgets.filter(active=True)),
        explanation=explain(facts, now=now, clock=_clock),
        cadence=cadence_words(
            Cadence.model_validate(campaign.cadence), max_attempts=campaign.max_attempts
        ),
        goal=_goal(campaign),
    )


def _goal(campaign: Campaign) -> str:
    if not campaign.goal_outcome:
        return ""
    what = campaign.get_goal_outcome_display().lower()
    then = "it pauses" if campaign.goal_then == "pause" else "it finishes"
    return f"{goal_count(campaign):,} of {campaign.goal_count:,} {what} reached; then {then}."


def price_per_call(campaign: Campaign) -> tuple[Decimal, str]:
    """Return about what an answered call costs, USD, and what that is taken from."""
    settled = Call.objects.filter(settled_at__isnull=False, cost__gt=0)
    average = (
        settled.filter(campaign=campaign).aggregate(average=Avg("cost"))["average"]
        or settled.aggregate(average=Avg("cost"))["average"]
    )
    basis = "as calls have cost so far" if average else "a typical call"
    return (Decimal(average) if average else TYPICAL_CALL), basis


def start_preview(campaign: Campaign, *, now: datetime) -> StartPreview:
    """Say how many leads a start reaches, what it may cost and when it calls."""
    waiting = campaign.enrolments.filter(state=Enrolment.State.WAITING).count()
    per_call, basis = price_per_call(campaign)
    limits = ", ".join(
        f"{usd(budget.limit)} per {_limited(budget)} ({budget.name})"
        for budget in Budget.objects.filter(active=True).filter(
            Q(campaign=campaign) | Q(campaign__isnull=True)
        )
    )
    opens = f"{campaign.window_opens:%H:%M}" if campaign.window_opens else "the legal opening"
    closes = f"{campaign.window_closes:%H:%M}" if campaign.window_closes else "the legal closing"
    lines = [
        f"Reach: {waiting:,} waiting lead{'' if waiting == 1 else 's'}, "
        f"up to {campaign.max_concurrent} calls at a time, "
        f"at most {campaign.max_attempts} attempts each.",
        f"Price: about {usd((per_call * waiting).quantize(Decimal('0.01')))} for one answered call "
        f"each ({usd(per_call.quantize(Decimal('0.0001')))} a call, {basis}). "
        "Unanswered calls are free.",
        f"Hours: {opens} to {closes}, in each lead's own time zone.",
        f"Budgets that limit it: {limits}." if limits else "No budget limits it.",
        "Every lead is checked again for consent, do-not-call and hours before it is dialled.",
    ]
    return StartPreview(lines=lines, warnings=missing_to_start(campaign))


def _limited(budget: Budget) -> str:
    """Return what a budget's limit is for."""
    period = budget.get_period_display().lower()
    if budget.measure == Budget.Measure.PER_QUALIFIED_LEAD:
        return f"qualified lead, averaged over the {period}"
    return period


def _slices(counts: dict[str, int], labels: dict[str, str], total: int) -> list[Slice]:
    rows = [
        Slice(key, str(labels.get(key, key)), count, count / total if total else 0.0)
        for key, count in counts.items()
        if count
    ]
    return sorted(rows, key=lambda row: row.count, reverse=True)


def _dial_facts(
    campaign: Campaign, *, waiting: int, blocked: dict[str, int], now: datetime
) -> DialFacts:
    """Return what the dialer knows when it looks at a campaign."""
    ringing, talking = on_the_line(campaign.calls.all())
    leads = campaign.enrolments.filter(state=Enrolment.State.WAITING)
    down_until = dialer_state().carrier_down_until
    return DialFacts(
        state=campaign.state,
        pause_reason=campaign.pause_reason,
        waiting=waiting,
        ringing=ringing,
        talking=talking,
        max_concurrent=campaign.max_concurrent,
        kill_switch=kill_switch_engaged(),
        dialer_runs=Lease.objects.filter(name="dialer", expires_at__gt=now).exists(),
        carrier_down=down_until is not None and down_until > now,
        voice_places=voice_capacity_free(now),
        held_reason=campaign.held_reason,
        held_until=campaign.held_until,
        next_dial_at=campaign.next_dial_at,
        next_due=leads.order_by("due_at").values_list("due_at", flat=True).first(),
        blocked=blocked,
    )


def _clock(at: datetime) -> str:
    """Write a moment in the viewer's time zone."""
    local = timezone.localtime(at)
    day = "" if local.date() == timezone.localdate() else f"{local:%a} {local.day} {local:%b}, "
    return f"{day}{local:%H:%M}"
