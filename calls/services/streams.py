"""Open and close the media stream of a call: the moment from which voice holds it."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from uuid import UUID

import structlog
from django.conf import settings
from django.db import transaction
from django.db.models.functions import Coalesce

from agents.interface import Brief
from agents.playbook import TurnTaking
from calls.briefs import call_brief
from calls.models import Call, Campaign, Recording
from calls.services.record import event_record

logger = structlog.get_logger(__name__)


class StreamRefused(Exception):  # noqa: N818 - says what happened
    """A media stream was not accepted.

    `reason` is one of unknown_call, missing_token, wrong_token, replayed_token, call_ended,
    held_elsewhere (by another process, or one that died), not_ours.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(f"media stream refused: {reason}")
        self.reason = reason


@dataclass(frozen=True, slots=True)
class LiveCall:
    """All that voice needs of a call, read once when its stream opens."""

    call_id: UUID
    lead_id: UUID
    campaign_id: UUID | None
    brief: Brief
    voice_tier: str
    """"local" or "premium", decided now from the campaign's policy and the lead's score."""
    recording_path: Path | None
    """Where to write the WAV file; `None` when we do not record this call."""
    max_seconds: int
    """The carrier ends the call this long after its answer."""
    started_at: datetime
    """Time zero of turns, events and recording."""
    turn_taking: TurnTaking = field(default_factory=TurnTaking)
    """The playbook's, with what the campaign sets of its own."""


def token_hash(token: str) -> str:
    """Return what is kept of a stream token."""
    return hashlib.sha256(token.encode()).hexdigest()


def stream_token_issue(*, call_id: UUID | str, now: datetime) -> str | None:
    """Give a one-time token for the call's media stream, in place of any unused one.

    Returns `None` when the call has ended or its stream was opened already. A retried fetch of
    the TwiML gets a token of its own, as the answer to the first may have been lost.
    """
    token = secrets.token_urlsafe(32)
    given = Call.objects.filter(
        pk=call_id, state__in=Call.ACTIVE_STATES, stream_token_used_at__isnull=True
    ).update(stream_token_hash=token_hash(token), updated_at=now)
    return token if given else None


def stream_open(
    *,
    call_id: str,
    token: str,
    stream_sid: str,
    account_sid: str,
    call_sid: str,
    now: datetime,
) -> LiveCall:
    """Accept a media stream: consume its token and mark the call as answered.

    Args:
        call_id: our id, from the stream's custom parameters.
        token: the one-time token, from the same place.
        stream_sid, account_sid, call_sid: from the stream's `start` message.
        now: becomes time zero of the call's turns and recording.

    Raises:
        StreamRefused: with the reason; nothing was changed.
    """
    with transaction.atomic():
        call = stream_admit(call_id, token, account_sid, call_sid)
        if call.stream_started_at is not None:
            raise StreamRefused("held_elsewhere")
        taken = Call.objects.filter(
            pk=call.pk,
            state__in=Call.ACTIVE_STATES,
            stream_token_hash=token_hash(token),
            stream_token_used_at__isnull=True,
        ).update(
            state=Call.State.IN_PROGRESS,
            provider_sid=call_sid,
            stream_sid=stream_sid,
            stream_token_used_at=now,
            stream_started_at=now,
            heartbeat_at=now,
            answered_at=Coalesce("answered_at", now),
            updated_at=now,
        )
        if not taken:
            raise StreamRefused("replayed_token")
        path = _recording_begin(call)
        event_record(call_id=call.pk, kind="stream_started", offset_ms=0, now=now)
    brief = call_brief(call, recorded=call.recording_policy != "none", now=now)
    return LiveCall(
        call_id=call.pk,
        lead_id=call.lead_id,
        campaign_id=call.campaign_id,
        brief=brief,
        voice_tier=call.voice_tier,
        recording_path=path,
        max_seconds=call.max_seconds,
        started_at=now,
        turn_taking=_turn_taking(brief.script.turn_taking, call.campaign),
    )


def stream_closed(*, call_id: UUID | str, reason: str, now: datetime) -> None:
    """Note that the stream is over and that voice has written all it will write of the call.

    The last thing voice does for a call, after the final notes and the recording: after-call
    work waits for it (20 s, in case the process died). The carrier says when the call itself is
    over. Safe to run twice.

    Args:
        reason: who ended it: "lead_hung_up" or "stream_stopped" (the carrier's `stop` came
            first), or our own reason such as "agent_hung_up", "socket_lost", "drained".
    """
    with transaction.atomic():
        closed = Call.objects.filter(pk=call_id, stream_closed_at__isnull=True).update(
            stream_closed_at=now, updated_at=now
        )
        if not closed:
            return
        # A call that a human has taken goes on: its stream was only the agent's part.
        Call.objects.filter(pk=call_id, end_reason="", handed_over_at__isnull=True).update(
            end_reason=reason[:80]
        )
        event_record(call_id=call_id, kind="stream_closed", data={"reason": reason}, now=now)


def stream_admit(call_id: str, token: str, account_sid: str, call_sid: str) -> Call:
    """Return the call that a stream is for.

    Raises:
        StreamRefused: its token, account or call is not the one we expect.
    """
    try:
        call = Call.objects.select_related("lead", "campaign", "playbook_version__playbook").get(
            pk=UUID(call_id)
        )
    except (ValueError, AttributeError, TypeError, Call.DoesNotExist):
        raise StreamRefused("unknown_call") from None
    if not token:
        raise StreamRefused("missing_token")
    if not call.stream_token_hash or not hmac.compare_digest(
        token_hash(token), call.stream_token_hash
    ):
        raise StreamRefused("wrong_token")
    if account_sid != settings.ENV.twilio_account_sid:
        raise StreamRefused("not_ours")
    if call.provider_sid and call_sid != call.provider_sid:
        raise StreamRefused("not_ours")
    if not call.is_active:
        raise StreamRefused("call_ended")
    if call.stream_token_used_at is not None:
        raise StreamRefused("replayed_token")
    return call


def _turn_taking(playbook: TurnTaking, campaign: Campaign | None) -> TurnTaking:
    """Return how turns are taken on a call: as its playbook says, unless its campaign does."""
    names = TurnTaking.model_fields if campaign is not None else ()
    own = {name: getattr(campaign, name) for name in names}
    return playbook.model_copy(
        update={k: value for k, value in own.items() if value not in ("", None)}
    )


def _recording_begin(call: Call) -> Path | None:
    if call.recording_policy == Campaign.RecordingPolicy.NONE:
        return None
    if call.recording_policy == Campaign.RecordingPolicy.CARRIER:
        Recording.objects.get_or_create(
            call=call, defaults={"source": Recording.Source.CARRIER, "channels": 2}
        )
        return None
    name = f"recordings/{call.pk}.wav"
    Recording.objects.get_or_create(
        call=call, defaults={"source": Recording.Source.LOCAL, "file": name}
    )
    path = Path(settings.MEDIA_ROOT) / name
    path.parent.mkdir(parents=True, exist_ok=True)
    return path
