"""What the carrier's list of calls and ours do not agree on."""

from __future__ import annotations

import uuid

from django.db import models


class CarrierComparison(models.Model):
    """One run: how many calls were compared, and how many differ."""

    at = models.DateTimeField()
    since = models.DateTimeField(help_text="Calls that began before were not compared.")
    theirs = models.PositiveIntegerField(help_text="Calls in the carrier's list.")
    ours = models.PositiveIntegerField(help_text="Calls and transfer legs in ours.")
    differences = models.PositiveIntegerField()

    class Meta:
        ordering = ("-at",)
        get_latest_by = "at"

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M}, {self.differences} differences"


class CarrierDifference(models.Model):
    """One thing that a comparison found, until a later one finds it no more."""

    class Kind(models.TextChoices):
        UNKNOWN_HERE = "unknown_here", "The carrier has a call that we do not know"
        UNKNOWN_THERE = "unknown_there", "We have a call that the carrier does not know"
        STILL_RUNS = "still_runs", "Over here, on the line there: it was ended"
        STATUS = "status", "Ended differently"
        SECONDS = "seconds", "Other length"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    kind = models.CharField(max_length=14, choices=Kind.choices)
    sid = models.CharField(max_length=64, help_text="The carrier's CallSid.")
    call = models.ForeignKey(
        "calls.Call",
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="carrier_differences",
    )
    ours = models.CharField(max_length=60, blank=True, help_text="What we have.")
    theirs = models.CharField(max_length=60, blank=True, help_text="What the carrier has.")
    found_at = models.DateTimeField()
    seen_at = models.DateTimeField(help_text="The last comparison that found it.")
    gone_at = models.DateTimeField(null=True, blank=True, help_text="Found no more since.")

    class Meta:
        ordering = ("-seen_at", "kind")
        verbose_name = "carrier record"
        constraints = (
            models.UniqueConstraint(fields=("kind", "sid"), name="carrier_difference_once"),
        )

    def __str__(self) -> str:
        return self.get_kind_display()
