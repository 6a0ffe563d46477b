"""The lead's story: one append-only feed from every part of the product."""

from __future__ import annotations

import uuid
from typing import Any

from django.conf import settings
from django.db import models
from django.utils import timezone


class TimelineEntry(models.Model):
    """Something that happened to a lead. Rows are only ever added."""

    class Kind(models.TextChoices):
        CREATED = "created", "Created"
        CALL = "call", "Call"
        NOTE = "note", "Note"
        STAGE = "stage", "Stage"
        SCORE = "score", "Score"
        CONSENT = "consent", "Consent"
        DO_NOT_CALL = "do_not_call", "Do not call"
        APPOINTMENT = "appointment", "Appointment"
        CALLBACK = "callback", "Callback"
        IMPORT = "import", "Import"
        MERGE = "merge", "Merge"
        TASK = "task", "Task"
        ASSIGNMENT = "assignment", "Assignment"
        EDIT = "edit", "Edited"
        MAIL = "mail", "E-mail"
        SHEET = "sheet", "Google Sheet"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    lead = models.ForeignKey("leads.Lead", on_delete=models.CASCADE, related_name="timeline")
    kind = models.CharField(max_length=16, choices=Kind.choices)
    text = models.TextField(help_text="One sentence that a manager understands.")
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    call = models.ForeignKey(
        "calls.Call", null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    data = models.JSONField(default=dict, blank=True)
    key = models.CharField(
        max_length=120, null=True, blank=True, unique=True, help_text="Makes a rerun write once."
    )
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ("-at", "-id")
        verbose_name_plural = "timeline entries"
        indexes = (
            models.Index(fields=("lead", "-at", "-id"), name="timeline_lead_at"),
            models.Index(fields=("lead", "kind", "-at", "-id"), name="timeline_lead_kind"),
        )

    def __str__(self) -> str:
        return self.text[:80]

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Add the entry; one that is there is never written again."""
        if not self._state.adding:
            raise TypeError("The timeline is append-only: add an entry that says what changed.")
        super().save(*args, **kwargs)
