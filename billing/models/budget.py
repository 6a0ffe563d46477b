"""Limits on spending, and how much of each is used in the running period."""

from __future__ import annotations

import uuid
from decimal import Decimal

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q


class Budget(models.Model):
    """A limit in USD per period, for the whole account or for one campaign."""

    class Period(models.TextChoices):
        DAY = "day", "Day"
        WEEK = "week", "Week"
        MONTH = "month", "Month"
        TOTAL = "total", "Whole life"
        CALL = "call", "Single call"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(max_length=120)
    campaign = models.ForeignKey(
        "calls.Campaign",
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="budgets",
        help_text="Empty: the limit holds for everything.",
    )
    period = models.CharField(max_length=8, choices=Period.choices)
    limit = models.DecimalField(
        max_digits=12, decimal_places=6, validators=[MinValueValidator(Decimal(0))]
    )
    soft_percent = models.PositiveSmallIntegerField(
        default=80,
        validators=[MaxValueValidator(100)],
        help_text="From this share on, the cheaper voice is used.",
    )
    time_zone = models.CharField(max_length=64, default="UTC", help_text="Where a day begins.")
    active = models.BooleanField(default=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("name",)
        constraints = (
            models.CheckConstraint(condition=Q(limit__gte=0), name="budget_limit_not_negative"),
            models.CheckConstraint(condition=Q(soft_percent__lte=100), name="budget_soft_percent"),
        )
        indexes = (models.Index(fields=("campaign", "active"), name="budget_campaign_active"),)

    def __str__(self) -> str:
        return self.name


class BudgetPeriod(models.Model):
    """One day, week, month or life of a budget: what is spent and what is promised.

    `spent` and `reserved` are changed only by conditional updates in `billing.services.budgets`.
    They are locked in the order of their ids, so that two calls can never wait for each other.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    budget = models.ForeignKey(Budget, on_delete=models.CASCADE, related_name="periods")
    starts_on = models.DateField()
    spent = models.DecimalField(max_digits=14, decimal_places=6, default=Decimal(0))
    reserved = models.DecimalField(max_digits=14, decimal_places=6, default=Decimal(0))

    class Meta:
        ordering = ("-starts_on",)
        constraints = (
            models.UniqueConstraint(fields=("budget", "starts_on"), name="period_once"),
            models.CheckConstraint(condition=Q(spent__gte=0), name="period_spent_not_negative"),
            models.CheckConstraint(
                condition=Q(reserved__gte=0), name="period_reserved_not_negative"
            ),
        )

    def __str__(self) -> str:
        return f"{self.budget} {self.starts_on}"

    @property
    def committed(self) -> Decimal:
        """USD spent or promised."""
        return self.spent + self.reserved
