"""Calls passed on to a human: where each representative is reached, and who was asked."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta

from django.conf import settings
from django.db import models
from django.db.models import Q
from phonenumber_field.modelfields import PhoneNumberField


class RepLine(models.Model):
    """Where a representative takes calls, and whether they do now."""

    class Via(models.TextChoices):
        BROWSER = "browser", "In the browser"
        PHONE = "phone", "On the telephone"

    PRESENT_FOR = timedelta(seconds=60)
    """How long after its last sign of life a browser counts as open; it gives one every 20 s."""

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="line"
    )
    available = models.BooleanField(default=False, help_text="Takes transferred calls now.")
    via = models.CharField(max_length=10, choices=Via.choices, default=Via.BROWSER)
    phone = PhoneNumberField(blank=True, help_text="Rung for transfers; leads never see it.")
    browser_seen_at = models.DateTimeField(null=True, blank=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = (
            models.CheckConstraint(
                condition=~Q(via="phone") | ~Q(phone=""), name="rep_line_phone_has_number"
            ),
        )

    def __str__(self) -> str:
        return f"{self.user}, {self.get_via_display().lower()}"

    def can_ring(self, now: datetime) -> bool:
        """Whether a call to this line would ring somewhere."""
        if self.via == self.Via.PHONE:
            return True
        return self.browser_seen_at is not None and now - self.browser_seen_at < self.PRESENT_FOR

    @property
    def is_browser(self) -> bool:
        """Whether it rings in the browser."""
        return self.via == self.Via.BROWSER

    @property
    def address(self) -> str:
        """What the carrier is asked to ring."""
        return str(self.phone) if self.via == self.Via.PHONE else f"client:rep_{self.user_id}"


class Transfer(models.Model):
    """One attempt to pass a live call on to a human. The lead stays with the agent until one of
    those who were rung has taken it."""

    class Kind(models.TextChoices):
        REQUESTED = "requested", "Asked for by the lead"
        TAKEOVER = "takeover", "Taken over by a supervisor"

    class Mode(models.TextChoices):
        WARM = "warm", "Warm: who takes it hears a summary and accepts by key"
        COLD = "cold", "Cold: whoever answers is connected"

    class State(models.TextChoices):
        RINGING = "ringing", "Ringing"
        ACCEPTED = "accepted", "Accepted"
        CONNECTED = "connected", "Connected"
        ENDED = "ended", "Ended"
        FAILED = "failed", "Nobody took it"

    OPEN_STATES = (State.RINGING, State.ACCEPTED, State.CONNECTED)

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    call = models.ForeignKey("calls.Call", on_delete=models.CASCADE, related_name="transfers")
    kind = models.CharField(max_length=10, choices=Kind.choices, default=Kind.REQUESTED)
    mode = models.CharField(max_length=5, choices=Mode.choices, default=Mode.WARM)
    state = models.CharField(max_length=10, choices=State.choices, default=State.RINGING)
    reason = models.CharField(max_length=80, blank=True, help_text="Why it was asked for.")
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    rep = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
        help_text="Who took it.",
    )
    failed_because = models.CharField(max_length=40, blank=True)
    expires_at = models.DateTimeField(help_text="Until then it rings.")
    accepted_at = models.DateTimeField(null=True, blank=True)
    connected_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("-created_at",)
        constraints = (
            models.UniqueConstraint(
                fields=("call",),
                condition=Q(state__in=("ringing", "accepted", "connected")),
                name="transfer_one_open_per_call",
            ),
        )
        indexes = (
            models.Index(
                fields=("state",),
                condition=Q(state__in=("ringing", "accepted", "connected")),
                name="transfer_open",
            ),
        )

    def __str__(self) -> str:
        return f"{self.get_kind_display()}, {self.get_state_display().lower()}"

    @property
    def room(self) -> str:
        """Name of the conference in which the lead and the human meet."""
        return f"transfer-{self.pk}"


class TransferLeg(models.Model):
    """One telephone or browser that is rung for a transfer."""

    class State(models.TextChoices):
        CREATED = "created", "Created"
        RINGING = "ringing", "Ringing"
        ANSWERED = "answered", "Answered"
        JOINED = "joined", "Joined"
        OVER = "over", "Over"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    transfer = models.ForeignKey(Transfer, on_delete=models.CASCADE, related_name="legs")
    rep = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="transfer_legs"
    )
    listens = models.BooleanField(default=False, help_text="Hears the call and is not heard.")
    address = models.CharField(max_length=80)
    state = models.CharField(max_length=10, choices=State.choices, default=State.CREATED)
    provider_sid = models.CharField(max_length=64, blank=True)
    result = models.CharField(max_length=20, blank=True, help_text="How it ended.")
    dialed_at = models.DateTimeField(null=True, blank=True)
    answered_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    carrier_seconds = models.PositiveIntegerField(null=True, blank=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("transfer", "rep"), name="transfer_leg_once_per_rep"),
        )

    def __str__(self) -> str:
        return f"{self.rep}, {self.get_state_display().lower()}"

    @property
    def in_browser(self) -> bool:
        """Whether it rings in a browser, where the summary is on the screen."""
        return self.address.startswith("client:")
