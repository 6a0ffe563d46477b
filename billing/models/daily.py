"""The ledger added up by day, so that pages need not read a million charges."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from billing.formats import usd
from billing.models.price import Component


class DailySpend(models.Model):
    """What one component cost on one day of the account's clock, by campaign and voice.

    The sum of the charges that have no `UnsummedCharge`, and nothing but a sum: it can be thrown
    away, together with the `SpendMark`, and is made again. Read it by `billing.spend.spend_cells`,
    which adds the rest.
    """

    day = models.DateField()
    component = models.CharField(max_length=20, choices=Component.choices)
    campaign = models.ForeignKey(
        "calls.Campaign", null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    tier = models.CharField(max_length=10, blank=True, help_text="Of the call; empty without one.")
    charges = models.PositiveIntegerField(help_text="How many.")
    amount = models.DecimalField(max_digits=16, decimal_places=6, help_text="USD.")
    quantity = models.DecimalField(max_digits=20, decimal_places=6, help_text="What was used.")
    worth = models.DecimalField(
        max_digits=24, decimal_places=12, help_text="USD of the quantity at its unit prices."
    )

    class Meta:
        ordering = ("day",)
        constraints = (
            models.UniqueConstraint(
                fields=("day", "component", "campaign", "tier"),
                condition=Q(campaign__isnull=False),
                name="daily_spend_once",
            ),
            models.UniqueConstraint(
                fields=("day", "component", "tier"),
                condition=Q(campaign__isnull=True),
                name="daily_spend_once_without_campaign",
            ),
        )

    def __str__(self) -> str:
        return f"{self.day} {self.get_component_display()} {usd(self.amount)}"


class UnsummedCharge(models.Model):
    """A charge that is in no day's sum yet.

    Written in the transaction that writes the charge and deleted in the one that adds it to its
    day: whenever either commits, and whatever any clock says, a charge is counted once.
    """

    charge = models.OneToOneField(
        "billing.Charge", primary_key=True, on_delete=models.CASCADE, related_name="unsummed"
    )

    def __str__(self) -> str:
        return f"{self.charge_id}"


class SpendMark(models.Model):
    """Tells readers that the days changed. One row; its lock lets one process add at a time."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1, editable=False)
    changes = models.PositiveBigIntegerField(default=0, help_text="How often the sums changed.")
    time_zone = models.CharField(max_length=64, help_text="Where the days begin; empty: no sums.")

    class Meta:
        constraints = (models.CheckConstraint(condition=Q(id=1), name="spend_mark_single"),)

    def __str__(self) -> str:
        return f"{self.changes} {self.time_zone}"
