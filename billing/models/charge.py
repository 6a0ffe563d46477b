"""The ledger. Rows are only ever added; a correction is a new row that names the old one."""

from __future__ import annotations

import uuid
from typing import Any, Never

from django.db import models, transaction
from django.db.models import Q

from billing.formats import usd
from billing.models.daily import UnsummedCharge
from billing.models.price import Component, Unit


class ChargeIsFinal(TypeError):  # noqa: N818 - says what is wrong
    """A charge was about to be changed or deleted."""

    def __init__(self) -> None:
        super().__init__(
            "A charge is never changed or deleted. "
            "Correct it with billing.services.charge_correct, which adds a row."
        )


class ChargeQuerySet(models.QuerySet["Charge"]):
    """Charges can be read and added."""

    def update(self, **kwargs: Any) -> Never:
        """Refuse. Raises ChargeIsFinal."""
        raise ChargeIsFinal

    def delete(self) -> Never:
        """Refuse. Raises ChargeIsFinal."""
        raise ChargeIsFinal

    def bulk_create(self, *args: Any, **kwargs: Any) -> Never:
        """Refuse: a charge is saved one by one, beside its `UnsummedCharge`."""
        raise TypeError("Charges are written by billing.services, one by one.")


class Charge(models.Model):
    """One amount of money, with the quantity and the price row that it was computed from."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    key = models.CharField(
        max_length=160,
        unique=True,
        help_text="Names the thing charged, so that a rerun writes it once.",
    )
    call = models.ForeignKey(
        "calls.Call", null=True, blank=True, on_delete=models.PROTECT, related_name="charges"
    )
    campaign = models.ForeignKey(
        "calls.Campaign", null=True, blank=True, on_delete=models.PROTECT, related_name="charges"
    )
    component = models.CharField(max_length=20, choices=Component.choices)
    provider = models.CharField(max_length=40)
    price = models.ForeignKey("billing.Price", on_delete=models.PROTECT, related_name="charges")
    quantity = models.DecimalField(max_digits=14, decimal_places=6, help_text="What was used.")
    billed_quantity = models.DecimalField(
        max_digits=14, decimal_places=6, help_text="What is paid for after rounding."
    )
    unit = models.CharField(max_length=16, choices=Unit.choices)
    unit_price = models.DecimalField(max_digits=12, decimal_places=6)
    amount = models.DecimalField(max_digits=12, decimal_places=6, help_text="USD.")
    is_estimate = models.BooleanField(default=True, help_text="Until the provider's bill is in.")
    corrects = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.PROTECT, related_name="corrections"
    )
    at = models.DateTimeField()
    created_at = models.DateTimeField(auto_now_add=True)

    objects = ChargeQuerySet.as_manager()

    class Meta:
        ordering = ("at", "created_at")
        constraints = (
            models.CheckConstraint(
                # Only a correction may take money back.
                condition=Q(corrects__isnull=False) | (Q(amount__gte=0) & Q(quantity__gte=0)),
                name="charge_not_negative",
            ),
            models.CheckConstraint(condition=~Q(key=""), name="charge_has_key"),
        )
        indexes = (
            models.Index(fields=("call", "component"), name="charge_call_component"),
            models.Index(fields=("campaign", "at"), name="charge_campaign_at"),
            models.Index(fields=("at",), name="charge_at"),
        )
        permissions = (("export_charge", "Can export charges"),)

    def __str__(self) -> str:
        return f"{self.get_component_display()} {usd(self.amount)}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Add the row, not in its day's sum yet. Raises ChargeIsFinal if it is there already."""
        if not self._state.adding:
            raise ChargeIsFinal
        with transaction.atomic(using=kwargs.get("using")):
            super().save(*args, **kwargs)
            UnsummedCharge(charge=self).save(force_insert=True, using=kwargs.get("using"))

    def delete(self, *args: Any, **kwargs: Any) -> Never:
        """Refuse. Raises ChargeIsFinal."""
        raise ChargeIsFinal
