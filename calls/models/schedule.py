"""Work that comes again and again: when each kind is due next."""

from __future__ import annotations

from django.db import models


class ScheduledWork(models.Model):
    """One kind of recurring work. Whoever moves `next_due` on has promised that run, alone."""

    kind = models.CharField(max_length=40, primary_key=True)
    next_due = models.DateTimeField()
    last_promised = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("next_due",)
        verbose_name_plural = "scheduled work"

    def __str__(self) -> str:
        return f"{self.kind}, next {self.next_due:%Y-%m-%d %H:%M}"
