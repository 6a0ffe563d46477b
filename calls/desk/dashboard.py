"""The figures of the dashboard, in a constant number of queries."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from uuid import UUID

from django.db.models import Count, Exists, F, OuterRef, Q, Sum
from django.urls import reverse
from django.utils import timezone

from billing.formats import usd
from billing.models import BudgetAlert, Charge
from billing.policy.limits import period_start
from billing.rent_prices import rent_price_add_link, rents_without_price
from calls.desk.funnel import STEPS, with_lead_spoke
from calls.desk.variance import variances
from calls.models import Call, Campaign, Enrolment, OutboxItem, Turn
from leads.models import Appointment, DoNotCall, Mail, Task

# A call whose money is not settled this long after its end needs a person.
SETTLED_WITHIN = timedelta(minutes=15)
# Below it the cheaper voice is all that follows, and the budget's bar shows that.
ALERT_FROM_PERCENT = 95
VARIANCE_SINCE = timedelta(days=7)
UNSENT_SINCE = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Step:
    """One step of the funnel: how many, and the share of the step before it."""

    key: str
    label: str
    count: int
    rate: float | None


@dataclass(frozen=True, slots=True)
class Period:
    """What happened in a span of time."""

    key: str
    label: str
    since: datetime
    steps: list[Step]
    spent: Decimal
    opt_outs: int
    median_ms: int | None
    p95_ms: int | None

    @property
    def appointments(self) -> int:
        """Appointments made."""
        return self.steps[-1].count

    @property
    def per_appointment(self) -> Decimal | None:
        """USD per appointment, None before the first."""
        return self.spent / self.appointments if self.appointments else None

    @property
    def per_call(self) -> Decimal | None:
        """USD per answered call, None before the first."""
        return self.spent / self.steps[1].count if self.steps[1].count else None


@dataclass(frozen=True, slots=True)
class Attention:
    """Something that a person has to look at."""

    text: str
    link: str


def periods(now: datetime) -> list[Period]:
    """Return today (in the viewer's zone) and the last seven days."""
    midnight = timezone.localtime(now).replace(hour=0, minute=0, second=0, microsecond=0)
    week = midnight - timedelta(days=6)
    spans = (("today", "Today", midnight), ("week", "Last 7 days", week))
    calls = with_lead_spoke(Call.objects.filter(created_at__gte=week)).aggregate(
        **{
            f"{key}_{step}": Count("pk", filter=Q(created_at__gte=since) & condition)
            for key, _, since in spans
            for step, (_, condition) in STEPS.items()
        }
    )
    spent = Charge.objects.filter(at__gte=week).aggregate(
        **{key: Sum("amount", filter=Q(at__gte=since)) for key, _, since in spans}
    )
    opt_outs = DoNotCall.objects.filter(
        created_at__gte=week, source__in=(DoNotCall.Source.VOICE, DoNotCall.Source.KEY)
    ).aggregate(**{key: Count("pk", filter=Q(created_at__gte=since)) for key, _, since in spans})
    result = []
    for key, label, since in spans:
        median, p95 = _latency(since)
        result.append(
            Period(
                key=key,
                label=label,
                since=since,
                steps=_steps({step: calls[f"{key}_{step}"] for step in STEPS}),
                spent=spent[key] or Decimal(0),
                opt_outs=opt_outs[key],
                median_ms=median,
                p95_ms=p95,
            )
        )
    return result


def needs_a_person(now: datetime) -> list[Attention]:
    """Return what will not mend itself, each with a link to the rows."""
    dead = OutboxItem.objects.filter(dead_at__isnull=False, done_at__isnull=True).count()
    unsettled = Call.objects.filter(
        ended_at__lt=now - SETTLED_WITHIN, settled_at__isnull=True
    ).count()
    today = timezone.localtime(now)
    day_ends = today.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
    meetings = Appointment.objects.filter(
        status=Appointment.Status.BOOKED, starts_at__gte=now, starts_at__lt=day_ends
    ).count()
    passed = Appointment.objects.filter(status=Appointment.Status.BOOKED, ends_at__lt=now).count()
    waiting = Enrolment.objects.filter(campaign=OuterRef("pk"), state=Enrolment.State.WAITING)
    idle = list(
        Campaign.objects.filter(state=Campaign.State.RUNNING)
        .exclude(Exists(waiting))
        .exclude(Exists(Call.objects.filter(campaign=OuterRef("pk"), state__in=Call.ACTIVE_STATES)))
        .order_by("name")[:5]
    )
    paused = list(Campaign.objects.filter(state=Campaign.State.PAUSED).exclude(pause_reason="")[:5])
    jobs, calls = (
        reverse("admin:calls_outboxitem_changelist"),
        reverse("admin:calls_call_changelist"),
    )
    diary = reverse("admin:leads_appointment_changelist")
    overdue = Task.objects.filter(done_at__isnull=True, due_at__lte=now).count()
    tasks = reverse("admin:leads_task_changelist")
    unsent = Mail.objects.filter(
        sent_at__isnull=True, dropped_at__isnull=True, due_at__gt=now - UNSENT_SINCE
    ).exclude(problem="")
    found = [
        (overdue, "{}", "overdue task", f"{tasks}?who=all"),
        (
            unsent.count(),
            "{} not sent: no e-mail server is set up",
            "e-mail",
            f"{diary}?due=coming",
        ),
        (dead, "{} given up: look at the error", "job", f"{jobs}?job=dead"),
        (unsettled, "{} ended but not settled", "call", f"{calls}?live=unsettled"),
        (meetings, "{} still to come today", "appointment", f"{diary}?status__exact=booked"),
        (passed, "{} over, not marked held or missed", "appointment", f"{diary}?due=over"),
    ]
    rows = [
        Attention(text.format(f"{count} {noun}{'' if count == 1 else 's'}"), link)
        for count, text, noun, link in found
        if count
    ]
    rows += [
        Attention(
            f"{campaign} is running but has nobody left to call",
            reverse("admin:calls_campaign_change", args=(campaign.pk,)),
        )
        for campaign in idle
    ]
    rows += [
        Attention(
            f"{campaign} is paused: {campaign.pause_reason}",
            reverse("admin:calls_campaign_change", args=(campaign.pk,)),
        )
        for campaign in paused
    ]
    bills = reverse("admin:billing_reconciliation_changelist")
    rows += [
        Attention(
            f"{row.label} is billed {row.share * 100:+.0f} % off its estimate: look at its price",
            f"{bills}?component__exact={row.component}",
        )
        for row in variances(since=now - VARIANCE_SINCE, until=now)
        if row.alerts
    ]
    rows += [
        Attention(
            f"{number} has no price of its rent: its days are not charged",
            rent_price_add_link(number),
        )
        for number in rents_without_price(now.date())[:5]
    ]
    return rows + _budget_alerts(now)


def _budget_alerts(now: datetime) -> list[Attention]:
    """Return the budgets that are nearly or wholly used up, until their period or limit changes."""
    recent = (
        BudgetAlert.objects.filter(
            Q(percent__gte=ALERT_FROM_PERCENT) | ~Q(problem=""),
            kind=BudgetAlert.Kind.NOTICE,
            period__budget__active=True,
            limit=F("period__budget__limit"),
        )
        .select_related("period__budget")
        .order_by("period", "-percent")[:100]
    )
    highest: dict[UUID, BudgetAlert] = {}
    for alert in recent:
        budget = alert.period.budget
        begins = period_start(budget.period, now=now, time_zone=budget.time_zone)
        if alert.period.starts_on == begins:
            highest.setdefault(budget.pk, alert)
    return [
        Attention(
            (
                f"{alert.period.budget} is used up: {usd(alert.limit)}"
                if alert.percent >= 100
                else f"{alert.period.budget} has reached {alert.percent} % of {usd(alert.limit)}"
            )
            + (f". No e-mail went out: {alert.problem}" if alert.problem else ""),
            reverse("admin:billing_budget_change", args=(budget_id,)),
        )
        for budget_id, alert in list(highest.items())[:5]
    ]


def _steps(counts: dict[str, int]) -> list[Step]:
    steps, before = [], None
    for key, (label, _) in STEPS.items():
        count = counts[key]
        steps.append(Step(key, label, count, count / before if before else None))
        before = count
    return steps


def _latency(since: datetime) -> tuple[int | None, int | None]:
    """Return median and 95th percentile of the answer times, ms.

    Two rows are fetched by their rank: percentile functions are not there on SQLite.
    """
    times = (
        Turn.objects.filter(created_at__gte=since, latency_ms__isnull=False)
        .order_by("latency_ms")
        .values_list("latency_ms", flat=True)
    )
    count = times.count()
    if not count:
        return None, None
    # Nearest rank: the smallest value that at least the share of all values do not exceed.
    ranks = [max(-(-count * share // 100) - 1, 0) for share in (50, 95)]
    return times[ranks[0]], times[ranks[1]]
