"""What is done once a call is over: outcome, recording, score, money, lead, next attempt.

An outbox job, promised in the transaction that ended the call. Every step may run twice; the last
one is a compare-and-set on `settled_at`, and what must happen once happens in its transaction.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import structlog
from django.conf import settings
from django.conf.locale import LANG_INFO
from django.db import transaction

from agents.playbook import Script
from agents.scoring import score, with_turns
from agents.summary import recommended_step, sentiment, summarise
from billing.selectors import call_cost
from billing.services import qualified_lead_record, reservation_settle
from calls import carrier
from calls.briefs import INBOUND
from calls.models import Call, Campaign, Enrolment, Outcome, Recording, Turn
from calls.policy.cadence import Cadence, kind_of, next_attempt
from calls.policy.lifecycle import EndFacts, NextStep, next_step, outcome_of, stage_for
from calls.policy.turns import PROMISED
from calls.recording_files import recording_put
from calls.selectors import lead_hours, notes_of
from calls.services.campaigns import campaign_finish_if_done
from calls.services.goals import goal_check
from calls.services.metering import legs_charge, minutes_settle
from calls.services.outbox import NotYet
from calls.services.record import recording_store
from calls.services.reviews import review_promise
from calls.services.sound import NotRepairable, sha256_of, wav_repair
from calls.services.webhook_events import event_publish
from leads.models import Lead, Task
from leads.services import lead_score_record, lead_stage_set, lead_update, timeline_add
from leads.services.tasks import task_add
from leads.sheets.sync import sheets_wake

logger = structlog.get_logger(__name__)

VOICE_GRACE = timedelta(seconds=20)
"""How long after the end voice may still write notes and recording before it counts as dead."""
SPEAKER_WITHIN = timedelta(days=1)
NOT_SENT_WAIT = timedelta(seconds=30)
"""When a call that never reached the carrier is tried again; it is not an attempt."""

QUALIFIED_OUTCOMES = (Outcome.QUALIFIED, Outcome.APPOINTMENT, Outcome.TRANSFERRED)


def aftercall_run(*, call_id: UUID | str, now: datetime) -> None:
    """Do all after-call work of one call. Safe to run twice, at any point of its life.

    Raises:
        NotYet: voice has not written its last yet.
    """
    call = Call.objects.select_related("lead", "campaign", "playbook_version").get(pk=call_id)
    if call.is_active or call.settled_at is not None or call.ended_at is None:
        return
    if call.stream_started_at and not call.stream_closed_at and now < call.ended_at + VOICE_GRACE:
        raise NotYet(now + timedelta(seconds=1))
    with structlog.contextvars.bound_contextvars(call_id=str(call.pk)):
        _duration_ask(call)
        _outcome_settle(call)
        _recording_complete(call, now)
        minutes_settle(call, now=now)
        for transfer in call.transfers.all():
            legs_charge(transfer=transfer, until=call.ended_at)
        _score_and_summary(call, now)
        _lead_update(call, now)
        _close(call, now)


def _duration_ask(call: Call) -> None:
    """Ask the carrier for the billed seconds when its callback did not bring them."""
    if call.answered_at is None or call.carrier_seconds is not None or not call.provider_sid:
        return
    try:
        seconds = carrier.call_fetch(call.provider_sid).duration_s
    except carrier.CarrierError as error:
        # Our own clock is good enough until the nightly reconciliation.
        logger.warning("carrier_duration_unknown", code=error.code)
        return
    if seconds is not None:
        call.carrier_seconds = seconds
        Call.objects.filter(pk=call.pk).update(carrier_seconds=seconds)


def _outcome_settle(call: Call) -> None:
    call.outcome = outcome_of(
        EndFacts(
            state=call.state,
            said=call.outcome,
            answered_by=call.answered_by,
            end_reason=call.end_reason,
            stream_started=call.stream_started_at is not None,
            voice_closed=call.stream_closed_at is not None,
        )
    )
    Call.objects.filter(pk=call.pk, outcome="").update(outcome=call.outcome)


def _recording_complete(call: Call, now: datetime) -> None:
    """Repair and store a recording that its process did not live to finish."""
    recording = Recording.objects.filter(
        call=call, source=Recording.Source.LOCAL, state=Recording.State.RECORDING
    ).first()
    if recording is None:
        return
    path = Path(settings.MEDIA_ROOT) / f"recordings/{call.pk}.wav"
    try:
        duration_ms = wav_repair(path)
        digest = sha256_of(path)
        recording_put(path, name=recording.name, sha256=digest)
        recording_store(call_id=call.pk, path=path, duration_ms=duration_ms, sha256=digest, now=now)
    except (OSError, NotRepairable) as error:
        logger.error("recording_lost", error=type(error).__name__)
        Recording.objects.filter(pk=recording.pk).update(state=Recording.State.FAILED)


def _score_and_summary(call: Call, now: datetime) -> None:
    """Score and sum up a call on which something was said by the lead."""
    if not lead_spoke(call):
        return
    notes = notes_of(call)
    result = score(notes)
    said = call.turns.filter(speaker=Turn.Speaker.LEAD).values_list("index", "text")
    lead_score_record(
        lead_id=call.lead_id,
        call_id=call.pk,
        value=result.value,
        scorer_version=result.version,
        factors=with_turns(result.factors, said),
        now=now,
    )
    summary = summarise(notes, script=Script.model_validate(call.playbook_version.script))
    # What a model has written meanwhile is not undone by a second run.
    Call.objects.filter(pk=call.pk, review="").update(
        score=result.value,
        summary=summary,
        sentiment=sentiment(notes),
        next_step=recommended_step(notes),
    )
    review_promise(call=call, now=now)


def _caller_keep(call: Call, now: datetime) -> None:
    """Keep the name and the need that somebody unknown gave when they called us."""
    signals = notes_of(call).signals
    name, need = str(signals.get("caller_name", "")), str(signals.get("caller_need", ""))
    changes: dict[str, str] = {}
    if name and not call.lead.first_name:
        first, _, last = name.partition(" ")
        changes |= {"first_name": first[:80], "last_name": last[:80]}
    if need and call.lead.source == INBOUND and need in Lead.Kind.values:
        changes["kind"] = need
    if changes:
        lead_update(lead_id=call.lead_id, changes=changes, actor=None, now=now)


def _lead_update(call: Call, now: datetime) -> None:
    reached = call.direction == Call.Direction.INBOUND or call.dialed_at is not None
    if not reached:
        return
    _caller_keep(call, now)
    lead_stage_set(
        lead_id=call.lead_id,
        stage=stage_for(call.outcome),
        reason=f"Call: {_words(call)}",
        call_id=call.pk,
    )
    seconds = call.carrier_seconds if call.carrier_seconds is not None else int(call.duration_s)
    spoke = f", {seconds // 60}:{seconds % 60:02d} min" if call.answered_at else ""
    timeline_add(
        lead_id=call.lead_id,
        kind="call",
        text=f"Call: {_words(call)}{spoke}.",
        call_id=call.pk,
        key=f"call:{call.pk}",
    )


@transaction.atomic
def _close(call: Call, now: datetime) -> None:
    """Settle the money and free the enrolment: once, together."""
    if not Call.objects.filter(pk=call.pk, settled_at__isnull=True).update(settled_at=now):
        return
    if call.outcome == Outcome.LANGUAGE:
        _task_for_a_speaker(call, now)
    if call.outcome in QUALIFIED_OUTCOMES:
        qualified_lead_record(call_id=call.pk, lead_id=call.lead_id, now=now)
    reservation_settle(call_id=call.pk, now=now)
    Call.objects.filter(pk=call.pk).update(cost=call_cost(call.pk))
    call.refresh_from_db(fields=("cost", "score"))
    if call.enrolment_id is not None and call.campaign is not None:
        _enrolment_free(call, call.enrolment_id, call.campaign, now)
    sheets_wake(lead_id=call.lead_id, now=now)
    if call.campaign_id is not None:
        goal_check(campaign_id=call.campaign_id, outcome=call.outcome, now=now)
        campaign_finish_if_done(campaign_id=call.campaign_id, now=now)
    event_publish(event="call.ended", key=f"call:{call.pk}", data=_event_data(call), now=now)
    logger.info("call_settled", outcome=call.outcome, state=call.state)


def _event_data(call: Call) -> dict[str, Any]:
    """Return the call as other systems hear of it: who was called is behind the lead's id."""
    return {
        "call": str(call.pk),
        "lead": str(call.lead_id),
        "campaign": str(call.campaign_id) if call.campaign_id else None,
        "direction": call.direction,
        "state": call.state,
        "outcome": call.outcome,
        "seconds": call.carrier_seconds if call.carrier_seconds is not None else call.duration_s,
        "score": call.score,
        "cost": f"{call.cost:f}",
        "currency": "USD",
    }


def _task_for_a_speaker(call: Call, now: datetime) -> None:
    """Have somebody call who speaks the lead's language: the agent has said that they will."""
    code = str(notes_of(call).signals.get("language", ""))
    known = LANG_INFO.get(code, {}).get("name", "another language")
    task_add(
        lead_id=call.lead_id,
        title=f"Call back in {known}: the agent does not speak it",
        due_at=now + SPEAKER_WITHIN,
        owner_id=call.lead.owner_id,
        kind=Task.Kind.CALLBACK,
        now=now,
    )


def _enrolment_free(call: Call, enrolment_id: UUID, campaign: Campaign, now: datetime) -> None:
    enrolment = Enrolment.objects.select_for_update().get(pk=enrolment_id)
    if enrolment.state != Enrolment.State.CLAIMED:
        return
    if call.dialed_at is None:
        step = NextStep("waiting", now + NOT_SENT_WAIT)
    else:
        step = next_step(
            call.outcome,
            lead_spoke=lead_spoke(call),
            attempts=enrolment.attempts,
            max_attempts=campaign.max_attempts,
            again_at=_again_at(call, campaign, now),
            callback_at=call.callback_at,
            now=now,
        )
    if step.state == "waiting" and campaign.state == Campaign.State.FINISHED:
        # The campaign was stopped for good while this call ran.
        step = NextStep("stopped")
    used_up = call.dialed_at is not None and enrolment.priority >= PROMISED
    priority = PROMISED if step.promised else 0 if used_up else enrolment.priority
    Enrolment.objects.filter(pk=enrolment.pk).update(
        state=step.state,
        due_at=step.due_at or enrolment.due_at,
        priority=priority,
        claimed_at=None,
        blocked_reasons=[],
        last_outcome=call.outcome,
        updated_at=now,
    )


def _again_at(call: Call, campaign: Campaign, now: datetime) -> datetime | None:
    """Return when the campaign's cadence calls the lead again; None if it does not."""
    cadence = Cadence.model_validate(campaign.cadence)
    rule = cadence.rule(call.outcome)
    if rule is None:
        return None
    made = Call.objects.filter(enrolment=call.enrolment_id, dialed_at__isnull=False)
    # What we cancelled ourselves says nothing of the lead.
    outcomes = made.exclude(outcome=Outcome.CANCELED).values_list("outcome", flat=True)
    return next_attempt(
        rule,
        times=sum(kind_of(outcome) == kind_of(call.outcome) for outcome in outcomes),
        called_at=[at for at in made.values_list("dialed_at", flat=True) if at],
        hours=lead_hours(call.lead, campaign),
        now=call.ended_at or now,
    )


def lead_spoke(call: Call) -> bool:
    """Whether the lead said anything on the call (a machine's greeting is not the lead)."""
    if call.outcome == Outcome.VOICEMAIL:
        return False
    return call.turns.filter(speaker=Turn.Speaker.LEAD).exists()


def _words(call: Call) -> str:
    return Outcome(call.outcome).label.lower()
