"""The telephone numbers that are rented from the carrier."""

from __future__ import annotations

import uuid

from django.db import models
from django.db.models import F, Q
from phonenumber_field.modelfields import PhoneNumberField


class RentedNumber(models.Model):
    """A number of ours. Its rent is charged day by day, and shared by the calls of the day."""

    class Kind(models.TextChoices):
        LOCAL = "local", "Local"
        MOBILE = "mobile", "Mobile"
        TOLL_FREE = "tollfree", "Toll-free"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    number = PhoneNumberField(unique=True)
    provider = models.CharField(max_length=40, default="twilio")
    kind = models.CharField(
        max_length=10,
        choices=Kind.choices,
        default=Kind.LOCAL,
        help_text="Chooses the price: the “model” of the price row.",
    )
    rented_from = models.DateField(help_text="First day that costs rent.")
    rented_to = models.DateField(
        null=True, blank=True, help_text="First day that costs none any more. Empty: still rented."
    )
    next_day = models.DateField(
        null=True, editable=False, help_text="First day whose rent is not charged yet."
    )

    class Meta:
        ordering = ("number",)
        constraints = (
            models.CheckConstraint(
                condition=Q(rented_to__isnull=True) | Q(rented_to__gte=F("rented_from")),
                name="number_rented_to_after_from",
                violation_error_message="A number cannot be given back before it is rented.",
            ),
        )

    def __str__(self) -> str:
        return str(self.number)
