"""Money promised to a call before it is dialled, and settled exactly once."""

from __future__ import annotations

import uuid
from decimal import Decimal

from django.db import models
from django.db.models import Q

from billing.formats import usd


class Reservation(models.Model):
    """The promise for one call. Open while the call may still cost money."""

    class State(models.TextChoices):
        OPEN = "open", "Open"
        SETTLED = "settled", "Settled"
        RELEASED = "released", "Released"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    call = models.OneToOneField("calls.Call", on_delete=models.PROTECT, related_name="reservation")
    amount = models.DecimalField(max_digits=12, decimal_places=6, help_text="USD promised.")
    state = models.CharField(max_length=10, choices=State.choices, default=State.OPEN)
    settled_amount = models.DecimalField(max_digits=12, decimal_places=6, null=True, blank=True)
    expires_at = models.DateTimeField(help_text="Swept when the call is long over by then.")
    created_at = models.DateTimeField(auto_now_add=True)
    closed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("-created_at",)
        constraints = (
            models.CheckConstraint(condition=Q(amount__gte=0), name="reservation_not_negative"),
            models.CheckConstraint(
                condition=(
                    Q(state="open", settled_amount__isnull=True, closed_at__isnull=True)
                    | Q(state="settled", settled_amount__gte=0, closed_at__isnull=False)
                    | Q(state="released", settled_amount__isnull=True, closed_at__isnull=False)
                ),
                name="reservation_settled_once",
            ),
        )
        indexes = (models.Index(fields=("state", "expires_at"), name="reservation_state_expiry"),)

    def __str__(self) -> str:
        return f"{usd(self.amount)} {self.state}"


class ReservationLine(models.Model):
    """The part of a reservation that one budget's period holds."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    reservation = models.ForeignKey(Reservation, on_delete=models.CASCADE, related_name="lines")
    period = models.ForeignKey(
        "billing.BudgetPeriod", on_delete=models.PROTECT, related_name="lines"
    )
    amount = models.DecimalField(max_digits=12, decimal_places=6, default=Decimal(0))

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("reservation", "period"), name="line_once"),
            models.CheckConstraint(condition=Q(amount__gte=0), name="line_not_negative"),
        )

    def __str__(self) -> str:
        return usd(self.amount)
