"""Let a call whose media stream broke off go on with another one.

When a stream ends, the carrier goes on with what follows `<Connect>`
(twilio.com/docs/voice/twiml/connect#action). In our TwiML that leads back to us, and as long as a
process holds the call, another stream with a token of its own is opened to it.
"""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction

from calls.models import Call
from calls.services.metering import stream_charge
from calls.services.record import event_record
from calls.services.streams import StreamRefused, stream_admit, stream_token_issue, token_hash

HELD = timedelta(seconds=12)
"""A heart that beat longer ago has stopped: nobody holds the call any more. It beats every 5 s."""
OPEN_WITHIN = timedelta(seconds=10)
"""How long after the answer a first stream that could not be opened is tried again."""


def stream_token_renew(*, call_id: UUID | str, now: datetime) -> str | None:
    """Give a one-time token for another stream of a call. `None` when nobody would take it."""
    call = Call.objects.only("stream_started_at", "answered_at", "end_reason").get(pk=call_id)
    if call.end_reason:
        return None
    if call.stream_started_at is None:
        on_time = call.answered_at is None or now < call.answered_at + OPEN_WITHIN
        return stream_token_issue(call_id=call_id, now=now) if on_time else None
    token = secrets.token_urlsafe(32)
    given = Call.objects.filter(
        pk=call_id,
        state=Call.State.IN_PROGRESS,
        stream_closed_at__isnull=True,
        heartbeat_at__gte=now - HELD,
    ).update(stream_token_hash=token_hash(token), stream_token_used_at=None, updated_at=now)
    return token if given else None


@transaction.atomic
def stream_resume(
    *,
    call_id: UUID | str,
    token: str,
    stream_sid: str,
    account_sid: str,
    call_sid: str,
    now: datetime,
) -> None:
    """Accept another stream of a call that this process holds, and consume its token.

    The carrier bills each stream from its own start, so this one's first minute is charged.

    Args:
        call_id, token: from the stream's custom parameters.
        stream_sid, account_sid, call_sid: from the stream's `start` message.

    Raises:
        StreamRefused: with the reason; nothing was changed.
    """
    call = stream_admit(str(call_id), token, account_sid, call_sid)
    taken = Call.objects.filter(
        pk=call.pk,
        state=Call.State.IN_PROGRESS,
        stream_closed_at__isnull=True,
        stream_token_hash=token_hash(token),
        stream_token_used_at__isnull=True,
    ).update(stream_sid=stream_sid, stream_token_used_at=now, updated_at=now)
    if not taken:
        raise StreamRefused("replayed_token")
    stream_charge(call=call, stream_sid=stream_sid, now=now)
    event_record(call_id=call.pk, kind="stream_resumed", now=now)
