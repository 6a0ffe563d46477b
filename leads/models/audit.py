"""Who heard, took out, changed or erased what should not be touched in silence."""

from __future__ import annotations

from typing import Any, NoReturn

from django.db import models
from django.utils import timezone


class _AddOnly(models.QuerySet["AuditEntry"]):
    """Rows that are added and read. Only `purge_expired` takes any away, when they are too old."""

    def update(self, **_values: Any) -> NoReturn:
        raise TypeError("The audit is append-only: its rows are never changed.")

    def delete(self) -> NoReturn:
        raise TypeError("The audit is append-only: its rows are never deleted one by one.")


class AuditEntry(models.Model):
    """One act of a person or of the product. It holds no names and numbers of leads.

    The actor is kept by name and not by key, so that a user who leaves stays in the record.
    """

    class Action(models.TextChoices):
        LISTEN = "listen", "Listened to a call"
        TAKE_OVER = "take_over", "Took a live call over"
        EXPORT = "export", "Took data out"
        ERASE = "erase", "Erased a lead"
        PURGE = "purge", "Deleted what was too old"
        DO_NOT_CALL = "do_not_call", "Changed the do-not-call list"
        ROLES = "roles", "Changed who may do what"
        SETTINGS = "settings", "Changed a setting"

    id = models.BigAutoField(primary_key=True)
    at = models.DateTimeField(default=timezone.now)
    actor_id = models.BigIntegerField(null=True, blank=True)
    actor_name = models.CharField(max_length=150, blank=True)
    action = models.CharField(max_length=12, choices=Action.choices)
    text = models.CharField(max_length=300, help_text="One sentence, without personal data.")
    subject = models.CharField(
        max_length=80, blank=True, help_text="Kind and id of the row it was about."
    )
    lead_id = models.UUIDField(null=True, blank=True)
    data = models.JSONField(default=dict, blank=True)

    objects = _AddOnly.as_manager()

    class Meta:
        ordering = ("-at", "-id")
        verbose_name_plural = "audit entries"
        indexes = (
            models.Index(fields=("-at",), name="audit_at"),
            models.Index(fields=("lead_id", "-at"), name="audit_lead_at"),
        )

    def __str__(self) -> str:
        return self.text

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Add the row; a row that is there is never written again."""
        if not self._state.adding:
            raise TypeError("The audit is append-only: its rows are never changed.")
        super().save(*args, **kwargs)

    def delete(self, *_args: Any, **_kwargs: Any) -> NoReturn:
        """Refuse: an audit that can be thinned out proves nothing."""
        raise TypeError("The audit is append-only: its rows are never deleted one by one.")
