"""When a representative can be booked, and when not."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q


class WorkingHours(models.Model):
    """One span of a weekday in which a representative can be booked, in local time.

    A day may have several: mornings and evenings, with the afternoon free.
    """

    class Weekday(models.IntegerChoices):
        MONDAY = 0, "Monday"
        TUESDAY = 1, "Tuesday"
        WEDNESDAY = 2, "Wednesday"
        THURSDAY = 3, "Thursday"
        FRIDAY = 4, "Friday"
        SATURDAY = 5, "Saturday"
        SUNDAY = 6, "Sunday"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    rep = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="working_hours"
    )
    weekday = models.PositiveSmallIntegerField(choices=Weekday.choices)
    starts = models.TimeField()
    ends = models.TimeField()
    time_zone = models.CharField(max_length=64, default="UTC")

    class Meta:
        ordering = ("rep", "weekday", "starts")
        verbose_name_plural = "working hours"
        constraints = (
            models.CheckConstraint(condition=Q(ends__gt=F("starts")), name="hours_end_after_start"),
            models.CheckConstraint(condition=Q(weekday__lte=6), name="hours_weekday_0_to_6"),
            models.UniqueConstraint(fields=("rep", "weekday", "starts"), name="hours_once"),
        )

    def __str__(self) -> str:
        return f"{self.get_weekday_display()} {self.starts:%H:%M}-{self.ends:%H:%M}"


class BookingRules(models.Model):
    """How a representative wants to be booked. Who has no row is booked by these defaults."""

    rep = models.OneToOneField(
        settings.AUTH_USER_MODEL,
        primary_key=True,
        on_delete=models.CASCADE,
        related_name="booking_rules",
    )
    slot_minutes = models.PositiveSmallIntegerField(
        "length of a meeting, minutes",
        default=30,
        validators=(MinValueValidator(10), MaxValueValidator(480)),
    )
    buffer_before = models.PositiveSmallIntegerField(
        "minutes kept free before", default=15, validators=(MaxValueValidator(240),)
    )
    buffer_after = models.PositiveSmallIntegerField(
        "minutes kept free after", default=15, validators=(MaxValueValidator(240),)
    )
    notice_minutes = models.PositiveSmallIntegerField(
        "earliest, minutes from now",
        default=120,
        validators=(MaxValueValidator(10080),),
        help_text="Nothing sooner than this is offered to a lead.",
    )

    class Meta:
        verbose_name = "booking rules"
        verbose_name_plural = "booking rules"

    def __str__(self) -> str:
        return f"Booking rules of {self.rep}"


class TimeOff(models.Model):
    """A time in which a representative is away. Meetings booked before stay booked."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    rep = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="time_off"
    )
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    reason = models.CharField(max_length=120, blank=True)

    class Meta:
        ordering = ("-starts_at",)
        verbose_name = "time off"
        verbose_name_plural = "time off"
        constraints = (
            models.CheckConstraint(
                condition=Q(ends_at__gt=F("starts_at")), name="time_off_ends_after_start"
            ),
        )
        indexes = (models.Index(fields=("rep", "ends_at"), name="time_off_rep_ends"),)

    def __str__(self) -> str:
        return f"{self.rep}, {self.starts_at:%Y-%m-%d %H:%M} to {self.ends_at:%Y-%m-%d %H:%M}"


class Holiday(models.Model):
    """A day on which nobody is booked, wherever a representative is."""

    day = models.DateField(primary_key=True)
    name = models.CharField(max_length=80)

    class Meta:
        ordering = ("day",)

    def __str__(self) -> str:
        return f"{self.name}, {self.day:%Y-%m-%d}"
