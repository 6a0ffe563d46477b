"""What live calls have cost up to this second, and what their next minute will add."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from uuid import UUID

from django.db.models import Count, Q, Sum

from billing.models import Charge
from billing.policy.rounding import micro
from billing.price_book import PriceBook, price_book
from billing.selectors import PriceUnknown
from calls.models import Call, Campaign
from calls.policy.metering import minutes_since
from calls.services.metering import CARRIER, region_of, telephony_of

_TOGETHER = timedelta(seconds=5)
"""Line and stream begin a moment apart: their minutes are one step to whoever watches."""


@dataclass(frozen=True, slots=True)
class RunningCost:
    """The money of one live call, USD."""

    spent: Decimal
    """Charged, and minutes that have begun and that the call's meter charges within seconds."""
    next_at: datetime | None = None
    """When the next minute begins; None where none is running."""
    next_amount: Decimal = Decimal(0)
    """What it adds: of the line, the stream and the carrier's recording."""


@dataclass(frozen=True, slots=True)
class _Clock:
    """One thing that is paid by the begun minute."""

    component: str
    start: datetime
    end: datetime | None = None


_Charged = dict[UUID, dict[str, tuple[Decimal, int]]]
"""Call -> component -> USD, and how many charges that are no corrections."""


def running_costs(calls: Sequence[Call], *, now: datetime) -> dict[UUID, RunningCost]:
    """Return the running costs of calls, in two queries however many they are."""
    charged = _charged(calls)
    book = price_book(CARRIER, day=now.date())
    return {call.pk: _running(call, charged[call.pk], book, now) for call in calls}


def _running(
    call: Call, charged: dict[str, tuple[Decimal, int]], book: PriceBook, now: datetime
) -> RunningCost:
    spent = sum((amount for amount, _ in charged.values()), Decimal(0))
    if not call.is_active or call.answered_at is None:
        return RunningCost(spent)
    if call.detect_machines and "amd" not in charged:
        spent += _price(call, "amd", book)
    steps: list[tuple[datetime, Decimal]] = []
    for clock in _clocks(call):
        price = _price(call, clock.component, book)
        begun = minutes_since(clock.start, min(now, clock.end or now))
        _, booked = charged.get(clock.component, (Decimal(0), 0))
        spent += price * max(begun - booked, 0)
        if clock.end is None:
            steps.append((clock.start + timedelta(minutes=begun), price))
    if not steps:
        return RunningCost(spent)
    first = min(at for at, _ in steps)
    return RunningCost(
        spent, first, sum((price for at, price in steps if at - first < _TOGETHER), Decimal(0))
    )


def _clocks(call: Call) -> list[_Clock]:
    if call.answered_at is None:
        return []
    clocks = [_Clock(telephony_of(call), call.answered_at)]
    if call.stream_started_at is not None:
        clocks.append(_Clock("media_stream", call.stream_started_at, call.stream_closed_at))
    if call.recording_policy == Campaign.RecordingPolicy.CARRIER:
        clocks.append(_Clock("recording", call.answered_at))
    return clocks


def _price(call: Call, component: str, book: PriceBook) -> Decimal:
    try:
        return book.price(component, region=region_of(call)).unit_price
    except PriceUnknown:
        return Decimal(0)  # the meter charges nothing either, and says so in the log


def _charged(calls: Sequence[Call]) -> _Charged:
    sums: _Charged = defaultdict(dict)
    rows = (
        Charge.objects.filter(call__in=[call.pk for call in calls])
        .order_by()
        .values_list("call_id", "component")
        .annotate(total=Sum("amount"), count=Count("pk", filter=Q(corrects__isnull=True)))
    )
    for call_id, component, total, count in rows:
        sums[call_id][component] = (micro(total), count)
    return sums
