"""Work promised inside a transaction and done after it: at least once, each step repeatable."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models
from django.db.models import Q


class OutboxItem(models.Model):
    """One piece of work. `key` makes promising it twice a no-op."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    kind = models.CharField(max_length=40)
    key = models.CharField(max_length=120, unique=True)
    payload = models.JSONField(default=dict)
    due_at = models.DateTimeField()
    attempts = models.PositiveSmallIntegerField(default=0)
    running_since = models.DateTimeField(
        null=True,
        blank=True,
        help_text="When this attempt began; its claim ends at `due_at`.",
    )
    done_at = models.DateTimeField(null=True, blank=True)
    dead_at = models.DateTimeField(
        null=True, blank=True, help_text="Given up after the last attempt; a person must look."
    )
    discarded_at = models.DateTimeField(
        null=True, blank=True, help_text="A person decided that it need not be done."
    )
    discarded_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    last_error = models.CharField(max_length=200, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("due_at",)
        verbose_name = "job"
        indexes = (
            models.Index(
                fields=("due_at",),
                condition=Q(done_at__isnull=True, dead_at__isnull=True),
                name="outbox_due",
            ),
            models.Index(
                fields=("dead_at",), condition=Q(dead_at__isnull=False), name="outbox_dead"
            ),
        )

    def __str__(self) -> str:
        return f"{self.kind} {self.key}"
