"""What a person of the staff has promised to do for a lead."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models
from django.db.models import Q


class Task(models.Model):
    """Something to do, or a call to make, by a moment."""

    class Kind(models.TextChoices):
        TASK = "task", "Task"
        CALLBACK = "callback", "Callback"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    lead = models.ForeignKey("leads.Lead", on_delete=models.CASCADE, related_name="tasks")
    kind = models.CharField(max_length=10, choices=Kind.choices, default=Kind.TASK)
    title = models.CharField(max_length=160, help_text="What is to be done.")
    due_at = models.DateTimeField("due")
    remind_at = models.DateTimeField(
        "reminder", null=True, blank=True, help_text="When the owner gets an e-mail about it."
    )
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="tasks",
        help_text="Who does it.",
    )
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    done_at = models.DateTimeField(null=True, blank=True)
    done_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("due_at",)
        constraints = (models.CheckConstraint(condition=~Q(title=""), name="task_has_title"),)
        indexes = (
            models.Index(
                fields=("owner", "due_at"),
                condition=Q(done_at__isnull=True),
                name="task_open_owner",
            ),
            models.Index(
                fields=("due_at",), condition=Q(done_at__isnull=True), name="task_open_due"
            ),
            models.Index(fields=("lead", "due_at"), name="task_lead_due"),
        )

    def __str__(self) -> str:
        return self.title


class Mention(models.Model):
    """A person of the staff named in a note, until they have seen it."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    entry = models.ForeignKey(
        "leads.TimelineEntry", on_delete=models.CASCADE, related_name="mentions"
    )
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="mentions"
    )
    seen_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("-entry__at",)
        constraints = (models.UniqueConstraint(fields=("entry", "user"), name="mention_once"),)
        indexes = (
            models.Index(
                fields=("user",), condition=Q(seen_at__isnull=True), name="mention_unseen"
            ),
        )

    def __str__(self) -> str:
        return f"{self.user} in a note"
