"""The switch that stops all dialling, and survives restarts."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q


class KillSwitch(models.Model):
    """A single row: whether dialling is stopped, by whom, when and why."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1, editable=False)
    engaged = models.BooleanField(default=False)
    reason = models.CharField(max_length=200, blank=True)
    changed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    changed_at = models.DateTimeField(auto_now=True)

    class Meta:
        verbose_name_plural = "kill switch"
        constraints = (models.CheckConstraint(condition=Q(id=1), name="kill_switch_single"),)

    def __str__(self) -> str:
        return "stopped" if self.engaged else "running"
