"""Estimates against the carrier's own prices, call by call, each once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

import structlog
from django.db.models import Exists, OuterRef, QuerySet

from billing.models import Charge, Reconciliation
from billing.models.price import Component
from billing.selectors import call_cost
from billing.services import actual_record
from calls import carrier
from calls.models import Call
from calls.services.metering import telephony_of

logger = structlog.get_logger(__name__)

_BILLED_PER_CALL = (Component.TELEPHONY_OUT, Component.TELEPHONY_IN, Component.RECORDING)
"""What the carrier prices call by call; streams and detection are on its monthly bill only."""


@dataclass(frozen=True, slots=True)
class Reconciled:
    """What one run did."""

    checked: int = 0
    """Components of calls whose price was found and recorded."""
    waiting: int = 0
    """Components whose price the carrier does not know yet: the next run asks again."""
    failed: int = 0
    """Calls about which the carrier could not be asked."""


def costs_reconcile(*, now: datetime, since: datetime, limit: int = 1000) -> Reconciled:
    """Compare the settled calls that ended since a moment with the carrier's prices.

    A price corrects the ledger once and is kept as a `Reconciliation`; calls that have theirs are
    not asked about again. Safe to run twice, and at the same time as itself.

    Args:
        since: calls that ended before are left as they are.
        limit: calls asked about in this run; the oldest first.
    """
    checked = waiting = failed = 0
    for call in _unreconciled(since)[:limit]:
        try:
            for component, price in _prices(call):
                if price is None:
                    waiting += 1
                    continue
                actual_record(call_id=call.pk, component=component, actual=price, now=now)
                checked += 1
        except carrier.CarrierDown:
            # It rests after failing too often: so do we. The next run goes on here.
            failed += 1
            break
        except carrier.CarrierError as error:
            failed += 1
            logger.warning("price_not_fetched", call_id=str(call.pk), code=error.code)
            continue
        Call.objects.filter(pk=call.pk).update(cost=call_cost(call.pk))
    result = Reconciled(checked, waiting, failed)
    logger.info("costs_reconciled", checked=checked, waiting=waiting, failed=failed)
    return result


def _unreconciled(since: datetime) -> QuerySet[Call]:
    done = Reconciliation.objects.filter(call=OuterRef("call"), component=OuterRef("component"))
    open_charges = Charge.objects.filter(
        call=OuterRef("pk"), component__in=_BILLED_PER_CALL, corrects__isnull=True
    ).exclude(Exists(done))
    return (
        Call.objects.filter(Exists(open_charges), settled_at__isnull=False, ended_at__gte=since)
        .exclude(provider_sid="")
        .order_by("ended_at")
    )


def _prices(call: Call) -> Iterator[tuple[str, Decimal | None]]:
    charged = set(
        call.charges.filter(component__in=_BILLED_PER_CALL).values_list("component", flat=True)
    )
    charged -= set(Reconciliation.objects.filter(call=call).values_list("component", flat=True))
    line = telephony_of(call)
    if line in charged:
        yield line, carrier.call_fetch(call.provider_sid).price
    if Component.RECORDING in charged:
        yield Component.RECORDING, carrier.recordings_price(call.provider_sid)


SINCE = timedelta(days=7)
"""Twilio's prices are there within hours; a week covers a long outage."""
