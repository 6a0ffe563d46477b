"""E-mails go out once, to the right people, with what is true when they are sent."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from email.message import Message
from zoneinfo import ZoneInfo

import pytest
from django.core import mail
from django.core.exceptions import ValidationError
from icalendar import Calendar

from calls.models import OutboxItem
from calls.services.outbox import outbox_run_due
from leads.models import Appointment, Mail, Mention
from leads.services import appointment_book, appointment_cancel, appointment_move
from leads.services.notes import mentions_seen, note_add
from leads.services.tasks import task_add, task_change, task_done, task_reopen
from tests.factories import LeadFactory, UserFactory, WorkingHoursFactory

AUSTIN = ZoneInfo("America/Chicago")
NOW = datetime(2026, 11, 23, 14, tzinfo=UTC)
START = datetime(2026, 11, 25, 10, tzinfo=AUSTIN)

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _mail_server(settings) -> None:
    settings.EMAIL_HOST = "mail.example.com"
    settings.DEFAULT_FROM_EMAIL = "Harbor Homes <desk@example.com>"


@pytest.fixture
def rep():
    rep = UserFactory(username="ana", first_name="Ana", email="ana@example.com")
    for weekday in range(5):
        WorkingHoursFactory(rep=rep, weekday=weekday, starts=time(9), ends=time(17))
    return rep


@pytest.fixture
def lead():
    return LeadFactory(first_name="Mia", last_name="Stone", email="mia@example.com",
                       time_zones=["America/New_York"])  # fmt: skip


def book(lead, rep) -> Appointment:
    return appointment_book(
        lead_id=lead.pk, rep_id=rep.pk, starts_at=START, ends_at=START + timedelta(minutes=30),
        now=NOW,
    )  # fmt: skip


def sent(at: datetime) -> list[tuple[str, str]]:
    """Run the outbox at a moment, some times over; return recipient and subject of what went."""
    mail.outbox.clear()
    for _ in range(3):
        outbox_run_due(at, limit=100)
    return sorted((message.to[0], message.subject) for message in mail.outbox)


def calendar_of(message: mail.EmailMessage) -> Calendar:
    parts: list[Message] = list(message.message().walk())
    part = next(part for part in parts if part.get_content_type() == "text/calendar")
    payload = part.get_payload(decode=True)
    assert isinstance(payload, bytes)
    calendar = Calendar.from_ical(payload)
    assert part.get_param("method") == calendar["METHOD"]
    return calendar


def test_both_sides_are_invited_each_in_their_own_time(lead, rep):
    book(lead, rep)
    assert sent(NOW) == [
        ("ana@example.com",
         "Appointment: Mia Stone, Wednesday, November 25, 2026, 10:00 AM CST"),
        ("mia@example.com",
         "Appointment: Ana Rivera, Wednesday, November 25, 2026, 11:00 AM EST"),
    ]  # fmt: skip
    to_lead = next(message for message in mail.outbox if message.to == ["mia@example.com"])
    assert to_lead.reply_to == ["ana@example.com"]
    to_rep = next(message for message in mail.outbox if message.to == ["ana@example.com"])
    assert "For the lead: Wednesday, November 25, 2026, 11:00 AM EST" in to_rep.body
    assert lead.timeline.filter(text="Invitation e-mailed to the lead.").count() == 1


def test_a_moved_and_a_cancelled_meeting_replace_the_calendar_entry(lead, rep):
    appointment = book(lead, rep)
    sent(NOW)
    seen = [calendar_of(message) for message in mail.outbox]
    later = START + timedelta(hours=1)
    appointment_move(
        appointment_id=appointment.pk,
        starts_at=later,
        ends_at=later + timedelta(minutes=30),
        now=NOW,
    )
    assert len(sent(NOW)) == 2
    seen += [calendar_of(message) for message in mail.outbox]
    appointment_cancel(appointment_id=appointment.pk, reason="ill", now=NOW)
    assert [subject.split(":")[0] for _, subject in sent(NOW)] == ["Cancelled"] * 2
    seen += [calendar_of(message) for message in mail.outbox]
    events = [(str(c["METHOD"]), c.walk("VEVENT")[0]) for c in seen]
    assert {str(event["UID"]) for _, event in events} == {appointment.uid}
    assert [(method, event["SEQUENCE"]) for method, event in events] == [
        ("REQUEST", 0), ("REQUEST", 0), ("REQUEST", 1), ("REQUEST", 1), ("CANCEL", 2), ("CANCEL", 2)
    ]  # fmt: skip
    assert str(events[0][1]["ORGANIZER"]) == "mailto:desk@example.com"


def test_an_invitation_that_was_overtaken_is_not_sent(lead, rep):
    appointment = book(lead, rep)
    appointment_cancel(appointment_id=appointment.pk, reason="a mistake", now=NOW)
    assert [subject.split(":")[0] for _, subject in sent(NOW)] == ["Cancelled"] * 2
    dropped = Mail.objects.filter(kind=Mail.Kind.INVITATION)
    assert {row.problem for row in dropped} == {"The appointment was changed since."}


def test_whoever_gave_the_meeting_away_gets_a_cancellation_and_the_other_an_invitation(lead, rep):
    appointment = book(lead, rep)
    sent(NOW)
    other = UserFactory(first_name="Ben", email="ben@example.com")
    WorkingHoursFactory(rep=other, weekday=2)
    appointment_move(
        appointment_id=appointment.pk,
        starts_at=START,
        ends_at=START + timedelta(minutes=30),
        rep_id=other.pk,
        now=NOW,
    )
    assert [(to, subject.split(":")[0]) for to, subject in sent(NOW)] == [
        ("ana@example.com", "Cancelled"),
        ("ben@example.com", "Appointment"),
        ("mia@example.com", "Appointment"),
    ]
    to_ana = next(message for message in mail.outbox if message.to == ["ana@example.com"])
    assert "Ben Rivera has your appointment" in to_ana.body


def test_each_side_is_reminded_once_and_nobody_of_what_was_moved(lead, rep):
    appointment = book(lead, rep)
    sent(NOW)
    assert sent(START - timedelta(hours=25)) == []
    assert [to for to, _ in sent(START - timedelta(hours=24))] == ["mia@example.com"]
    appointment_move(
        appointment_id=appointment.pk,
        starts_at=START + timedelta(hours=2),
        ends_at=START + timedelta(hours=2, minutes=30),
        now=START - timedelta(hours=20),
    )
    sent(START - timedelta(hours=20))
    assert sent(START - timedelta(hours=1)) == []
    reminders = sent(START + timedelta(hours=1))
    assert [(to, subject.split(":")[0]) for to, subject in reminders] == [
        ("ana@example.com", "Reminder"),
        ("mia@example.com", "Reminder"),
    ]


def test_a_lead_without_an_address_gets_none_and_the_representative_still_does(rep):
    book(LeadFactory(email=""), rep)
    assert [to for to, _ in sent(NOW)] == ["ana@example.com"]


def test_without_a_mail_server_it_says_so_and_sends_nothing(lead, rep, settings):
    settings.EMAIL_HOST = ""
    book(lead, rep)
    assert sent(NOW) == []
    assert Mail.objects.filter(problem__startswith="No e-mail server").count() == 2


def test_a_server_that_fails_is_asked_again_until_it_takes_the_mail(lead, rep, monkeypatch):
    book(lead, rep)
    messages = []

    def refuse_once(self: mail.EmailMessage, *_: object) -> int:
        messages.append(self.extra_headers["Message-ID"])
        if len(messages) <= 2:
            raise ConnectionRefusedError
        return 1

    monkeypatch.setattr(mail.EmailMessage, "send", refuse_once)
    outbox_run_due(NOW, limit=100)
    assert not Mail.objects.filter(sent_at__isnull=False).exists()
    for _ in range(2):
        outbox_run_due(NOW + timedelta(minutes=1), limit=100)
    assert Mail.objects.filter(sent_at__isnull=False).count() == 2
    assert sorted(messages[:2]) == sorted(messages[2:]), "the same message, told by its id"


def test_whoever_is_named_in_a_note_is_told_once(lead, rep):
    author = UserFactory(username="dana", first_name="Dana")
    UserFactory(username="gone", is_active=False)
    note_add(
        lead_id=lead.pk,
        text="@Ana please ring back, @ana. @dana wrote it; @gone left; mail x@ana.com.",
        actor=author,
        now=NOW,
    )
    assert [mention.user for mention in Mention.objects.all()] == [rep]
    assert sent(NOW) == [("ana@example.com", "Dana Rivera named you in a note on Mia Stone")]
    assert mentions_seen(user_id=rep.pk, lead_id=lead.pk, now=NOW) == 1
    assert mentions_seen(user_id=rep.pk, lead_id=lead.pk, now=NOW) == 0


def test_an_empty_note_is_refused(lead):
    with pytest.raises(ValidationError, match="Write something first"):
        note_add(lead_id=lead.pk, text="  ", now=NOW)


def test_the_owner_of_a_task_is_reminded_once_at_the_time_it_has_now(lead, rep):
    at = NOW + timedelta(hours=3)
    task = task_add(
        lead_id=lead.pk, title="Send the comparison", due_at=at, remind_at=at, owner_id=rep.pk,
        now=NOW,
    )  # fmt: skip
    later = at + timedelta(hours=1)
    task_change(task_id=task.pk, due_at=later, remind_at=later, now=NOW)
    assert sent(at) == []
    assert sent(later) == [
        ("ana@example.com", "Task due Monday, November 23, 2026, 12:00 PM CST: Send the comparison")
    ]
    assert sent(later + timedelta(days=1)) == []


def test_nobody_is_reminded_of_what_is_done_or_given_to_another(lead, rep):
    other = UserFactory(email="ben@example.com")
    at = NOW + timedelta(hours=3)
    done, given = (
        task_add(lead_id=lead.pk, title=title, due_at=at, remind_at=at, owner_id=rep.pk, now=NOW)
        for title in ("Done", "Given")
    )
    task_done(task_id=done.pk, actor=rep, now=NOW)
    task_change(task_id=given.pk, owner_id=other.pk, now=NOW)
    assert [to for to, _ in sent(at)] == ["ben@example.com"]


def test_a_task_is_told_in_the_story_and_may_be_opened_again(lead, rep):
    task = task_add(
        lead_id=lead.pk, kind="callback", title="Call Mia", due_at=NOW, owner_id=rep.pk, now=NOW
    )
    for _ in range(2):
        task_done(task_id=task.pk, actor=rep, now=NOW)
    with pytest.raises(ValidationError, match="open it again"):
        task_change(task_id=task.pk, title="Call them", now=NOW)
    task_reopen(task_id=task.pk, actor=rep, now=NOW)
    task.refresh_from_db()
    assert task.done_at is None
    assert {(entry.kind, entry.text) for entry in lead.timeline.all()} == {
        ("callback", "Callback for Ana Rivera: Call Mia"),
        ("callback", "Done: Call Mia"),
        ("callback", "Not done after all: Call Mia"),
    }


def test_a_task_without_a_reminder_promises_no_mail(lead, rep):
    task_add(lead_id=lead.pk, title="Think", due_at=NOW, owner_id=rep.pk, now=NOW)
    assert not OutboxItem.objects.exists()
