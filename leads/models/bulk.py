"""Changes to many leads at once: what was done to which, so that it can be taken back."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models


class BulkChange(models.Model):
    """One action on many leads. `cursor` is what makes it resumable."""

    class State(models.TextChoices):
        RUNNING = "running", "Running"
        DONE = "done", "Done"
        UNDOING = "undoing", "Being undone"
        UNDONE = "undone", "Undone"
        FAILED = "failed", "Stopped"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    action = models.CharField(max_length=40, help_text="Names the action.")
    title = models.CharField(max_length=200, help_text="What is done, in words.")
    options = models.JSONField(default=dict)
    state = models.CharField(max_length=10, choices=State.choices, default=State.RUNNING)
    total = models.PositiveIntegerField(default=0)
    cursor = models.BigIntegerField(default=0, help_text="The last row that is done.")
    done = models.PositiveIntegerField(default=0, help_text="Rows gone through.")
    changed = models.PositiveIntegerField(default=0, help_text="Leads that changed.")
    restored = models.PositiveIntegerField(default=0, help_text="Leads put back by the undo.")
    problem = models.CharField(max_length=300, blank=True)
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    run = models.PositiveIntegerField(default=0, help_text="How often work was begun.")
    at = models.DateTimeField()
    moved_at = models.DateTimeField(null=True, blank=True)
    undone_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("-at",)
        verbose_name = "bulk change"
        indexes = (models.Index(fields=("-at",), name="bulk_at"),)

    def __str__(self) -> str:
        return self.title


class BulkChangeLead(models.Model):
    """One lead of a bulk change, and what it was before.

    `lead_id` is no foreign key: after a merge or an erasure the row must not hold on to anybody.
    """

    id = models.BigAutoField(primary_key=True)
    change = models.ForeignKey(BulkChange, on_delete=models.CASCADE, related_name="rows")
    lead_id = models.UUIDField()
    before = models.JSONField(null=True, blank=True, help_text="Empty: nothing changed.")

    class Meta:
        ordering = ("change", "id")
        indexes = (models.Index(fields=("change", "id"), name="bulklead_change"),)

    def __str__(self) -> str:
        return str(self.lead_id)
