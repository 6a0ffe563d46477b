"""What a provider really billed for a call, beside what we had estimated."""

from __future__ import annotations

import uuid
from decimal import Decimal

from django.db import models

from billing.formats import usd
from billing.models.price import Component


class Reconciliation(models.Model):
    """One component of one call, checked against the provider's bill. Once, and for good."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    call = models.ForeignKey("calls.Call", on_delete=models.PROTECT, related_name="reconciliations")
    component = models.CharField(max_length=20, choices=Component.choices)
    provider = models.CharField(max_length=40)
    estimated = models.DecimalField(max_digits=12, decimal_places=6, help_text="USD in the ledger.")
    actual = models.DecimalField(max_digits=12, decimal_places=6, help_text="USD on the bill.")
    at = models.DateTimeField()

    class Meta:
        ordering = ("-at",)
        constraints = (
            models.UniqueConstraint(fields=("call", "component"), name="reconciled_once"),
            models.CheckConstraint(
                condition=models.Q(actual__gte=0), name="reconciled_actual_not_negative"
            ),
        )
        indexes = (
            models.Index(
                fields=("at",),
                include=("component", "estimated", "actual"),
                name="reconciliation_money",
            ),
        )

    def __str__(self) -> str:
        return f"{self.get_component_display()} {usd(self.estimated)} → {usd(self.actual)}"

    @property
    def difference(self) -> Decimal:
        """USD by which the bill is higher than the estimate."""
        return self.actual - self.estimated


class UsageBill(models.Model):
    """What the carrier billed the account for a component on some days, beside the ledger.

    For what it does not price call by call. Its days are those of UTC; those of a rent are a
    calendar month's.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    component = models.CharField(max_length=20, choices=Component.choices)
    first = models.DateField(help_text="First day.")
    last = models.DateField(help_text="Last day, included.")
    used = models.DecimalField(
        max_digits=20, decimal_places=6, help_text="Billed quantity in the ledger."
    )
    billed = models.DecimalField(
        max_digits=20, decimal_places=6, help_text="Quantity on the bill; also of other programs."
    )
    estimated = models.DecimalField(max_digits=16, decimal_places=6, help_text="USD in the ledger.")
    actual = models.DecimalField(max_digits=16, decimal_places=6, help_text="USD on the bill.")
    at = models.DateTimeField()

    class Meta:
        ordering = ("-first", "component")
        constraints = (
            models.UniqueConstraint(fields=("component", "first", "last"), name="usagebill_once"),
            models.CheckConstraint(
                condition=models.Q(last__gte=models.F("first")), name="usagebill_last_after_first"
            ),
        )

    def __str__(self) -> str:
        return f"{self.get_component_display()} {self.first}"

    @property
    def difference(self) -> Decimal:
        """USD by which the bill is higher than the ledger."""
        return self.actual - self.estimated
