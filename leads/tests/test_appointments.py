"""Free times are offered, booked once, cancelled, and sent as invitations."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from icalendar import Calendar

from leads.models import Appointment, Lead
from leads.selectors import free_slots
from leads.services import SlotTaken, appointment_book, appointment_cancel, invitation
from tests.factories import AppointmentFactory, LeadFactory, UserFactory, WorkingHoursFactory
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


def book(lead: Lead, rep, start: datetime = START, minutes: int = 30) -> Appointment:
    return appointment_book(
        lead_id=lead.pk,
        rep_id=rep.pk,
        starts_at=start,
        ends_at=start + timedelta(minutes=minutes),
        now=NOW,
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


def test_it_books_the_times_right_before_and_after_and_other_representatives(rep):
    book(LeadFactory(), rep)
    book(LeadFactory(), rep, START - HALF_HOUR)
    book(LeadFactory(), rep, START + HALF_HOUR)
    book(LeadFactory(), UserFactory())
    assert Appointment.objects.count() == 4


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


@pytest.mark.django_db(transaction=True)
def test_of_many_bookings_at_once_exactly_one_gets_the_time(tmp_path: Path):
    many = 50 if connection.vendor == "postgresql" else 12
    rep = UserFactory()
    leads = [LeadFactory() for _ in range(many)]
    with shared_database(tmp_path):
        results = at_once(
            many, lambda n: book(leads[n], rep, START + timedelta(minutes=n % 30), minutes=30)
        )
    refused = [result for result in results if isinstance(result, SlotTaken)]
    booked = [result for result in results if isinstance(result, Appointment)]
    assert (len(booked), len(refused)) == (1, many - 1), results


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
