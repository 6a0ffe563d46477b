"""What the product's e-mails to leads and representatives say."""

from __future__ import annotations

from datetime import datetime
from email.utils import parseaddr
from zoneinfo import ZoneInfo

from django.conf import settings
from django.core.mail import EmailMessage, EmailMultiAlternatives
from django.urls import reverse

from leads.calendars import rep_name
from leads.formats import national
from leads.models import Appointment, Consent, Lead, Mail, WorkingHours
from leads.policy.windows import known_zone
from leads.services.invitations import invitation

_AUTOMATIC = {"Auto-Submitted": "auto-generated"}


class Unneeded(Exception):  # noqa: N818 - says what happened
    """What the e-mail was to speak of has changed since: the message says how."""


def message_of(mail: Mail, *, now: datetime) -> EmailMessage:
    """Return an e-mail without its recipient.

    Raises:
        Unneeded: there is nothing to say any more.
    """
    if mail.kind == Mail.Kind.TASK_REMINDER:
        return _task_reminder(mail)
    if mail.kind == Mail.Kind.MENTION:
        return _mention(mail)
    return _appointment(mail, now)


def business_of(appointment: Appointment) -> str:
    """Return the name of the business that a lead meets, or an empty string.

    That of the campaign whose call booked it, else the one the lead's consent names.
    """
    campaign = appointment.call.campaign if appointment.call else None
    if campaign is not None:
        return str(campaign.business_name)
    sellers = Consent.objects.filter(lead_id=appointment.lead_id).order_by("-given_at")
    return sellers.values_list("seller", flat=True).first() or ""


def _appointment(mail: Mail, now: datetime) -> EmailMessage:
    appointment = mail.appointment
    if appointment is None:
        raise Unneeded("The appointment is gone.")
    if appointment.sequence != mail.sequence:
        raise Unneeded("The appointment was changed since.")
    cancelled = mail.kind == Mail.Kind.CANCELLATION
    reminder = mail.kind == Mail.Kind.APPOINTMENT_REMINDER
    if not cancelled and appointment.status != Appointment.Status.BOOKED:
        raise Unneeded("The appointment is over or cancelled.")
    if not cancelled and appointment.starts_at <= now:
        raise Unneeded("The appointment has begun.")
    to_lead = mail.user is None
    business = business_of(appointment)
    zone = lead_zone(appointment.lead) if to_lead else rep_zone(appointment.rep_id)
    when = moment_words(appointment.starts_at, zone)
    other = _with(appointment, business) if to_lead else str(appointment.lead)
    verb = "Cancelled" if cancelled else "Reminder" if reminder else "Appointment"
    message = EmailMultiAlternatives(
        subject=f"{verb}: {other}, {when}",
        body=_appointment_body(mail, appointment, other=other, when=when),
        reply_to=[appointment.rep.email] if to_lead and appointment.rep.email else None,
        headers=dict(_AUTOMATIC),
    )
    if not reminder:
        ics = invitation(
            appointment,
            business_name=business,
            organizer_email=parseaddr(settings.DEFAULT_FROM_EMAIL)[1],
            now=now,
            cancelled=cancelled,
        ).decode()
        # As an alternative mail programs offer "accept"; as a file everything else can open it.
        method = "CANCEL" if cancelled else "REQUEST"
        message.attach_alternative(ics, f"text/calendar; method={method}")
        message.attach("invite.ics", ics, "application/ics")
    return message


def _appointment_body(mail: Mail, appointment: Appointment, *, other: str, when: str) -> str:
    to_lead = mail.user is None
    who = f"with {other}" if to_lead else f"with {other} ({national(appointment.lead.phone)})"
    if mail.kind == Mail.Kind.CANCELLATION and appointment.status == Appointment.Status.BOOKED:
        lines = [f"{rep_name(appointment.rep)} has your appointment {who} now."]
    elif mail.kind == Mail.Kind.CANCELLATION:
        lines = [f"The appointment {who} on {when} is cancelled."]
    elif mail.kind == Mail.Kind.APPOINTMENT_REMINDER:
        lines = [f"A reminder of the appointment {who}:", when]
    elif appointment.sequence:
        lines = [f"The appointment {who} has a new time:", when]
    else:
        lines = [f"The appointment {who} is booked:", when]
    if mail.kind != Mail.Kind.CANCELLATION:
        if not to_lead:
            at_lead = moment_words(appointment.starts_at, lead_zone(appointment.lead))
            if at_lead != when:
                lines.append(f"For the lead: {at_lead}")
        if appointment.place:
            lines.append(f"Where: {appointment.place}")
        if appointment.notes and not to_lead:
            lines.append(f"Notes: {appointment.notes}")
    if to_lead:
        name = appointment.lead.first_name
        lines = [f"Hello {name}," if name else "Hello,", "", *lines]
        lines += ["", "If this does not suit you, answer this e-mail."]
    else:
        lines += ["", _link("admin:leads_lead_change", appointment.lead_id)]
    return "\n".join(lines)


def _task_reminder(mail: Mail) -> EmailMessage:
    task = mail.task
    if task is None or task.done_at is not None:
        raise Unneeded("The task is done.")
    if task.owner_id != mail.user_id:
        raise Unneeded("Somebody else does it now.")
    if task.remind_at != mail.due_at:
        raise Unneeded("The reminder was moved.")
    when = moment_words(task.due_at, rep_zone(task.owner_id))
    return EmailMessage(
        subject=f"{task.get_kind_display()} due {when}: {task.title}",
        body="\n".join(
            [
                f"{task.title}",
                f"For {mail.lead}, {national(mail.lead.phone)}",
                f"Due {when}",
                "",
                _link("admin:leads_lead_change", mail.lead_id),
            ]
        ),
        headers=dict(_AUTOMATIC),
    )


def _mention(mail: Mail) -> EmailMessage:
    entry = mail.entry
    if entry is None:
        raise Unneeded("The note is gone.")
    author = rep_name(entry.actor) if entry.actor else "Somebody"
    return EmailMessage(
        subject=f"{author} named you in a note on {mail.lead}",
        body="\n".join([entry.text, "", _link("admin:leads_lead_change", mail.lead_id)]),
        headers=dict(_AUTOMATIC),
    )


def lead_zone(lead: Lead) -> ZoneInfo:
    """Return the zone to tell a lead times in."""
    return known_zone(lead.time_zone) or ZoneInfo("UTC")


def rep_zone(rep_id: int | None) -> ZoneInfo:
    """Return the zone in which a representative works; the account's without working hours."""
    names = WorkingHours.objects.filter(rep_id=rep_id).order_by("weekday", "starts")
    name = names.values_list("time_zone", flat=True).first() or settings.ENV.account_time_zone
    return known_zone(name) or ZoneInfo("UTC")


def moment_words(moment: datetime, zone: ZoneInfo) -> str:
    """Return a moment as Americans write it: Tuesday, November 24, 2026, 10:00 AM CST."""
    local = moment.astimezone(zone)
    return f"{local:%A, %B} {local.day}, {local.year}, {local:%-I:%M %p} {local.tzname()}"


def _with(appointment: Appointment, business: str) -> str:
    name = rep_name(appointment.rep)
    return f"{name}, {business}" if business else name


def _link(view: str, pk: object) -> str:
    return f"{settings.ENV.public_base_url}{reverse(view, args=(pk,))}"
