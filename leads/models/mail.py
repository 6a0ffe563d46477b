"""E-mails that the product owes somebody: written with their cause, sent once."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models


class Mail(models.Model):
    """One e-mail to one person. Its words are made when it is sent, out of what is true then.

    The recipient is the user if there is one, else the lead.
    """

    class Kind(models.TextChoices):
        INVITATION = "invitation", "Invitation"
        CANCELLATION = "cancellation", "Cancellation"
        APPOINTMENT_REMINDER = "appointment", "Appointment reminder"
        TASK_REMINDER = "task", "Task reminder"
        MENTION = "mention", "Mention in a note"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    kind = models.CharField(max_length=16, choices=Kind.choices)
    key = models.CharField(max_length=160, unique=True, help_text="Makes a rerun promise once.")
    lead = models.ForeignKey("leads.Lead", on_delete=models.CASCADE, related_name="mails")
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="mails",
    )
    appointment = models.ForeignKey(
        "leads.Appointment",
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="mails",
    )
    sequence = models.PositiveIntegerField(
        null=True, blank=True, help_text="Of the appointment, when this was promised."
    )
    task = models.ForeignKey(
        "leads.Task", null=True, blank=True, on_delete=models.CASCADE, related_name="mails"
    )
    entry = models.ForeignKey(
        "leads.TimelineEntry", null=True, blank=True, on_delete=models.CASCADE, related_name="mails"
    )
    due_at = models.DateTimeField()
    sent_at = models.DateTimeField(null=True, blank=True)
    dropped_at = models.DateTimeField(
        null=True, blank=True, help_text="When it turned out to be no longer needed."
    )
    problem = models.CharField(max_length=200, blank=True, help_text="Why it was not sent.")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("-due_at",)
        verbose_name = "e-mail"
        indexes = (models.Index(fields=("lead", "-due_at"), name="mail_lead_due"),)

    def __str__(self) -> str:
        return self.get_kind_display()
