"""How long each kind of data is kept."""

from __future__ import annotations

from django.db import models


class RetentionRule(models.Model):
    """One kind of data. What the kinds are, and their minimums, stands in the apps' code."""

    kind = models.CharField(max_length=30, primary_key=True, editable=False)
    days = models.PositiveIntegerField(
        "days", null=True, blank=True, help_text="Older ones are deleted. Empty: kept for ever."
    )

    class Meta:
        ordering = ("kind",)
        verbose_name = "retention period"

    def __str__(self) -> str:
        return self.kind.replace("_", " ")
