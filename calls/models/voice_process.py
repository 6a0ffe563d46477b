"""The voice processes that carry calls, as each of them reports itself."""

from __future__ import annotations

from django.db import models


class VoiceProcess(models.Model):
    """One voice process: how many calls it takes. What it has not renewed in time is not true."""

    name = models.CharField(max_length=120, primary_key=True, help_text="Host and process id.")
    most = models.PositiveIntegerField(help_text="Calls that it carries at once.")
    live = models.PositiveIntegerField(help_text="Calls that it carries now.")
    refusal = models.CharField(
        max_length=20, blank=True, help_text="Why it takes no further call; empty if it does."
    )
    published_at = models.DateTimeField()
    expires_at = models.DateTimeField()

    class Meta:
        verbose_name_plural = "voice processes"

    def __str__(self) -> str:
        return self.name
