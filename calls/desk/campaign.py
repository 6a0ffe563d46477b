"""What a campaign is doing, whom it does not call and why, and what starting it would do."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.db.models import Avg, Count, Q, Sum

from billing.formats import usd
from billing.models import Budget, Charge
from calls.models import Call, Campaign, Enrolment, Outcome
from calls.selectors import campaign_progress

STATES = Enrolment.State.choices
# What a person reads for a code of the gate.
REASONS = {
    "no_consent": "no consent to be called by machine",
    "consent_revoked": "consent revoked",
    "do_not_call": "on the do-not-call list",
    "national_do_not_call": "on the national registry",
    "national_scrub_stale": "national registry not checked for 31 days",
    "number_reassigned": "number belongs to somebody else now",
    "reassigned_check_stale": "reassignment not checked for 45 days",
    "outside_hours": "outside legal hours, will be called later",
    "state_blocked": "state where we do not call",
    "attempts_day": "called often enough today",
    "attempts_week": "called often enough this week",
    "already_on_call": "on another call",
    "campaign_attempts": "all attempts used",
    "no_budget": "no budget left",
    "kill_switch": "all dialling is stopped",
    "campaign_not_running": "campaign not running",
    "no_time_zone": "time zone unknown",
    "no_price": "price of the call unknown",
}
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
    in_words: str

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
    progress = campaign_progress(campaign.pk)
    figures = campaign.calls.order_by().aggregate(
        live=Count("pk", filter=Q(state__in=Call.ACTIVE_STATES)),
        dialled=Count("pk", filter=Q(dialed_at__isnull=False)),
    )
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
        live=figures["live"],
        dialled=figures["dialled"],
        spent=spent or Decimal(0),
        appointments=outcomes.get(Outcome.APPOINTMENT, 0),
        budgets=list(campaign.budgets.filter(active=True)),
        in_words=_in_words(campaign, progress.waiting, figures["live"], progress.blocked),
    )


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
    warnings = []
    if not waiting:
        warnings.append("No lead is waiting: enrol leads first, or nothing will be dialled.")
    if not limits:
        warnings.append("There is no active budget: set one under Money, Budgets.")
    if not campaign.playbook.versions.exists():
        warnings.append("The playbook has no version: there is nothing to say yet.")
    return StartPreview(lines=lines, warnings=warnings)


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


def _in_words(campaign: Campaign, waiting: int, live: int, blocked: dict[str, int]) -> str:
    if campaign.state == Campaign.State.DRAFT:
        return f"Not started. {waiting:,} leads are waiting."
    if campaign.state == Campaign.State.FINISHED:
        return "Finished."
    if campaign.state == Campaign.State.PAUSED:
        why = f" {campaign.pause_reason}" if campaign.pause_reason else ""
        return f"Paused.{why} {waiting:,} leads are waiting."
    if live:
        on_line = "1 call is" if live == 1 else f"{live} calls are"
        return f"Running: {on_line} on the line, {waiting:,} leads are waiting."
    if not waiting:
        return "Running, but nobody is left to call."
    if blocked:
        code, count = max(blocked.items(), key=lambda item: item[1])
        return (
            f"Running, nobody on the line. {waiting:,} leads are waiting; "
            f"{count:,} of them: {REASONS.get(code, code)}."
        )
    return f"Running, nobody on the line. {waiting:,} leads are waiting for their turn."
