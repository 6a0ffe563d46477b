"""The calendar at the desk: drawn in the viewer's zone, booked, moved, closed and cancelled."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.contrib.auth.models import Permission
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from icalendar import Calendar

from leads.agenda import day_agenda, week_agenda
from leads.models import Appointment, Holiday, Mail
from tests import factories
from tests.factories import (
    AppointmentFactory,
    LeadFactory,
    TimeOffFactory,
    UserFactory,
    WorkingHoursFactory,
)

AUSTIN = ZoneInfo("America/Chicago")
NOW = datetime(2026, 11, 23, 8, 10, tzinfo=AUSTIN)  # a Monday
BOOK = "admin:leads_appointment_book"

pytestmark = pytest.mark.django_db


@pytest.fixture
def manager(client: Client) -> Client:
    client.force_login(factories.ManagerFactory())
    client.cookies["viewer_zone"] = "America/Chicago"
    return client


@pytest.fixture
def rep() -> Any:
    rep = UserFactory(first_name="Ana", last_name="Rivera")
    for weekday in range(7):
        WorkingHoursFactory(rep=rep, weekday=weekday, starts=time(9), ends=time(17))
    return rep


def workday() -> datetime:
    """Return ten o'clock in Austin, three days from now."""
    return timezone.now().astimezone(AUSTIN).replace(
        hour=10, minute=0, second=0, microsecond=0
    ) + timedelta(days=3)


def meeting_of(rep: Any, start: datetime, minutes: int = 30, **fields: Any) -> Appointment:
    found: Appointment = AppointmentFactory(
        rep=rep, starts_at=start, ends_at=start + timedelta(minutes=minutes), **fields
    )
    return found


def page_of(meeting: Appointment) -> str:
    return reverse("admin:leads_appointment_change", args=(meeting.pk,))


def told(answer: Any) -> list[str]:
    return [str(message) for message in answer.context["messages"]]


# As it is drawn


def test_a_day_has_a_column_for_everybody_with_their_hours_and_meetings(rep: Any) -> None:
    other = UserFactory(first_name="Zed")
    meeting = meeting_of(other, NOW.replace(hour=18, minute=0), 45)
    meeting_of(rep, NOW.replace(hour=11, minute=0), status="cancelled")
    agenda = day_agenda(NOW.date(), visible=Appointment.objects.all(), zone=AUSTIN, now=NOW)
    ana, zed = agenda.columns
    assert (ana.name, [(span.begins, span.ends) for span in ana.open]) == (
        "Ana Rivera", [(9 * 60, 17 * 60)]
    )  # fmt: skip
    assert ana.meetings == []
    assert [(m.begins, m.length, m.appointment) for m in zed.meetings] == [(18 * 60, 45, meeting)]
    # Drawn from the first full hour to the last, with the line of the moment inside or not at all.
    assert (agenda.begins, agenda.ends, agenda.now) == (9 * 60, 19 * 60, None)
    free = [place.at for place in ana.places if place.free]
    assert (free[0], free[-1]) == ("2026-11-23T09:00", "2026-11-23T16:30")


def test_it_is_drawn_on_the_viewers_clock(rep: Any) -> None:
    tokyo = ZoneInfo("Asia/Tokyo")
    day = date(2026, 11, 24)
    agenda = day_agenda(day, visible=Appointment.objects.all(), zone=tokyo, now=NOW)
    # Monday nine to five in Austin is Tuesday from midnight to eight in Tokyo.
    assert [(span.begins, span.ends) for span in agenda.columns[0].open] == [(0, 8 * 60)]


def test_a_week_shows_time_off_and_holidays_and_nothing_is_free_then(rep: Any) -> None:
    tuesday = datetime(2026, 11, 24, 13, tzinfo=AUSTIN)
    TimeOffFactory(rep=rep, starts_at=tuesday, ends_at=tuesday + timedelta(hours=2))
    Holiday.objects.create(day=date(2026, 11, 26), name="Thanksgiving")
    agenda = week_agenda(
        NOW.date(), rep_id=rep.pk, visible=Appointment.objects.all(), zone=AUSTIN, now=NOW
    )
    columns = {column.name: column for column in agenda.columns}
    assert list(columns) == ["Mon 23", "Tue 24", "Wed 25", "Thu 26", "Fri 27", "Sat 28", "Sun 29"]
    assert [(off.begins, off.ends, off.reason) for off in columns["Tue 24"].away] == [
        (13 * 60, 15 * 60, "Dentist")
    ]
    assert {p.begins for p in columns["Tue 24"].places if p.free}.isdisjoint({13 * 60, 14 * 60})
    assert columns["Thu 26"].away[0].reason == "Thanksgiving"
    assert not any(place.free for place in columns["Thu 26"].places)
    # A meeting's buffer is not free either, and its own time is no place to click.
    meeting_of(rep, datetime(2026, 11, 25, 12, tzinfo=AUSTIN))
    again = week_agenda(
        NOW.date(), rep_id=rep.pk, visible=Appointment.objects.all(), zone=AUSTIN, now=NOW
    )
    places = {place.begins: place.free for place in again.columns[2].places}
    assert 12 * 60 not in places
    assert (places[11 * 60 + 30], places[12 * 60 + 30], places[11 * 60]) == (False, False, True)


def test_the_pages_open_and_cost_the_same_with_many_meetings(manager: Client, rep: Any) -> None:
    address = reverse("admin:leads_calendar")
    for apart, view in enumerate(("day", "week")):
        counts = []
        for more in (1, 6):
            for n in range(more):
                meeting_of(rep, workday() + timedelta(hours=n + more // 6, minutes=apart * 30))
                WorkingHoursFactory()
            parameters = {"view": view, "rep": rep.pk, "day": f"{workday():%Y-%m-%d}"}
            with CaptureQueriesContext(connection) as queries:
                answer = manager.get(address, parameters)
            assert answer.status_code == 200
            counts.append(len(queries))
        assert counts[0] == counts[1], view
    for nonsense in ({"day": "never", "rep": "x", "view": "month"}, {}):
        assert manager.get(address, nonsense).status_code == 200


def test_without_hours_the_calendar_says_what_to_do(manager: Client) -> None:
    page = manager.get(reverse("admin:leads_calendar")).content.decode()
    assert "Nobody has working hours yet" in page


# Booked, moved, closed


def booking(rep: Any, start: datetime, **also: Any) -> dict[str, Any]:
    return {"rep": rep.pk, "starts_at": f"{start:%Y-%m-%dT%H:%M}", "minutes": "30", **also}


def test_a_lead_is_found_and_booked_at_a_free_time(manager: Client, rep: Any) -> None:
    lead = LeadFactory(first_name="Mia", owner=rep, time_zones=["America/New_York"])
    found = manager.get(reverse(BOOK), {"q": "mia", "rep": rep.pk, "at": "2026-12-01T10:00"})
    assert f"?lead={lead.pk}&amp;rep={rep.pk}&amp;at=2026-12-01T10%3A00" in found.content.decode()
    address = reverse(BOOK) + f"?lead={lead.pk}"
    page = manager.get(address)
    assert page.context["offers"]
    assert "EST" in page.content.decode(), "the lead's zone stands beside the viewer's"
    answer = manager.post(address, booking(rep, workday(), notes="Bring plans"), follow=True)
    assert told(answer) == ["Booked. Both sides get an invitation by e-mail."]
    meeting = Appointment.objects.get()
    assert (meeting.starts_at, meeting.notes) == (workday(), "Bring plans")
    lead.refresh_from_db()
    assert lead.stage == "appointment"


def test_what_speaks_against_a_time_is_said_and_may_be_overruled(manager: Client, rep: Any) -> None:
    lead = LeadFactory()
    address = reverse(BOOK) + f"?lead={lead.pk}"
    evening = workday().replace(hour=20)
    page = manager.post(address, booking(rep, evening)).content.decode()
    assert "outside the working hours of Ana Rivera" in page
    assert not Appointment.objects.exists()
    manager.post(address, booking(rep, evening, anyway="on"))
    assert Appointment.objects.get().starts_at == evening


def test_nobody_is_booked_twice_not_even_anyway(manager: Client, rep: Any) -> None:
    meeting_of(rep, workday())
    address = reverse(BOOK) + f"?lead={LeadFactory().pk}"
    page = manager.post(address, booking(rep, workday(), anyway="on")).content.decode()
    assert "has another appointment then. Offer another time." in page
    past = workday() - timedelta(days=30)
    page = manager.post(address, booking(rep, past, anyway="on")).content.decode()
    assert "That time has passed" in page
    assert Appointment.objects.count() == 1


def test_a_meeting_is_moved_by_form_and_by_a_drag(manager: Client, rep: Any) -> None:
    meeting = meeting_of(rep, workday())
    address = reverse("admin:leads_appointment_move", args=(meeting.pk,))
    assert "Move the appointment" in manager.get(address).content.decode()
    later = workday() + timedelta(hours=2)
    answer = manager.post(address, booking(rep, later, reason="asked for it"), follow=True)
    assert told(answer) == ["Moved. Both sides are told by e-mail."]
    drag = {"headers": {"X-Requested-With": "fetch"}}
    night = workday().replace(hour=22)
    refused = manager.post(address, booking(rep, night), **drag)
    assert refused.json() == {
        "moved": False, "problem": "It is outside the working hours of Ana Rivera."
    }  # fmt: skip
    assert manager.post(address, booking(rep, night, anyway="on"), **drag).json()["moved"]
    meeting_of(rep, workday())
    taken = manager.post(address, booking(rep, workday(), anyway="on"), **drag)
    assert "has another appointment then" in taken.json()["error"]
    meeting.refresh_from_db()
    assert (meeting.starts_at, meeting.sequence) == (night, 2)


def test_what_became_of_a_meeting_is_noted_with_the_leads_stage(manager: Client, rep: Any) -> None:
    lead = LeadFactory(stage="appointment")
    meeting = meeting_of(rep, timezone.now() - timedelta(hours=1), lead=lead)
    close = reverse("admin:leads_appointment_close", args=(meeting.pk,))
    assert "What became of it?" in manager.get(page_of(meeting)).content.decode()
    manager.post(close, {"status": "held", "stage": "won", "note": "signed"})
    meeting.refresh_from_db()
    lead.refresh_from_db()
    assert (meeting.status, lead.stage) == ("held", "won")
    assert manager.get(close).status_code == 405
    coming = meeting_of(rep, workday())
    address = reverse("admin:leads_appointment_close", args=(coming.pk,))
    assert "has not begun" in told(manager.post(address, {"status": "held"}, follow=True))[-1]


def test_a_cancellation_says_first_whom_it_reaches(manager: Client, rep: Any) -> None:
    meeting = meeting_of(rep, workday(), lead=LeadFactory(email=""))
    address = reverse("admin:leads_appointment_cancel", args=(meeting.pk,))
    assert "The lead has no e-mail address" in manager.get(address).content.decode()
    answer = manager.post(address, {"reason": "ill"}, follow=True)
    assert "Cancelled" in answer.content.decode()
    meeting.refresh_from_db()
    assert meeting.status == "cancelled"
    assert [mail.user for mail in Mail.objects.filter(kind="cancellation")] == [rep]


def test_the_calendar_file_is_handed_out(manager: Client, rep: Any) -> None:
    meeting = meeting_of(rep, workday())
    answer = manager.get(reverse("admin:leads_appointment_ics", args=(meeting.pk,)))
    event = Calendar.from_ical(answer.content).walk("VEVENT")[0]
    assert (str(event["UID"]), event["DTSTART"].dt) == (
        meeting.uid, workday().astimezone(UTC)
    )  # fmt: skip


def test_whoever_may_only_look_changes_nothing(client: Client, rep: Any) -> None:
    person = UserFactory()
    person.user_permissions.add(
        *Permission.objects.filter(codename__in=["view_appointment", "view_lead"])
    )
    client.force_login(person)
    meeting = meeting_of(person, workday())
    day = {"day": f"{workday():%Y-%m-%d}"}
    page = client.get(reverse("admin:leads_calendar"), day).content.decode()
    assert "data-move" not in page
    assert "appointment/book" not in page
    assert client.get(page_of(meeting)).status_code == 200
    assert client.get(reverse(BOOK) + f"?lead={meeting.lead_id}").status_code == 403
    for name in ("move", "cancel"):
        address = reverse(f"admin:leads_appointment_{name}", args=(meeting.pk,))
        assert client.get(address).status_code == 403
    client.force_login(UserFactory())
    assert client.get(reverse("admin:leads_calendar")).status_code == 403


# Hours


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"time_zone": "Texas"}, "is not a time zone"),
        ({"starts": "16:00", "ends": "18:00"}, "This overlaps Monday 09:00-17:00"),
        ({"starts": "20:00", "ends": "19:00"}, "hours_end_after_start"),
    ],
)
def test_working_hours_that_make_no_sense_are_refused(
    manager: Client, rep: Any, changes: dict[str, str], problem: str
) -> None:
    data = {
        "rep": rep.pk, "weekday": 0, "starts": "18:00", "ends": "20:00",
        "time_zone": "America/Chicago",
    } | changes  # fmt: skip
    page = manager.post(reverse("admin:leads_workinghours_add"), data)
    assert page.status_code == 200
    words = page.content.decode()
    assert problem in words or "must be later" in words
