"""Meetings of leads with sales representatives."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models
from django.db.models import F, Q


class Appointment(models.Model):
    """A meeting of a lead with a representative. No representative is booked twice at a time.

    PostgreSQL refuses overlaps by an exclusion constraint (see the migrations); on SQLite, which
    has one writer at a time, `leads.services.appointments` checks under its write lock.
    """

    class Status(models.TextChoices):
        BOOKED = "booked", "Booked"
        CANCELLED = "cancelled", "Cancelled"
        HELD = "held", "Held"
        NO_SHOW = "no_show", "No show"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    lead = models.ForeignKey("leads.Lead", on_delete=models.CASCADE, related_name="appointments")
    rep = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="appointments"
    )
    call = models.ForeignKey(
        "calls.Call",
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="appointments",
        help_text="The call on which it was booked.",
    )
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.BOOKED)
    location = models.CharField(
        max_length=200, blank=True, help_text="Where, if not at the lead's address."
    )
    sequence = models.PositiveIntegerField(default=0, help_text="iCalendar SEQUENCE (RFC 5545).")
    notes = models.TextField(blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ("starts_at",)
        constraints = (
            models.CheckConstraint(
                condition=Q(ends_at__gt=F("starts_at")), name="appointment_ends_after_start"
            ),
            models.UniqueConstraint(
                fields=("rep", "starts_at"),
                condition=Q(status="booked"),
                name="appointment_rep_start_once",
            ),
        )
        indexes = (
            models.Index(fields=("rep", "starts_at"), name="appointment_rep_start"),
            models.Index(fields=("lead", "starts_at"), name="appointment_lead_start"),
        )

    def __str__(self) -> str:
        return f"{self.starts_at:%Y-%m-%d %H:%M} UTC"

    @property
    def uid(self) -> str:
        """The iCalendar UID, stable over every change of the appointment."""
        return f"{self.id}@reautomation2"

    @property
    def place(self) -> str:
        """Where it is: as agreed, else the lead's address, else an empty string."""
        return self.location or self.lead.address
