"""Take a number of the campaign's pool for a call, never beyond what the number may do in a day."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db.models import Case, F, IntegerField, Q, Value, When

from calls.models import Call, CallerNumber, Campaign
from calls.policy.caller_numbers import PoolNumber, in_order

__all__ = [
    "NoCallerNumber",
    "account_day",
    "caller_number_give_back",
    "caller_number_take",
    "day_after",
]


class NoCallerNumber(Exception):  # noqa: N818 - says what is missing
    """No number of the pool may be called from now.

    `code` is "no_number" (none is active) or "number_cap" (all have made their calls of the day).
    """

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def account_day(now: datetime) -> date:
    """Return the day by the account's clock."""
    return now.astimezone(_zone()).date()


def day_after(now: datetime) -> datetime:
    """Return when the account's next day begins, in UTC."""
    tomorrow = account_day(now) + timedelta(days=1)
    return datetime.combine(tomorrow, time(), tzinfo=_zone()).astimezone(UTC)


def caller_number_take(
    *, campaign: Campaign, lead_number: str, lead_states: Iterable[str], now: datetime
) -> str:
    """Count a call on the best number for the lead, and return the number (E.164).

    Belongs in the transaction that makes the call: rolled back, nothing is counted. The count is
    one conditional update of the number's row, so that no two calls share the last one of the day.

    Raises:
        NoCallerNumber: none is active, or all have made their calls of the day.
    """
    today = account_day(now)
    active = list(campaign.numbers.filter(active=True))
    if not active:
        raise NoCallerNumber("no_number")
    pool = [
        PoolNumber(str(row.number), row.used if row.used_on == today else 0)
        for row in active
        if _is_free(row, today)
    ]
    heard_from = _last_seen_by(lead_number) if len(pool) > 1 else ""
    for one in in_order(
        pool, lead_number=lead_number, lead_states=lead_states, heard_from=heard_from
    ):
        if _count(one.number, today):
            return one.number
    raise NoCallerNumber("number_cap")


def caller_number_give_back(*, number: str, now: datetime) -> None:
    """Take a call off the day's count of a number: nobody's telephone rang."""
    CallerNumber.objects.filter(number=number, used_on=account_day(now), used__gt=0).update(
        used=F("used") - 1
    )


def _count(number: str, today: date) -> bool:
    free = Q(daily_cap__isnull=True) | ~Q(used_on=today) | Q(used_on=None)
    return bool(
        CallerNumber.objects.filter(number=number, active=True)
        .filter(free | Q(used__lt=F("daily_cap")))
        .update(
            used=Case(
                When(used_on=today, then=F("used") + 1),
                default=Value(1),
                output_field=IntegerField(),
            ),
            used_on=today,
        )
    )


def _is_free(row: CallerNumber, today: date) -> bool:
    return row.daily_cap is None or row.used_on != today or row.used < row.daily_cap


def _last_seen_by(lead_number: str) -> str:
    """Return the number that called this one last; "" if none did."""
    last = (
        Call.objects.filter(
            to_number=lead_number, direction=Call.Direction.OUTBOUND, dialed_at__isnull=False
        )
        .order_by("-dialed_at")
        .values_list("from_number", flat=True)
        .first()
    )
    return str(last) if last else ""


def _zone() -> ZoneInfo:
    return ZoneInfo(settings.ENV.account_time_zone)
