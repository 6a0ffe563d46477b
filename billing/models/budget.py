"""Limits on spending, and how much of each is used in the running period."""

from __future__ import annotations

import re
import uuid
import zoneinfo
from decimal import Decimal

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator, validate_email
from django.db import models
from django.db.models import Q


def account_time_zone() -> str:
    """Return the zone in which the account's days begin (ACCOUNT_TIME_ZONE)."""
    return str(settings.ENV.account_time_zone)


def validate_time_zone(name: str) -> None:
    """Raise ValidationError unless it is an IANA time zone."""
    if name not in zoneinfo.available_timezones():
        raise ValidationError(f"“{name}” is no time zone; write one such as America/Chicago.")


def addresses_in(text: str) -> list[str]:
    """Return the e-mail addresses of a text, which commas, semicolons or lines part."""
    return [part for part in re.split(r"[\s,;]+", text) if part]


def validate_addresses(text: str) -> None:
    """Raise ValidationError naming the first part of the text that is no e-mail address."""
    for address in addresses_in(text):
        try:
            validate_email(address)
        except ValidationError:
            raise ValidationError(f"“{address}” is no e-mail address.") from None


class Budget(models.Model):
    """A limit in USD per period, for the whole account or for one campaign."""

    class Measure(models.TextChoices):
        SPEND = "spend", "All spending"
        PER_QUALIFIED_LEAD = "per_qualified_lead", "Spending per qualified lead"

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
    measure = models.CharField(max_length=20, choices=Measure.choices, default=Measure.SPEND)
    period = models.CharField(max_length=8, choices=Period.choices)
    limit = models.DecimalField(
        max_digits=12, decimal_places=6, validators=[MinValueValidator(Decimal(0))]
    )
    minimum_spend = models.DecimalField(
        max_digits=12,
        decimal_places=6,
        default=Decimal(0),
        validators=[MinValueValidator(Decimal(0))],
        help_text="Per qualified lead: what a period may cost before the average counts.",
    )
    soft_percent = models.PositiveSmallIntegerField(
        default=80,
        validators=[MaxValueValidator(100)],
        help_text="From this share on, the cheaper voice is used.",
    )
    time_zone = models.CharField(
        max_length=64,
        default=account_time_zone,
        validators=[validate_time_zone],
        help_text="Where a day begins.",
    )
    notify = models.TextField(
        blank=True,
        validators=[validate_addresses],
        help_text="E-mail addresses that hear of 50, 80, 95 and 100 %.",
    )
    pause_campaign_at_percent = models.PositiveSmallIntegerField(
        null=True,
        blank=True,
        validators=[MinValueValidator(1), MaxValueValidator(100)],
        help_text="At this share campaigns are paused until somebody starts them. Empty: never.",
    )
    active = models.BooleanField(default=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("name",)
        constraints = (
            models.CheckConstraint(condition=Q(limit__gte=0), name="budget_limit_not_negative"),
            models.CheckConstraint(condition=Q(soft_percent__lte=100), name="budget_soft_percent"),
            models.CheckConstraint(
                # Without some spending first there would never be a first qualified lead.
                condition=Q(measure="spend") | (Q(minimum_spend__gt=0) & ~Q(period="call")),
                name="budget_per_lead_can_begin",
                violation_error_message=(
                    "A budget per qualified lead needs a minimum spend of more than 0 and a "
                    "period longer than a call."
                ),
            ),
            models.CheckConstraint(
                condition=Q(pause_campaign_at_percent__isnull=True)
                | Q(pause_campaign_at_percent__range=(1, 100)),
                name="budget_pause_percent",
            ),
        )
        indexes = (models.Index(fields=("campaign", "active"), name="budget_campaign_active"),)

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        """Refuse to move the periods of a budget that has counted: its past would be forgotten."""
        before = Budget.objects.filter(pk=self.pk, periods__isnull=False).first()
        if before is None:
            return
        for field in ("period", "time_zone", "measure", "campaign_id"):
            if getattr(before, field) != getattr(self, field):
                name = field.removesuffix("_id")
                raise ValidationError(
                    {name: "Money was counted by this already: make another budget instead."}
                )

    @property
    def notify_addresses(self) -> list[str]:
        """Who hears of its thresholds."""
        return addresses_in(self.notify)


class BudgetPeriod(models.Model):
    """One day, week, month or life of a budget: what is spent and what is promised.

    `spent` and `reserved` are changed only by `billing.services.periods.period_count`, under the
    row's lock. They are locked in the order of their ids, so that two calls can never wait for
    each other.
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
