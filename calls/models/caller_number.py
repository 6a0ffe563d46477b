"""The numbers that leads see when they are called."""

from __future__ import annotations

import uuid

from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import Q
from phonenumber_field.modelfields import PhoneNumberField


class CallerNumber(models.Model):
    """A number of the account, and how often it may be seen in a day.

    The cap is the number's, whichever campaigns call from it: a number that calls too often is
    labelled as spam by the carriers of those who are called.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    number = PhoneNumberField(unique=True, help_text="One that the carrier has given you.")
    active = models.BooleanField(
        default=True, help_text="Off: nobody is called from it. Calls to it are still taken."
    )
    daily_cap = models.PositiveIntegerField(
        "calls a day",
        null=True,
        blank=True,
        validators=[MinValueValidator(1)],
        help_text="At most, over all campaigns, by the account's clock. Empty: no limit.",
    )
    used_on = models.DateField(null=True, editable=False, help_text="The day that `used` counts.")
    used = models.PositiveIntegerField(default=0, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("number",)
        constraints = (
            models.CheckConstraint(
                condition=Q(daily_cap__isnull=True) | Q(daily_cap__gte=1),
                name="caller_number_cap",
            ),
        )

    def __str__(self) -> str:
        return str(self.number.as_national if self.number.country_code == 1 else self.number)
