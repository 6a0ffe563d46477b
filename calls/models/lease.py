"""Who may do a job that only one process should do at a time."""

from __future__ import annotations

from django.db import models


class Lease(models.Model):
    """A job held by one process until a moment. Whoever finds it expired may take it."""

    name = models.CharField(max_length=40, primary_key=True)
    holder = models.CharField(max_length=80)
    expires_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.name} until {self.expires_at:%H:%M:%S}"
