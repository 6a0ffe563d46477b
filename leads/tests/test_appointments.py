"""Free times are offered, booked once, cancelled, and sent as invitations."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from icalendar import Calendar

from leads.models import Appointment, BookingRules, Holiday, Lead, TimeOff
from leads.selectors import free_slots
from leads.services import (
    NotBooked,
    SlotTaken,
    appointment_book,
    appointment_cancel,
    appointment_close,
    appointment_move,
    invitation,
)
from tests.factories import (
    AppointmentFactory,
    LeadFactory,
    UserFactory,
    WorkingHoursFactory,
)
from tests.threads import at_once, shared_database

AUSTIN = ZoneInfo("America/Chicago")
NOW = datetime(2026, 11, 23, 8, tzinfo=AUSTIN)  # a Monday
START = datetime(2026, 11, 24, 10, tzinfo=AUSTIN)
HALF_HOUR = timedelta(minutes=30)


@pytest.fixture
def rep(db: None):
    rep = UserFactory(first_name="Ana", last_name="Rivera")
    for weekday in range(5):
        WorkingHoursFactory(rep=rep, weekday=weekday, starts=time(9), ends=time(17))
    return rep


def book(
    lead: Lead, rep, start: datetime = START, minutes: int = 30, **options: object
) -> Appointment:
    return appointment_book(
        lead_id=lead.pk,
        rep_id=rep.pk,
        starts_at=start,
        ends_at=start + timedelta(minutes=minutes),
        now=NOW,
        **options,  # type: ignore[arg-type]
    )


def move(appointment: Appointment, start: datetime, **options: object) -> Appointment:
    return appointment_move(
        appointment_id=appointment.pk,
        starts_at=start,
        ends_at=start + HALF_HOUR,
        now=NOW,
        **options,  # type: ignore[arg-type]
    )


def slots(**options: object):
    return free_slots(**({"now": NOW, "time_zone": "America/Chicago"} | options))  # type: ignore[arg-type]


def test_it_books_a_meeting_and_tells_the_leads_story(rep):
    lead = LeadFactory()
    appointment = book(lead, rep)
    lead.refresh_from_db()
    assert appointment.status == "booked"
    assert lead.stage == "appointment"
    assert lead.timeline.get(kind="appointment").text.endswith(
        "booked for Tuesday 24 November 2026 10:00 (America/Chicago)."
    )


def test_the_same_meeting_twice_is_one_meeting(rep):
    lead = LeadFactory()
    assert book(lead, rep) == book(lead, rep)
    assert lead.timeline.filter(kind="appointment").count() == 1


@pytest.mark.parametrize("shift", [-15, 0, 15])
def test_it_refuses_a_time_that_overlaps_another(rep, shift: int):
    book(LeadFactory(), rep)
    with pytest.raises(SlotTaken):
        book(LeadFactory(), rep, START + timedelta(minutes=shift))
    assert Appointment.objects.count() == 1


def test_a_person_may_book_the_times_right_before_and_after_the_agent_may_not(rep):
    book(LeadFactory(), rep)
    for start in (START - HALF_HOUR, START + HALF_HOUR):
        with pytest.raises(SlotTaken, match="15 minutes free between two"):
            book(LeadFactory(), rep, start)
        book(LeadFactory(), rep, start, actor=UserFactory())
    assert Appointment.objects.count() == 3


def test_a_person_may_book_outside_of_working_hours_the_agent_may_not(rep):
    evening = START.replace(hour=19)
    with pytest.raises(SlotTaken, match="outside the working hours of Ana Rivera"):
        book(LeadFactory(), rep, evening)
    assert book(LeadFactory(), rep, evening, actor=UserFactory()).starts_at == evening


def test_nobody_books_a_representative_twice_not_even_a_person(rep):
    book(LeadFactory(), rep)
    with pytest.raises(SlotTaken, match="another appointment"):
        book(LeadFactory(), rep, actor=UserFactory())


def test_the_agent_neither_offers_nor_books_time_off_and_holidays(rep):
    TimeOff.objects.create(
        rep=rep, starts_at=START, ends_at=START + timedelta(hours=2), reason="Dentist"
    )
    Holiday.objects.create(day=NOW.date() + timedelta(days=3), name="Thanksgiving")
    starts = {slot.starts_at.astimezone(AUSTIN) for slot in slots(limit=1000)}
    assert START not in starts
    assert START + timedelta(hours=2) in starts
    assert NOW.date() + timedelta(days=3) not in {start.date() for start in starts}
    with pytest.raises(SlotTaken, match="away then: Dentist"):
        book(LeadFactory(), rep)
    with pytest.raises(SlotTaken, match="holiday: Thanksgiving"):
        book(LeadFactory(), rep, START + timedelta(days=2))


def test_each_representative_has_a_meeting_length_buffers_and_notice_of_their_own(rep):
    BookingRules.objects.create(
        rep=rep, slot_minutes=45, buffer_before=0, buffer_after=0, notice_minutes=24 * 60
    )
    offered = slots(limit=1000)
    assert {slot.ends_at - slot.starts_at for slot in offered} == {timedelta(minutes=45)}
    assert min(slot.starts_at for slot in offered) >= NOW + timedelta(days=1)
    book(LeadFactory(), rep, START.replace(hour=9), minutes=45)
    after = {slot.starts_at.astimezone(AUSTIN) for slot in slots(limit=1000)}
    assert START.replace(hour=9, minute=45) in after


def test_a_day_may_have_several_spans(rep):
    WorkingHoursFactory(rep=rep, weekday=1, starts=time(17), ends=time(18))
    WorkingHoursFactory(rep=rep, weekday=1, starts=time(19), ends=time(20))
    tuesday = [s.starts_at.astimezone(AUSTIN) for s in slots(limit=1000)]
    times = {start.time() for start in tuesday if start.date() == START.date()}
    assert {time(17), time(19, 30)} <= times
    assert time(18) not in times
    # Two spans that meet are one: a meeting may lie across.
    book(LeadFactory(), rep, START.replace(hour=16, minute=45))


def test_it_refuses_a_time_that_has_passed(rep):
    with pytest.raises(SlotTaken, match="has passed"):
        book(LeadFactory(), rep, NOW - HALF_HOUR)


def test_a_cancelled_time_is_free_again(rep):
    appointment = book(LeadFactory(), rep)
    for _ in range(2):
        cancelled = appointment_cancel(appointment_id=appointment.pk, reason="ill", now=NOW)
    assert (cancelled.status, cancelled.sequence) == ("cancelled", 1)
    assert cancelled.lead.timeline.filter(text="Appointment cancelled: ill").count() == 1
    book(LeadFactory(), rep)


def test_a_moved_meeting_keeps_its_identity_and_frees_its_old_time(rep):
    appointment = book(LeadFactory(), rep)
    later = START + timedelta(hours=3)
    for _ in range(2):
        moved = move(appointment, later, reason="the lead asked for the afternoon")
    assert (moved.uid, moved.sequence, moved.starts_at) == (appointment.uid, 1, later)
    story = moved.lead.timeline.filter(text__startswith="Appointment moved from").get()
    assert story.text.endswith(
        "10:00 (America/Chicago) to Tuesday 24 November 2026 13:00 (America/Chicago), "
        "with Ana Rivera: the lead asked for the afternoon"
    )
    book(LeadFactory(), rep)


def test_a_meeting_may_be_moved_by_less_than_its_length_and_to_another_representative(rep):
    appointment = book(LeadFactory(), rep)
    move(appointment, START + timedelta(minutes=15))
    other = UserFactory(first_name="Ben")
    WorkingHoursFactory(rep=other, weekday=1)
    assert move(appointment, START, rep_id=other.pk).rep == other


def test_a_meeting_is_not_moved_onto_another_or_after_its_end(rep):
    appointment = book(LeadFactory(), rep)
    book(LeadFactory(), rep, START + timedelta(hours=2))
    with pytest.raises(SlotTaken):
        move(appointment, START + timedelta(hours=2), actor=UserFactory())
    appointment_cancel(appointment_id=appointment.pk, reason="ill", now=NOW)
    with pytest.raises(NotBooked, match="is cancelled: book a new one"):
        move(appointment, START + timedelta(hours=4))


def test_the_own_time_counts_as_free_for_a_meeting_that_is_moved(rep):
    appointment = book(LeadFactory(), rep)
    assert START not in {slot.starts_at for slot in slots(limit=1000)}
    assert START in {slot.starts_at for slot in slots(limit=1000, moving=appointment.pk)}


@pytest.mark.parametrize(("status", "stage"), [("held", "appointment"), ("no_show", "qualified")])
def test_what_became_of_a_meeting_moves_the_lead(rep, status: str, stage: str):
    appointment = book(LeadFactory(), rep)
    actor = UserFactory()
    with pytest.raises(NotBooked, match="has not begun"):
        appointment_close(
            appointment_id=appointment.pk, status=status, actor=actor, now=START - HALF_HOUR
        )
    for _ in range(2):
        appointment_close(appointment_id=appointment.pk, status=status, actor=actor, now=START)
    lead = appointment.lead
    lead.refresh_from_db()
    assert lead.stage == stage
    appointment.refresh_from_db()
    assert appointment.status == status


def test_a_held_meeting_may_win_the_lead(rep):
    appointment = book(LeadFactory(), rep)
    appointment_close(
        appointment_id=appointment.pk, status="held", stage="won", note="listing signed",
        actor=UserFactory(), now=START,
    )  # fmt: skip
    appointment.lead.refresh_from_db()
    assert appointment.lead.stage == "won"
    assert appointment.lead.timeline.filter(text__endswith="was held: listing signed").exists()


@pytest.mark.django_db(transaction=True)
def test_of_many_bookings_at_once_exactly_one_gets_the_time(tmp_path: Path):
    many = 50 if connection.vendor == "postgresql" else 12
    rep = UserFactory()
    WorkingHoursFactory(rep=rep, weekday=1)
    leads = [LeadFactory() for _ in range(many)]
    with shared_database(tmp_path):
        results = at_once(
            many, lambda n: book(leads[n], rep, START + timedelta(minutes=n % 30), minutes=30)
        )
    refused = [result for result in results if isinstance(result, SlotTaken)]
    booked = [result for result in results if isinstance(result, Appointment)]
    assert (len(booked), len(refused)) == (1, many - 1), results


@pytest.mark.django_db(transaction=True)
def test_of_many_bookings_and_moves_at_once_none_overlap_or_break_the_buffer(tmp_path: Path):
    many = 50 if connection.vendor == "postgresql" else 12
    rep = UserFactory()
    WorkingHoursFactory(rep=rep, weekday=1)
    early = book(LeadFactory(), rep, START.replace(hour=9))
    leads = [LeadFactory() for _ in range(many)]

    def work(n: int) -> Appointment:
        start = START + timedelta(minutes=15 * (n % 25))
        if n % 10 == 0:
            return move(early, start)
        return book(leads[n], rep, start)

    with shared_database(tmp_path):
        results = at_once(many, work)
        booked = Appointment.objects.filter(status="booked").order_by("starts_at")
        (meetings,) = at_once(1, lambda _: list(booked))
    assert {type(result) for result in results} <= {Appointment, SlotTaken}, results
    assert isinstance(meetings, list)
    assert len(meetings) > 2
    gaps = [after.starts_at - before.ends_at for before, after in itertools.pairwise(meetings)]
    assert min(gaps) >= timedelta(minutes=15)


def test_it_offers_times_spread_over_the_days(rep):
    offered = slots(limit=6)
    starts = [slot.starts_at.astimezone(AUSTIN) for slot in offered]
    assert len({start.date() for start in starts}) == 5  # every working day of the week
    assert starts == sorted(starts)
    assert {start.time() < time(12) for start in starts} == {True, False}
    assert {slot.rep_name for slot in offered} == {"Ana Rivera"}


def test_it_offers_nothing_sooner_than_two_hours_or_outside_working_hours(rep):
    offered = slots(limit=1000)
    assert min(slot.starts_at for slot in offered) == NOW + timedelta(hours=2)
    for slot in offered:
        start, end = slot.starts_at.astimezone(AUSTIN), slot.ends_at.astimezone(AUSTIN)
        assert start.weekday() < 5
        assert time(9) <= start.time()
        assert end.time() <= time(17)


def test_it_keeps_a_quarter_of_an_hour_to_what_is_booked(rep):
    book(LeadFactory(), rep)
    starts = {slot.starts_at for slot in slots(limit=1000)}
    taken = {START - HALF_HOUR, START, START + HALF_HOUR}
    assert not starts & taken
    assert {START - 2 * HALF_HOUR, START + 2 * HALF_HOUR} <= starts


def test_every_offer_can_be_booked(rep):
    for slot in slots(limit=6):
        book(LeadFactory(), rep, slot.starts_at)


def test_it_offers_no_time_in_the_leads_night(rep):
    offered = slots(limit=1000, time_zone="Pacific/Honolulu")
    assert offered
    assert all(
        slot.starts_at.astimezone(ZoneInfo("Pacific/Honolulu")).time() >= time(8)
        for slot in offered
    )


def test_it_offers_the_less_busy_of_two_representatives(rep):
    other = UserFactory()
    for weekday in range(5):
        WorkingHoursFactory(rep=other, weekday=weekday)
    AppointmentFactory(rep=rep, starts_at=START, ends_at=START + HALF_HOUR)
    assert {slot.rep_id for slot in slots()} == {other.pk}


def test_it_offers_nothing_of_those_who_have_left(rep):
    rep.is_active = False
    rep.save()
    assert slots() == []


def test_the_working_day_keeps_its_wall_clock_when_the_clocks_change(rep):
    saturday = datetime(2026, 10, 31, 12, tzinfo=AUSTIN)  # the clocks go back in the night
    offered = slots(now=saturday, limit=1000, horizon=timedelta(days=3))
    monday = [s.starts_at.astimezone(AUSTIN) for s in offered]
    assert monday[0] == datetime(2026, 11, 2, 9, tzinfo=AUSTIN)


def test_the_invitation_replaces_and_cancels_what_a_calendar_has(rep):
    appointment = book(LeadFactory(first_name="Mia", email="mia@example.com"), rep)
    options = {"business_name": "Harbor Homes", "organizer_email": "desk@example.com", "now": NOW}
    request = Calendar.from_ical(invitation(appointment, **options))
    event = request.walk("VEVENT")[0]
    assert request["METHOD"] == "REQUEST"
    assert (str(event["UID"]), event["SEQUENCE"]) == (appointment.uid, 0)
    assert event["DTSTART"].dt == START.astimezone(UTC)
    assert str(event["ATTENDEE"][0]) == "mailto:mia@example.com"
    appointment = appointment_cancel(appointment_id=appointment.pk, reason="ill", now=NOW)
    cancel = Calendar.from_ical(invitation(appointment, **options))
    event = cancel.walk("VEVENT")[0]
    assert (cancel["METHOD"], event["STATUS"]) == ("CANCEL", "CANCELLED")
    assert (str(event["UID"]), event["SEQUENCE"]) == (appointment.uid, 1)
