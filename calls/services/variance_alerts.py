"""Tell people that the carrier bills otherwise than we estimate: once a day for each component.

Looked at after every reconciliation. The alert's row, the promise of the e-mail and the event are
one transaction: whoever makes the row does the rest.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import structlog
from django.conf import settings
from django.core.mail import EmailMessage
from django.db import transaction
from django.utils import timezone

from billing.formats import usd
from billing.models import VarianceAlert, VarianceRule
from calls.desk.variance import Variance, variances
from calls.services.budget_alerts import NO_SERVER
from calls.services.outbox import outbox_add
from calls.services.webhook_events import event_publish

logger = structlog.get_logger(__name__)

OUTBOX_KIND = "variance_alert"
SINCE = timedelta(days=7)
"""Bills of the last week: a price that was put right is not told of for long."""


def variances_watch(now: datetime) -> int:
    """Tell of every component that is too far off and was not told of today. Returns how many."""
    found = variances(since=now - SINCE, until=now)
    return sum(_tell(row, now) for row in found if row.alerts)


def variance_alert_send(*, alert_id: UUID | str, now: datetime) -> None:
    """Send an alert by e-mail to whom the rule names (outbox). Sent once, it is not again.

    Raises:
        OSError, smtplib.SMTPException: the server did not take it; the outbox tries again.
    """
    alert = VarianceAlert.objects.get(pk=alert_id)
    addresses = VarianceRule.current().notify_addresses
    if alert.emailed_at is not None or not addresses:
        return
    if not settings.EMAIL_HOST:
        VarianceAlert.objects.filter(pk=alert.pk).update(problem=NO_SERVER)
        logger.warning("variance_alert_not_sent", alert_id=str(alert.pk), problem=NO_SERVER)
        return
    EmailMessage(
        subject=f"{alert.get_component_display()}: billed otherwise than estimated",
        body=body_of(alert),
        to=addresses,
        # The same at every attempt: a mailbox that got it before drops the second one.
        headers={"Message-ID": f"<{alert.pk}@{settings.ENV.public_host}>"},
    ).send()
    VarianceAlert.objects.filter(pk=alert.pk).update(emailed_at=timezone.now(), problem="")


def body_of(alert: VarianceAlert) -> str:
    """Return what differs, what it means and what can be done, in plain text."""
    base = f"{settings.ENV.public_base_url}/admin/billing"
    of_calls = f", {alert.calls} calls" if alert.calls else ""
    return "\n".join(
        (
            f"{alert.get_component_display()}, bills of the last seven days{of_calls}:",
            "",
            f"Estimated: {usd(alert.estimated)}",
            f"Billed: {usd(alert.actual)}",
            "",
            "The ledger is corrected, but for rent. New calls are still estimated at the price of",
            "the list: if it has changed, enter the new one.",
            f"Bills: {base}/reconciliation/?component__exact={alert.component}",
            f"Prices: {base}/price/?component__exact={alert.component}",
        )
    )


@transaction.atomic
def _tell(row: Variance, now: datetime) -> bool:
    day = now.astimezone(ZoneInfo(settings.ENV.account_time_zone)).date()
    alert, is_new = VarianceAlert.objects.get_or_create(
        component=row.component,
        day=day,
        defaults={
            "calls": row.calls,
            "estimated": row.estimated,
            "actual": row.actual,
            "at": now,
        },
    )
    if not is_new:
        return False
    key = f"{OUTBOX_KIND}:{alert.pk}"
    outbox_add(kind=OUTBOX_KIND, key=key, payload={"alert": str(alert.pk)}, due_at=now)
    event_publish(
        event="cost.variance",
        key=key,
        data={
            "component": row.component,
            "calls": row.calls,
            "estimated": f"{row.estimated:f}",
            "billed": f"{row.actual:f}",
            "percent": f"{row.share * 100:.1f}",
            "currency": "USD",
            "day": day.isoformat(),
        },
        now=now,
    )
    logger.warning(
        "cost_variance", component=row.component, estimated=str(row.estimated),
        actual=str(row.actual), calls=row.calls,
    )  # fmt: skip
    return True
