"""Cancel what rings, and end talks politely, when all dialling or a campaign is stopped."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from uuid import UUID

import structlog
from django.db import connections, transaction
from django.db.models import Q, QuerySet

from calls import carrier
from calls.models import Call
from calls.selectors import kill_switch_engaged
from calls.services.ending import call_cancel_now
from calls.services.notices import call_notify
from calls.services.permission import ON_ITS_WAY

logger = structlog.get_logger(__name__)

AT_ONCE = 8
"""Requests to the carrier at the same time."""
ASK_AGAIN = timedelta(seconds=5)
"""When a call that still rings is cancelled again."""


def why_stopped(call_id: UUID | str) -> str:
    """Return "kill_switch" or "campaign_halted"; "" when the call may go on."""
    if kill_switch_engaged():
        return "kill_switch"
    halted = Call.objects.filter(pk=call_id, campaign__halted_at__isnull=False).exists()
    return "campaign_halted" if halted else ""


@transaction.atomic
def talks_wrap_up(calls: QuerySet[Call], *, ringing_too: bool, now: datetime) -> None:
    """Have the agent say goodbye on live calls that it holds.

    A lead who speaks with a human of ours is left alone.

    Args:
        ringing_too: what rings is being cancelled; whoever picks up before that is told goodbye.
    """
    on_it = Q(state=Call.State.IN_PROGRESS)
    if ringing_too:
        on_it |= Q(state__in=ON_ITS_WAY, direction=Call.Direction.OUTBOUND)
    live = calls.filter(on_it, handed_over_at__isnull=True)
    for call_id in list(live.values_list("pk", flat=True)):
        call_notify(call_id=call_id, kind="wrap_up", data={"reason": "stopped"}, now=now)


def calls_to_cancel() -> dict[UUID, str]:
    """Return the calls that ring and must not, each with the reason."""
    ringing: QuerySet[Call] = Call.objects.filter(
        state__in=ON_ITS_WAY, direction=Call.Direction.OUTBOUND
    ).exclude(provider_sid="")
    if kill_switch_engaged():
        return dict.fromkeys(ringing.values_list("pk", flat=True), "kill_switch")
    halted = ringing.filter(campaign__halted_at__isnull=False)
    return dict.fromkeys(halted.values_list("pk", flat=True), "campaign_halted")


class Stopper:
    """Cancels what must not ring. Remembers only when it last asked for which call.

    Any number of these may run: cancelling twice does no harm.
    """

    def __init__(self) -> None:
        self._asked: dict[UUID, datetime] = {}

    def stop(self, now: datetime) -> int:
        """Do one round, with several requests at the same time. Returns how many were made."""
        forbidden = calls_to_cancel()
        self._asked = {pk: at for pk, at in self._asked.items() if pk in forbidden}
        due = [
            (pk, reason)
            for pk, reason in forbidden.items()
            if self._asked.get(pk, now - ASK_AGAIN) <= now - ASK_AGAIN
        ]
        if not due:
            return 0
        self._asked |= dict.fromkeys((pk for pk, _ in due), now)
        if len(due) == 1:
            _cancel(*due[0])
            return 1
        with ThreadPoolExecutor(max_workers=AT_ONCE) as pool:
            list(pool.map(lambda one: _in_thread(lambda: _cancel(*one)), due))
        return len(due)


def _cancel(call_id: UUID, reason: str) -> None:
    try:
        call_cancel_now(call_id=call_id, reason=reason)
    except carrier.CarrierError as error:
        logger.warning("call_not_cancelled_yet", call_id=str(call_id), code=error.code)


def _in_thread(work: Callable[[], None]) -> None:
    try:
        work()
    finally:
        connections.close_all()
