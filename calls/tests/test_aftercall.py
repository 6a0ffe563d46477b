"""What is done once a call is over, however often it is done."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.db import transaction
from django.utils import timezone

from billing.models import Reservation
from billing.services import budget_reserve
from calls.models import Call, Campaign, Enrolment, Outcome, Recording
from calls.services.aftercall import aftercall_run
from calls.services.ending import call_finish
from calls.services.outbox import NotYet, outbox_run_due
from calls.services.record import turn_record
from calls.tests.conftest import Post, enrol
from leads.models import Lead, Task, TimelineEntry
from tests.factories import CallFactory, stereo_wav

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_carrier")]


def talked(campaign: Campaign, **fields: Any) -> Call:
    """Return a call that is on the line, of an enrolled lead, with its money promised."""
    enrolment = enrol(campaign)
    began = timezone.now() - timedelta(seconds=70)
    call: Call = CallFactory(
        **{
            "campaign": campaign,
            "enrolment": enrolment,
            "lead": enrolment.lead,
            "live": True,
            "dialed_at": began,
            "answered_at": began,
            "stream_started_at": began,
            "stream_closed_at": began + timedelta(seconds=65),
            "end_reason": "agent_hung_up",
            **fields,
        }
    )
    Enrolment.objects.filter(pk=enrolment.pk).update(
        state=Enrolment.State.CLAIMED, claimed_at=began, attempts=1
    )
    with transaction.atomic():
        budget_reserve(
            call_id=call.pk,
            campaign_id=campaign.pk,
            amount=Decimal("0.0435"),
            now=began,
            expires_at=began + timedelta(minutes=15),
        )
    return call


def ended(call: Call, state: str = "completed", duration_s: int | None = 65) -> Call:
    now = timezone.now()
    call_finish(call_id=call.pk, state=state, reason="far_end", duration_s=duration_s, now=now)
    outbox_run_due(timezone.now())
    call.refresh_from_db()
    return call


def say(call: Call) -> None:
    turn_record(
        call_id=call.pk, index=0, speaker="lead", text="Yes.", started_ms=1000, ended_ms=1500
    )


def test_an_appointment_is_scored_summed_up_settled_and_done(campaign: Campaign) -> None:
    call = talked(campaign, outcome=Outcome.APPOINTMENT)
    say(call)
    ended(call)
    assert call.settled_at is not None
    assert call.cost == 2 * Decimal("0.018")
    assert call.score is not None
    assert call.summary
    reservation = Reservation.objects.get(call=call)
    assert (reservation.state, reservation.settled_amount) == ("settled", call.cost)
    lead = Lead.objects.get(pk=call.lead_id)
    assert (lead.stage, lead.score) == ("appointment", call.score)
    assert TimelineEntry.objects.filter(lead=lead, kind="call").count() == 1
    enrolment = Enrolment.objects.get(pk=call.enrolment_id)
    assert (enrolment.state, enrolment.last_outcome) == ("done", "appointment")


def test_running_it_again_changes_nothing(campaign: Campaign) -> None:
    call = talked(campaign, outcome=Outcome.QUALIFIED)
    say(call)
    ended(call)
    before = Call.objects.filter(pk=call.pk).values().get()
    aftercall_run(call_id=call.pk, now=timezone.now())
    assert Call.objects.filter(pk=call.pk).values().get() == before
    # As after a crash just before the last step.
    Call.objects.filter(pk=call.pk).update(settled_at=None)
    aftercall_run(call_id=call.pk, now=timezone.now())
    call.refresh_from_db()
    assert call.cost == before["cost"]
    assert call.lead.scores.count() == 1
    assert TimelineEntry.objects.filter(lead=call.lead, kind="call").count() == 1


def test_an_unanswered_call_costs_nothing_and_is_tried_again(campaign: Campaign) -> None:
    call = talked(
        campaign,
        state=Call.State.RINGING,
        answered_at=None,
        stream_started_at=None,
        stream_closed_at=None,
        end_reason="",
    )
    ended(call, "no_answer", None)
    assert (call.outcome, call.cost, call.score) == ("no_answer", 0, None)
    enrolment = Enrolment.objects.get(pk=call.enrolment_id)
    assert enrolment.state == "waiting"
    assert enrolment.due_at > timezone.now() + timedelta(minutes=239)
    assert Lead.objects.get(pk=call.lead_id).stage == "attempted"
    assert Reservation.objects.get(call=call).state == "released"


def test_the_last_attempt_finishes_the_campaign(campaign: Campaign) -> None:
    Campaign.objects.filter(pk=campaign.pk).update(max_attempts=1)
    call = talked(campaign, state=Call.State.RINGING, answered_at=None, stream_started_at=None)
    ended(call, "busy", None)
    campaign.refresh_from_db()
    assert campaign.state == Campaign.State.FINISHED


def test_a_callback_makes_the_lead_due_when_it_asked(campaign: Campaign) -> None:
    at = timezone.now() + timedelta(days=2)
    call = talked(campaign, outcome=Outcome.CALLBACK, callback_at=at)
    say(call)
    ended(call)
    enrolment = Enrolment.objects.get(pk=call.enrolment_id)
    assert (enrolment.state, enrolment.due_at) == ("waiting", at)


def test_a_lead_of_another_language_is_called_by_a_person_who_speaks_it(
    campaign: Campaign,
) -> None:
    notes = {"signals": {"language": "es"}}
    call = talked(campaign, outcome=Outcome.LANGUAGE, notes=notes)
    ended(call)
    aftercall_run(call_id=call.pk, now=timezone.now())
    task = Task.objects.get(lead=call.lead)
    assert "Spanish" in task.title
    assert task.kind == Task.Kind.CALLBACK
    assert Enrolment.objects.get(calls=call).state == Enrolment.State.DONE


def test_it_waits_for_the_voice_process_and_not_for_ever(campaign: Campaign) -> None:
    call = talked(campaign, stream_closed_at=None, end_reason="")
    now = timezone.now()
    call_finish(call_id=call.pk, state="completed", reason="far_end", duration_s=65, now=now)
    with pytest.raises(NotYet):
        aftercall_run(call_id=call.pk, now=now + timedelta(seconds=19))
    aftercall_run(call_id=call.pk, now=now + timedelta(seconds=20))
    call.refresh_from_db()
    assert call.outcome == Outcome.INCOMPLETE
    assert Enrolment.objects.get(pk=call.enrolment_id).state == "waiting"


def test_the_recording_of_a_process_that_died_is_repaired(campaign: Campaign) -> None:
    call = talked(campaign, outcome=Outcome.INCOMPLETE)
    name = f"recordings/{call.pk}.wav"
    path = Path(django_settings.MEDIA_ROOT) / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(stereo_wav([("lead", 0, 500)], duration_ms=1500)[:-1])
    Recording.objects.create(call=call, source="local", file=name)
    ended(call)
    recording = Recording.objects.get(call=call)
    assert (recording.state, recording.duration_ms) == ("stored", 1499)


def test_a_recording_that_is_gone_is_said_to_be_gone(campaign: Campaign) -> None:
    call = talked(campaign, outcome=Outcome.INCOMPLETE)
    Recording.objects.create(call=call, source="local", file=f"recordings/{call.pk}.wav")
    ended(call)
    assert Recording.objects.get(call=call).state == "failed"
    assert call.settled_at is not None


def test_a_talk_without_a_word_of_the_lead_has_no_score(campaign: Campaign) -> None:
    call = ended(talked(campaign, end_reason="lead_hung_up"))
    assert (call.outcome, call.score, call.summary) == ("hung_up", None, "")


def test_the_whole_way_from_the_callback_to_settled(
    campaign: Campaign, post: Post, now: datetime
) -> None:
    call = talked(campaign, outcome=Outcome.NOT_INTERESTED)
    say(call)
    fields = {"CallStatus": "completed", "SequenceNumber": "3", "CallDuration": "65"}
    for _ in range(2):
        post("status", call, **fields)
    outbox_run_due(timezone.now())
    outbox_run_due(timezone.now())
    call.refresh_from_db()
    assert call.settled_at is not None
    assert Lead.objects.get(pk=call.lead_id).stage == "lost"
