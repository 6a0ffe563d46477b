"""Every night: the rent of our numbers, shared by the calls of the days that are over."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import structlog
from django.conf import settings
from django.db.models import Min, Q
from phonenumbers import PhoneNumberType, number_type

from billing.models import RentedNumber
from billing.rent_prices import rent_region
from billing.selectors import PriceUnknown, call_cost
from billing.services import Sharer, rent_charge, rent_day_close, rented_number_note
from calls.models import Call, CallerNumber

logger = structlog.get_logger(__name__)

_KINDS = {PhoneNumberType.TOLL_FREE: "tollfree", PhoneNumberType.MOBILE: "mobile"}
MOST_DAYS = 62
"""Days that one run catches up with, per number; the next run goes on."""


def rents_charge(now: datetime) -> int:
    """Charge the rent of every number up to yesterday. Returns how many days were charged.

    Days begin in the account's zone. Safe to run twice, and at the same time as itself.
    """
    zone = ZoneInfo(settings.ENV.account_time_zone)
    numbers_note(zone)
    today = now.astimezone(zone).date()
    charged = 0
    for number in RentedNumber.objects.all():
        day = max(number.next_day or number.rented_from, number.rented_from)
        end = min(today, number.rented_to or today, day + timedelta(days=MOST_DAYS))
        while day < end:
            charged += _day(number, day, zone)
            day += timedelta(days=1)
    return charged


def numbers_note(zone: ZoneInfo) -> None:
    """Take for rented every number of a campaign that has run, since it was both here and used."""
    known = {str(number) for number in RentedNumber.objects.values_list("number", flat=True)}
    used = CallerNumber.objects.annotate(first_start=Min("campaigns__started_at"))
    for row in used.filter(first_start__isnull=False).order_by("created_at"):
        if str(row.number) in known:
            continue
        rented_number_note(
            number=str(row.number),
            kind=_KINDS.get(number_type(row.number), "local"),
            since=max(row.first_start, row.created_at).astimezone(zone).date(),
        )


def _day(number: RentedNumber, day: date, zone: ZoneInfo) -> bool:
    begins = datetime.combine(day, time(), tzinfo=zone)
    ends = datetime.combine(day + timedelta(days=1), time(), tzinfo=zone)
    calls = list(
        Call.objects.filter(
            Q(direction=Call.Direction.OUTBOUND, from_number=number.number)
            | Q(direction=Call.Direction.INBOUND, to_number=number.number),
            created_at__gte=begins,
            created_at__lt=ends,
        )
        .order_by("created_at", "pk")
        .values_list("pk", "campaign_id")
    )
    sharers = [Sharer(call_id, campaign_id) for call_id, campaign_id in calls]
    try:
        rent_charge(
            number=number,
            region=rent_region(number),
            day=day,
            sharers=sharers or [Sharer(None, None)],
            at=ends - timedelta(seconds=1),
        )
    except PriceUnknown as error:
        # Days that are over get no price any more: there is nothing to wait for.
        logger.error("rent_without_price", day=str(day), problem=str(error))
        rent_day_close(number=number, day=day)
        return False
    for call_id, _campaign_id in calls:
        Call.objects.filter(pk=call_id).update(cost=call_cost(call_id))
    return True
