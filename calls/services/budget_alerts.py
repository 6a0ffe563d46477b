"""Tell people that a budget runs out, once each time, and pause campaigns where it is wished.

The dialer looks every few seconds (`budgets_watch`), and at once when a budget refuses a call
(`budget_refusal_note`). The alert's row, the pause and the promise of the e-mail are one
transaction: whoever makes the row does the rest, and nobody else does.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

import structlog
from django.conf import settings
from django.core.mail import EmailMessage
from django.db import transaction
from django.utils import timezone

from billing.formats import usd
from billing.models import Budget, BudgetAlert
from billing.policy.limits import period_end
from billing.services import BudgetExhausted
from billing.services.alerts import (
    Crossing,
    budget_alert_raise,
    crossings,
    refusal_crossings,
)
from calls.models import Campaign
from calls.services.campaigns import campaign_pause
from calls.services.outbox import outbox_add
from calls.services.webhook_events import event_publish

logger = structlog.get_logger(__name__)

NO_SERVER = "No e-mail server is set up: set EMAIL_HOST."
OUTBOX_KIND = "budget_alert"


def budgets_watch(now: datetime) -> int:
    """Tell of every threshold that was reached and nobody was told of. Returns how many."""
    return _tell(crossings(now=now), now)


def budget_refusal_note(*, exhausted: BudgetExhausted, now: datetime) -> int:
    """Tell that budgets are used up, after they refused a call. Returns of how many.

    Call it outside the transaction that was refused, which is rolled back.
    """
    return _tell(refusal_crossings(exhausted, now=now), now)


def budget_alert_send(*, alert_id: UUID | str, now: datetime) -> None:
    """Send an alert by e-mail to the budget's addresses (outbox). Sent once, it is not again.

    Raises:
        OSError, smtplib.SMTPException: the server did not take it; the outbox tries again.
    """
    alert = BudgetAlert.objects.select_related("period__budget__campaign").get(pk=alert_id)
    addresses = alert.period.budget.notify_addresses
    if alert.emailed_at is not None or not addresses:
        return
    if not settings.EMAIL_HOST:
        BudgetAlert.objects.filter(pk=alert.pk).update(problem=NO_SERVER)
        logger.warning("budget_alert_not_sent", alert_id=str(alert.pk), problem=NO_SERVER)
        return
    # The same at every attempt: a mailbox that got it before drops the second one.
    headers = {"Message-ID": f"<{alert.pk}@{settings.ENV.public_host}>"}
    EmailMessage(
        subject=subject_of(alert), body=body_of(alert), to=addresses, headers=headers
    ).send()
    BudgetAlert.objects.filter(pk=alert.pk).update(emailed_at=timezone.now(), problem="")


def subject_of(alert: BudgetAlert) -> str:
    """Return the alert as a line."""
    budget = alert.period.budget
    if alert.kind == BudgetAlert.Kind.PAUSE:
        return f"{budget.name}: campaigns paused at {alert.percent} %"
    if alert.percent >= 100:
        return f"{budget.name}: used up"
    return f"{budget.name}: {alert.percent} % used"


def body_of(alert: BudgetAlert) -> str:
    """Return what happened, what it means and what can be done, in plain text."""
    budget = alert.period.budget
    scope = f"the campaign “{budget.campaign}”" if budget.campaign else "all campaigns"
    per_lead = budget.measure == Budget.Measure.PER_QUALIFIED_LEAD
    limit = f"{usd(alert.limit)} per qualified lead" if per_lead else usd(alert.limit)
    lines = [
        f"The budget “{budget.name}” for {scope} has reached {alert.percent} % of its limit.",
        "",
        f"Limit: {limit} ({budget.get_period_display().lower()})",
        f"Spent and promised: {usd(alert.committed)}",
    ]
    ends = period_end(budget.period, starts_on=alert.period.starts_on, time_zone=budget.time_zone)
    if ends is not None:
        lines.append(f"Next period: {ends:%A %-d %B %Y, %H:%M} {ends:%Z}")
    lines.append("")
    if alert.campaigns:
        lines.append(f"Paused: {', '.join(alert.campaigns)}. Start them again when you wish.")
    elif alert.percent >= 100:
        lines.append("No new call is dialled on it until its limit is raised or a period begins.")
    elif alert.percent >= budget.soft_percent:
        lines.append("Calls use the cheaper voice from now on.")
    lines.append(
        "See and change it: "
        f"{settings.ENV.public_base_url}/admin/billing/budget/{budget.pk}/change/"
    )
    return "\n".join(lines)


def event_data(alert: BudgetAlert) -> dict[str, Any]:
    """Return the alert as other systems hear it. Names are left out: people choose them."""
    budget = alert.period.budget
    return {
        "alert": str(alert.pk),
        "budget": str(budget.pk),
        "campaign": str(budget.campaign_id) if budget.campaign_id else None,
        "kind": alert.kind,
        "percent": alert.percent,
        "measure": budget.measure,
        "period": budget.period,
        "starts_on": alert.period.starts_on.isoformat(),
        "limit": f"{alert.limit:f}",
        "committed": f"{alert.committed:f}",
        "currency": "USD",
        "campaigns_paused": len(alert.campaigns),
    }


def _tell(found: Iterable[Crossing], now: datetime) -> int:
    told = 0
    for crossing in found:
        told += _tell_one(crossing, now)
    return told


@transaction.atomic
def _tell_one(crossing: Crossing, now: datetime) -> bool:
    alert = budget_alert_raise(crossing=crossing, now=now)
    if alert is None:
        return False
    if alert.kind == BudgetAlert.Kind.PAUSE:
        alert.campaigns = _pause(alert, now)
        alert.save(update_fields=["campaigns"])
    outbox_add(
        kind=OUTBOX_KIND,
        key=f"{OUTBOX_KIND}:{alert.pk}",
        payload={"alert": str(alert.pk)},
        due_at=now,
    )
    event_publish(
        event="budget.threshold",
        key=f"{OUTBOX_KIND}:{alert.pk}",
        data=event_data(alert),
        now=now,
    )
    logger.warning(
        "budget_threshold", budget_id=str(alert.period.budget_id), kind=alert.kind,
        percent=alert.percent,
    )  # fmt: skip
    return True


def _pause(alert: BudgetAlert, now: datetime) -> list[str]:
    """Pause the running campaigns that the budget binds, and return their names."""
    budget = alert.period.budget
    running = Campaign.objects.filter(state=Campaign.State.RUNNING).order_by("name")
    if budget.campaign_id is not None:
        running = running.filter(pk=budget.campaign_id)
    reason = (
        f"{alert.percent} % of the budget “{budget.name[:60]}” is used: raise its limit or wait "
        "for its next period, then start the campaign."
    )
    return [
        campaign.name
        for campaign in running
        if campaign_pause(campaign_id=campaign.pk, reason=reason, now=now)
    ]
