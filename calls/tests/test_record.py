"""What is said, done and heard on a call is kept while it happens."""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, time, timedelta
from pathlib import Path
from typing import Any

import pytest

from agents.interface import Notes, Slot
from calls.briefs import call_brief
from calls.models import Call, Enrolment, Outcome, Recording, Turn
from calls.services.actions import (
    appointment_drop,
    callback_schedule,
    opt_out,
    slot_book,
    slot_move,
)
from calls.services.record import event_record, notes_record, recording_store, turn_record
from calls.services.sound import NotRepairable, wav_repair
from calls.tests.conftest import playbook_version
from leads.models import Appointment, DoNotCall, Mail, TimelineEntry
from tests.factories import (
    CallFactory,
    EnrolmentFactory,
    UserFactory,
    WorkingHoursFactory,
    stereo_wav,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def call() -> Call:
    made: Call = CallFactory(live=True)
    return made


@pytest.fixture
def media(settings: Any, tmp_path: Path) -> Iterator[Path]:
    settings.MEDIA_ROOT = tmp_path
    (tmp_path / "recordings").mkdir()
    return tmp_path


def notes(outcome: str = "", **memory: Any) -> Notes:
    return Notes(
        outcome=outcome,
        answers={"timeframe": {"value": 3, "said": "three months", "turn": 4}},
        signals={},
        memory=memory,
    )


def test_a_turn_is_kept_once_per_index(call: Call) -> None:
    for text in ("I was", "I was thinking"):
        turn_record(
            call_id=call.pk, index=1, speaker="lead", text=text, started_ms=900, ended_ms=1800
        )
    assert Turn.objects.get(call=call).text == "I was thinking"


def test_a_turn_never_ends_before_it_began(call: Call) -> None:
    turn = turn_record(
        call_id=call.pk, index=0, speaker="agent", text="Hi", started_ms=-5, ended_ms=-9
    )
    assert (turn.started_ms, turn.ended_ms) == (0, 0)


def test_events_take_dates_and_decimals(call: Call, now: datetime) -> None:
    event = event_record(call_id=call.pk, kind="x", data={"at": now}, offset_ms=5, now=now)
    event.refresh_from_db()
    assert event.data["at"].startswith("2026-11-18")


def test_notes_grow_until_the_call_is_settled(call: Call, now: datetime) -> None:
    notes_record(call_id=call.pk, notes=notes(seen=1), now=now)
    notes_record(call_id=call.pk, notes=notes("appointment", seen=2), now=now)
    call.refresh_from_db()
    assert (call.outcome, call.notes["memory"]) == ("appointment", {"seen": 2})
    Call.objects.filter(pk=call.pk).update(settled_at=now)
    notes_record(call_id=call.pk, notes=notes("qualified", seen=3), now=now)
    call.refresh_from_db()
    assert (call.outcome, call.notes["memory"]) == ("appointment", {"seen": 2})


def test_an_outcome_that_is_not_in_the_vocabulary_is_refused(call: Call, now: datetime) -> None:
    with pytest.raises(ValueError, match="triumph"):
        notes_record(call_id=call.pk, notes=notes("triumph"), now=now)


def test_an_opt_out_is_final(call: Call, now: datetime) -> None:
    waiting = EnrolmentFactory(lead=call.lead)
    for _ in range(2):
        opt_out(call_id=call.pk, source="voice", now=now)
    notes_record(call_id=call.pk, notes=notes("appointment"), now=now)
    call.refresh_from_db()
    waiting.refresh_from_db()
    assert call.outcome == Outcome.DO_NOT_CALL
    assert DoNotCall.objects.get(phone=call.lead.phone).source == "voice"
    assert waiting.state == Enrolment.State.STOPPED


def test_an_inbound_caller_opts_out_their_own_number(now: datetime) -> None:
    call = CallFactory(live=True, direction="inbound", to_number="+15125550100")
    Call.objects.filter(pk=call.pk).update(from_number=call.lead.phone)
    opt_out(call_id=call.pk, source="key", now=now)
    assert DoNotCall.objects.filter(phone=call.lead.phone).exists()
    assert not DoNotCall.objects.filter(phone="+15125550100").exists()


def slot(now: datetime) -> Slot:
    rep = UserFactory()
    starts = now + timedelta(days=1)
    WorkingHoursFactory(rep=rep, weekday=starts.weekday(), starts=time(0), ends=time(23, 59))
    return Slot(rep.pk, "Rep", starts, starts + timedelta(minutes=30))


def test_a_slot_is_booked_once(call: Call, now: datetime) -> None:
    free = slot(now)
    assert slot_book(call_id=call.pk, slot=free, now=now)
    assert slot_book(call_id=call.pk, slot=free, now=now)
    assert Appointment.objects.get(call=call).starts_at == free.starts_at


def test_a_slot_that_is_gone_is_not_booked(call: Call, now: datetime) -> None:
    free = slot(now)
    other = CallFactory(live=True)
    assert slot_book(call_id=other.pk, slot=free, now=now)
    assert not slot_book(call_id=call.pk, slot=free, now=now)
    assert call.events.filter(kind="slot_taken").exists()


def later(free: Slot) -> Slot:
    return replace(
        free,
        starts_at=free.starts_at + timedelta(hours=2),
        ends_at=free.ends_at + timedelta(hours=2),
    )


def test_a_later_call_moves_the_meeting_and_both_sides_get_the_next_sequence(
    call: Call, now: datetime
) -> None:
    free = slot(now)
    assert slot_book(call_id=call.pk, slot=free, now=now)
    meeting = Appointment.objects.get()
    uid = meeting.uid
    for _ in range(2):
        assert slot_move(call_id=call.pk, appointment_id=meeting.pk, slot=later(free), now=now)
    meeting.refresh_from_db()
    assert (meeting.starts_at, meeting.sequence, meeting.uid) == (later(free).starts_at, 1, uid)
    invitations = Mail.objects.filter(kind=Mail.Kind.INVITATION, appointment=meeting)
    assert set(invitations.values_list("sequence", flat=True)) == {0, 1}
    assert call.events.filter(kind="appointment_moved").exists()


def test_a_meeting_is_not_moved_onto_anothers(call: Call, now: datetime) -> None:
    free = slot(now)
    other = CallFactory(live=True)
    assert slot_book(call_id=call.pk, slot=free, now=now)
    assert slot_book(call_id=other.pk, slot=later(free), now=now)
    meeting = Appointment.objects.get(lead=call.lead)
    assert not slot_move(call_id=call.pk, appointment_id=meeting.pk, slot=later(free), now=now)
    meeting.refresh_from_db()
    assert meeting.starts_at == free.starts_at


def test_a_later_call_cancels_the_meeting_once(call: Call, now: datetime) -> None:
    free = slot(now)
    assert slot_book(call_id=call.pk, slot=free, now=now)
    meeting = Appointment.objects.get()
    for _ in range(2):
        assert appointment_drop(call_id=call.pk, appointment_id=meeting.pk, now=now)
    meeting.refresh_from_db()
    assert (meeting.status, meeting.sequence) == (Appointment.Status.CANCELLED, 1)
    assert Mail.objects.filter(kind=Mail.Kind.CANCELLATION, appointment=meeting).exists()


def test_nobody_changes_the_meeting_of_another_lead(call: Call, now: datetime) -> None:
    free = slot(now)
    other = CallFactory(live=True)
    assert slot_book(call_id=other.pk, slot=free, now=now)
    meeting = Appointment.objects.get()
    assert not slot_move(call_id=call.pk, appointment_id=meeting.pk, slot=later(free), now=now)
    assert not appointment_drop(call_id=call.pk, appointment_id=meeting.pk, now=now)
    meeting.refresh_from_db()
    assert (meeting.status, meeting.sequence) == (Appointment.Status.BOOKED, 0)


def test_the_brief_tells_of_the_next_meeting_and_of_whose_zone_it_is(
    call: Call, now: datetime
) -> None:
    free = slot(now)
    assert slot_book(call_id=call.pk, slot=free, now=now)
    call.playbook_version = playbook_version()
    brief = call_brief(call, recorded=True, now=now)
    assert brief.appointment is not None
    assert brief.appointment.slot.starts_at == free.starts_at
    assert free.starts_at not in [each.starts_at for each in brief.slots]
    assert {each.time_zone for each in brief.slots} == {"America/Chicago"}
    assert brief.slots[-1].starts_at > now + timedelta(days=14)


def test_a_callback_is_kept_with_the_call_and_on_the_timeline(call: Call, now: datetime) -> None:
    at = now + timedelta(days=2)
    for _ in range(2):
        callback_schedule(call_id=call.pk, at=at, now=now)
    call.refresh_from_db()
    assert call.callback_at == at
    assert TimelineEntry.objects.filter(lead=call.lead, kind="callback").count() == 1


def test_a_recording_is_stored_with_its_checksum(call: Call, media: Path, now: datetime) -> None:
    path = media / f"recordings/{call.pk}.wav"
    path.write_bytes(stereo_wav([("lead", 0, 500)], duration_ms=1000))
    for _ in range(2):
        recording_store(call_id=call.pk, path=path, duration_ms=1000, now=now)
    recording = Recording.objects.get(call=call)
    assert recording.state == Recording.State.STORED
    assert recording.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert recording.file.name == f"recordings/{call.pk}.wav"


def test_a_recording_outside_the_media_folder_is_refused(
    call: Call, media: Path, now: datetime
) -> None:
    with pytest.raises(ValueError, match="MEDIA_ROOT"):
        recording_store(call_id=call.pk, path=Path(__file__), duration_ms=1, now=now)


def test_the_header_of_a_crashed_recording_is_repaired(media: Path) -> None:
    path = media / "crashed.wav"
    sound = bytearray(stereo_wav([("lead", 0, 500)], duration_ms=1000))
    whole = bytes(sound)
    struct.pack_into("<I", sound, 4, 36)
    struct.pack_into("<I", sound, 40, 0)
    path.write_bytes(bytes(sound) + b"\x01")
    assert wav_repair(path) == 1000
    assert path.read_bytes() == whole
    assert wav_repair(path) == 1000


def test_what_is_no_recording_is_not_repaired(media: Path) -> None:
    path = media / "noise.wav"
    path.write_bytes(b"not a wave file" * 10)
    with pytest.raises(NotRepairable):
        wav_repair(path)
