"""Both sides of an appointment get an invitation, a cancellation, and one reminder each."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from leads.models import Appointment, Mail
from leads.policy.reminders import lead_reminder_at, rep_reminder_at
from leads.services.mail import mail_promise


def mails_confirm(appointment: Appointment, *, now: datetime) -> None:
    """Promise the invitation as it stands now, and the reminders of its time."""
    _promise(appointment, Mail.Kind.INVITATION, user_id=None, due_at=now)
    _promise(appointment, Mail.Kind.INVITATION, user_id=appointment.rep_id, due_at=now)
    for user_id, at in (
        (None, lead_reminder_at(appointment.starts_at, now=now)),
        (appointment.rep_id, rep_reminder_at(appointment.starts_at, now=now)),
    ):
        if at is not None:
            _promise(appointment, Mail.Kind.APPOINTMENT_REMINDER, user_id=user_id, due_at=at)


def mails_cancel(
    appointment: Appointment, *, user_ids: Collection[int], to_lead: bool, now: datetime
) -> None:
    """Promise the cancellation to representatives and, if wished, to the lead."""
    for user_id in (*user_ids, *((None,) if to_lead else ())):
        _promise(appointment, Mail.Kind.CANCELLATION, user_id=user_id, due_at=now)


def _promise(
    appointment: Appointment, kind: Mail.Kind, *, user_id: int | None, due_at: datetime
) -> None:
    if user_id is None and not appointment.lead.email:
        return
    mail_promise(
        kind=kind,
        key=f"{kind}:{appointment.pk}:{appointment.sequence}:{user_id or 'lead'}",
        lead_id=appointment.lead_id,
        user_id=user_id,
        appointment_id=appointment.pk,
        sequence=appointment.sequence,
        due_at=due_at,
    )
