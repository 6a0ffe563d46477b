"""When people are told that bills and estimates differ, and what they were told."""

from __future__ import annotations

import uuid
from decimal import Decimal
from typing import Self

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models

from billing.models.budget import addresses_in, validate_addresses
from billing.models.price import Component


class VarianceRule(models.Model):
    """From which difference on a component needs a person. One row for the account."""

    percent = models.DecimalField(
        "alert from, %",
        max_digits=5,
        decimal_places=2,
        default=Decimal(5),
        validators=[MinValueValidator(Decimal("0.01")), MaxValueValidator(Decimal(100))],
        help_text="Of what was estimated, to either side, over the last seven days.",
    )
    least = models.DecimalField(
        "and from, USD",
        max_digits=12,
        decimal_places=6,
        default=Decimal("0.01"),
        validators=[MinValueValidator(Decimal(0))],
        help_text="Smaller differences are nothing to write about.",
    )
    notify = models.TextField(
        blank=True,
        validators=[validate_addresses],
        help_text="E-mail addresses that hear of it, once a day for each component.",
    )

    class Meta:
        verbose_name = "variance alert rule"

    def __str__(self) -> str:
        return f"From {self.percent.normalize():f} %"

    @classmethod
    def current(cls) -> Self:
        """Return the rule that holds; its defaults while nobody has set one."""
        return cls.objects.first() or cls()

    @property
    def notify_addresses(self) -> list[str]:
        """Who hears of it."""
        return addresses_in(self.notify)


class VarianceAlert(models.Model):
    """A component that was told of on a day. The unique row is what makes it once."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    component = models.CharField(max_length=20, choices=Component.choices)
    day = models.DateField(help_text="Of the account's clock.")
    calls = models.PositiveIntegerField()
    estimated = models.DecimalField(max_digits=14, decimal_places=6, help_text="USD.")
    actual = models.DecimalField(max_digits=14, decimal_places=6, help_text="USD.")
    at = models.DateTimeField()
    emailed_at = models.DateTimeField(null=True, blank=True)
    problem = models.CharField(max_length=200, blank=True, help_text="Why no e-mail went out.")

    class Meta:
        ordering = ("-at",)
        constraints = (
            models.UniqueConstraint(fields=("component", "day"), name="variancealert_once"),
        )

    def __str__(self) -> str:
        return f"{self.get_component_display()} {self.day}"
