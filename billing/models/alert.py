"""What people were told of a budget, and the qualified leads that it is measured by."""

from __future__ import annotations

import uuid

from django.db import models


class BudgetAlert(models.Model):
    """A threshold that a budget's period reached. The unique row is what makes it once.

    A limit that is changed in mid-period is a new one to be told about.
    """

    class Kind(models.TextChoices):
        NOTICE = "notice", "Notice"
        PAUSE = "pause", "Campaigns paused"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    period = models.ForeignKey(
        "billing.BudgetPeriod", on_delete=models.CASCADE, related_name="alerts"
    )
    kind = models.CharField(max_length=8, choices=Kind.choices)
    percent = models.PositiveSmallIntegerField(help_text="The threshold, not the exact share.")
    limit = models.DecimalField(max_digits=12, decimal_places=6, help_text="As it was then.")
    committed = models.DecimalField(
        max_digits=14, decimal_places=6, help_text="USD spent and promised then."
    )
    campaigns = models.JSONField(default=list, blank=True, help_text="Names of those paused.")
    at = models.DateTimeField()
    emailed_at = models.DateTimeField(null=True, blank=True)
    problem = models.CharField(max_length=200, blank=True, help_text="Why no e-mail went out.")

    class Meta:
        ordering = ("-at",)
        constraints = (
            models.UniqueConstraint(
                fields=("period", "kind", "percent", "limit"), name="budgetalert_once"
            ),
        )
        indexes = (models.Index(fields=("-at",), name="budgetalert_at"),)

    def __str__(self) -> str:
        return f"{self.period} {self.percent} %"


class QualifiedLead(models.Model):
    """A lead that a call paid for by this period qualified; each lead counts once a period."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    period = models.ForeignKey(
        "billing.BudgetPeriod", on_delete=models.CASCADE, related_name="qualified_leads"
    )
    lead = models.ForeignKey("leads.Lead", on_delete=models.CASCADE, related_name="+")
    call = models.ForeignKey("calls.Call", on_delete=models.CASCADE, related_name="+")
    at = models.DateTimeField()

    class Meta:
        ordering = ("at",)
        constraints = (
            models.UniqueConstraint(fields=("period", "lead"), name="qualifiedlead_once"),
        )

    def __str__(self) -> str:
        return f"{self.period} {self.at:%Y-%m-%d %H:%M}"
