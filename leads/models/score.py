"""Why a lead has the score it has: stored factors, each with its evidence."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models
from django.db.models import Q


class LeadScore(models.Model):
    """One scoring of a lead. The newest one is the lead's score."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    lead = models.ForeignKey("leads.Lead", on_delete=models.CASCADE, related_name="scores")
    call = models.ForeignKey(
        "calls.Call", null=True, blank=True, on_delete=models.SET_NULL, related_name="scores"
    )
    value = models.PositiveSmallIntegerField(help_text="0-100.")
    scorer_version = models.CharField(max_length=40)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("-created_at",)
        constraints = (
            models.CheckConstraint(condition=Q(value__lte=100), name="leadscore_0_to_100"),
            models.UniqueConstraint(
                fields=("call", "scorer_version"), name="leadscore_once_per_call_and_version"
            ),
        )
        indexes = (models.Index(fields=("lead", "-created_at"), name="leadscore_lead_created"),)

    def __str__(self) -> str:
        return str(self.value)


class ScoreFactor(models.Model):
    """One reason for a score: what was found, how many points it gave, and who said so."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    score = models.ForeignKey(LeadScore, on_delete=models.CASCADE, related_name="factors")
    name = models.CharField(max_length=60)
    value = models.CharField(max_length=200, blank=True)
    points = models.SmallIntegerField()
    evidence = models.TextField(blank=True, help_text="The lead's own words.")
    turn_index = models.PositiveIntegerField(null=True, blank=True)

    class Meta:
        ordering = ("-points", "name")
        constraints = (models.UniqueConstraint(fields=("score", "name"), name="factor_once"),)

    def __str__(self) -> str:
        return f"{self.name} {self.points:+d}"


class ScoreOverride(models.Model):
    """A score that a person set. Until it is lifted, it is the lead's, whatever calls find."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    lead = models.ForeignKey("leads.Lead", on_delete=models.CASCADE, related_name="overrides")
    value = models.PositiveSmallIntegerField(help_text="0-100.")
    reason = models.CharField(max_length=200)
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    set_at = models.DateTimeField()
    lifted_at = models.DateTimeField(null=True, blank=True)
    lifted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )

    class Meta:
        ordering = ("-set_at",)
        verbose_name = "score set by hand"
        verbose_name_plural = "scores set by hand"
        constraints = (
            models.CheckConstraint(condition=Q(value__lte=100), name="override_0_to_100"),
            models.CheckConstraint(condition=~Q(reason=""), name="override_has_reason"),
        )
        indexes = (models.Index(fields=("lead", "-set_at"), name="override_lead_set"),)

    def __str__(self) -> str:
        return f"{self.value}: {self.reason}"
