"""Compare the carrier's list of calls with ours, and keep what differs for a person to see.

Money is compared call by call in `reconciliation`; this finds the calls that such a comparison
would never look at, because one side does not know them.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

import structlog
from django.db import transaction

from calls import carrier
from calls.models import Call, CarrierComparison, CarrierDifference, TransferLeg
from calls.policy.lifecycle import is_final, state_of

logger = structlog.get_logger(__name__)

SETTLED_AFTER = timedelta(minutes=15)
"""Younger calls may still be in motion, here or there: they are compared the next time."""
SECONDS_APART = 2
"""Lengths that differ by less are rounding."""

Kind = CarrierDifference.Kind
Found = tuple[str, str, Call | None, str, str]
"""Kind, sid, our call, what we have, what the carrier has."""


def calls_compare(*, now: datetime, since: datetime) -> CarrierComparison:
    """Compare the calls that began since a moment. A call that is over here and on the line there
    is ended. Safe to run twice.

    Raises:
        carrier.CarrierError: the carrier's list could not be read; nothing was changed.
    """
    until = now - SETTLED_AFTER
    theirs = {seen.sid: seen for seen in carrier.calls_between(since=since, until=until)}
    calls = {
        call.provider_sid: call
        for call in Call.objects.filter(created_at__gte=since - SETTLED_AFTER).exclude(
            provider_sid=""
        )
    }
    legs = set(
        TransferLeg.objects.filter(dialed_at__gte=since - SETTLED_AFTER)
        .exclude(provider_sid="")
        .values_list("provider_sid", flat=True)
    )
    found = [
        *_unknown_here(theirs, calls, legs),
        *_unknown_there(theirs, calls, since, until),
        *_differing(theirs, calls),
    ]
    comparison = _keep(found, theirs=len(theirs), ours=len(calls) + len(legs), since=since, now=now)
    logger.info("calls_compared", theirs=len(theirs), differences=len(found))
    return comparison


def _unknown_here(
    theirs: dict[str, carrier.CarrierCall], calls: dict[str, Call], legs: set[str]
) -> Iterator[Found]:
    strangers = set(theirs) - set(calls) - legs
    # A call may be older here than the window: created long before it was dialled.
    known = set(
        Call.objects.filter(provider_sid__in=strangers).values_list("provider_sid", flat=True)
    )
    for sid in sorted(strangers - known):
        yield Kind.UNKNOWN_HERE, sid, None, "", theirs[sid].status


def _unknown_there(
    theirs: dict[str, carrier.CarrierCall],
    calls: dict[str, Call],
    since: datetime,
    until: datetime,
) -> Iterator[Found]:
    for sid, call in calls.items():
        began = call.dialed_at or call.answered_at or call.created_at
        if sid in theirs or not since <= began <= until:
            continue
        try:
            # Its list goes by the moment of ringing, which may lie a little outside.
            theirs[sid] = carrier.call_fetch(sid)
        except carrier.CallUnknown:
            yield Kind.UNKNOWN_THERE, sid, call, call.state, ""


def _differing(theirs: dict[str, carrier.CarrierCall], calls: dict[str, Call]) -> Iterator[Found]:
    for sid, seen in theirs.items():
        call = calls.get(sid)
        if call is None or call.is_active:
            continue  # the watchdog looks after active ones
        state = state_of(seen.status)
        if state is None or not is_final(state):
            try:
                carrier.call_end(sid)
            except carrier.CarrierError as error:
                logger.warning("stray_call_not_ended", call_id=str(call.pk), code=error.code)
            yield Kind.STILL_RUNS, sid, call, call.state, seen.status
        elif state != call.state:
            yield Kind.STATUS, sid, call, call.state, seen.status
        elif (
            seen.duration_s is not None
            and call.carrier_seconds is not None
            and abs(seen.duration_s - call.carrier_seconds) >= SECONDS_APART
        ):
            yield Kind.SECONDS, sid, call, f"{call.carrier_seconds} s", f"{seen.duration_s} s"


@transaction.atomic
def _keep(
    found: list[Found], *, theirs: int, ours: int, since: datetime, now: datetime
) -> CarrierComparison:
    for kind, sid, call, we_have, they_have in found:
        CarrierDifference.objects.update_or_create(
            kind=kind,
            sid=sid,
            defaults={
                "call": call,
                "ours": we_have,
                "theirs": they_have,
                "seen_at": now,
                "gone_at": None,
            },
            create_defaults={
                "call": call,
                "ours": we_have,
                "theirs": they_have,
                "found_at": now,
                "seen_at": now,
            },
        )
    # What lies in the window and was not found again is in order now.
    CarrierDifference.objects.filter(
        gone_at__isnull=True, found_at__gte=since, seen_at__lt=now
    ).update(gone_at=now)
    return CarrierComparison.objects.create(
        at=now, since=since, theirs=theirs, ours=ours, differences=len(found)
    )
