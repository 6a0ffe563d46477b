"""A telephone call, from the promise of its money to its outcome."""

from __future__ import annotations

import uuid

from django.db import models
from django.db.models import F, Q
from phonenumber_field.modelfields import PhoneNumberField


class Outcome(models.TextChoices):
    """What came of a call. The first group is said by people, the second by the line."""

    APPOINTMENT = "appointment", "Appointment"
    QUALIFIED = "qualified", "Qualified"
    CALLBACK = "callback", "Callback"
    NOT_INTERESTED = "not_interested", "Not interested"
    DO_NOT_CALL = "do_not_call", "Do not call"
    WRONG_NUMBER = "wrong_number", "Wrong number"
    LANGUAGE = "language", "Language barrier"
    TRANSFERRED = "transferred", "Transferred"
    HUNG_UP = "hung_up", "Hung up early"
    INCOMPLETE = "incomplete", "Incomplete"
    VOICEMAIL = "voicemail", "Voicemail"
    NO_ANSWER = "no_answer", "No answer"
    BUSY = "busy", "Busy"
    FAILED = "failed", "Failed"
    CANCELED = "canceled", "Canceled"
    ABANDONED = "abandoned", "Abandoned"


class Sentiment(models.TextChoices):
    """How the lead took the call."""

    POSITIVE = "positive", "Positive"
    NEUTRAL = "neutral", "Neutral"
    NEGATIVE = "negative", "Negative"
    MIXED = "mixed", "Mixed"


class Call(models.Model):
    """One attempt to speak with a lead. The row exists before the carrier hears of it."""

    class Direction(models.TextChoices):
        OUTBOUND = "outbound", "Outbound"
        INBOUND = "inbound", "Inbound"

    class State(models.TextChoices):
        CREATED = "created", "Created"
        DIALING = "dialing", "Dialing"
        UNCONFIRMED = "unconfirmed", "Unconfirmed"  # the carrier's answer was lost
        RINGING = "ringing", "Ringing"
        IN_PROGRESS = "in_progress", "In progress"
        COMPLETED = "completed", "Completed"
        NO_ANSWER = "no_answer", "No answer"
        BUSY = "busy", "Busy"
        FAILED = "failed", "Failed"
        CANCELED = "canceled", "Canceled"

    ACTIVE_STATES = (
        State.CREATED,
        State.DIALING,
        State.UNCONFIRMED,
        State.RINGING,
        State.IN_PROGRESS,
    )
    FINAL_STATES = (
        State.COMPLETED,
        State.NO_ANSWER,
        State.BUSY,
        State.FAILED,
        State.CANCELED,
    )

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    lead = models.ForeignKey("leads.Lead", on_delete=models.PROTECT, related_name="calls")
    campaign = models.ForeignKey(
        "calls.Campaign", null=True, blank=True, on_delete=models.PROTECT, related_name="calls"
    )
    enrolment = models.ForeignKey(
        "calls.Enrolment", null=True, blank=True, on_delete=models.SET_NULL, related_name="calls"
    )
    playbook_version = models.ForeignKey(
        "agents.PlaybookVersion", on_delete=models.PROTECT, related_name="calls"
    )
    direction = models.CharField(
        max_length=10, choices=Direction.choices, default=Direction.OUTBOUND
    )
    state = models.CharField(max_length=12, choices=State.choices, default=State.CREATED)
    outcome = models.CharField(max_length=16, choices=Outcome.choices, blank=True)
    to_number = PhoneNumberField()
    from_number = PhoneNumberField()
    provider_sid = models.CharField(max_length=64, blank=True, help_text="The carrier's CallSid.")
    provider_sequence = models.IntegerField(
        default=-1, help_text="Highest SequenceNumber of a status callback that was applied."
    )
    answered_by = models.CharField(max_length=32, blank=True, help_text="AnsweredBy, if known.")
    recording_policy = models.CharField(max_length=10, default="local")
    voice_tier = models.CharField(max_length=10, default="local")
    detect_machines = models.BooleanField(default=False)
    max_seconds = models.PositiveIntegerField(default=600, help_text="The carrier ends it then.")
    ring_seconds = models.PositiveSmallIntegerField(default=25)
    rules_version = models.CharField(
        max_length=40, blank=True, help_text="Calling rules it was allowed under."
    )
    stream_token_hash = models.CharField(max_length=64, blank=True, help_text="SHA-256, hex.")
    stream_token_used_at = models.DateTimeField(null=True, blank=True)
    stream_sid = models.CharField(max_length=64, blank=True)
    dialed_at = models.DateTimeField(null=True, blank=True)
    answered_at = models.DateTimeField(null=True, blank=True)
    stream_started_at = models.DateTimeField(
        null=True, blank=True, help_text="Zero of all times in turns, events and recording."
    )
    stream_closed_at = models.DateTimeField(
        null=True, blank=True, help_text="The voice process has written all it will write."
    )
    heartbeat_at = models.DateTimeField(
        null=True, blank=True, help_text="Last sign of life of the process that holds the call."
    )
    handed_over_at = models.DateTimeField(
        null=True, blank=True, help_text="From then on a human speaks with the lead."
    )
    ended_at = models.DateTimeField(null=True, blank=True)
    end_reason = models.CharField(max_length=80, blank=True, help_text="Who or what ended it.")
    carrier_seconds = models.PositiveIntegerField(
        null=True, blank=True, help_text="Duration that the carrier bills by."
    )
    callback_at = models.DateTimeField(
        null=True, blank=True, help_text="When the lead asked to be called again."
    )
    settled_at = models.DateTimeField(
        null=True, blank=True, help_text="After-call work is done and the money is settled."
    )
    cost = models.DecimalField(
        max_digits=12, decimal_places=6, default=0, help_text="USD, sum of the charges."
    )
    summary = models.TextField(blank=True)
    sentiment = models.CharField(max_length=10, choices=Sentiment.choices, blank=True)
    next_step = models.CharField(max_length=200, blank=True, help_text="For a representative.")
    review = models.CharField(
        max_length=80, blank=True, help_text="The model that helped to write it up; empty: none."
    )
    notes = models.JSONField(default=dict, blank=True, help_text="Answers and facts heard.")
    score = models.PositiveSmallIntegerField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ("-created_at",)
        permissions = (
            ("listen_in", "Can listen in to live calls"),
            ("take_over", "Can take over live calls"),
        )
        constraints = (
            models.UniqueConstraint(
                fields=("lead",),
                condition=Q(
                    state__in=("created", "dialing", "unconfirmed", "ringing", "in_progress")
                ),
                name="call_one_active_per_lead",
            ),
            models.UniqueConstraint(
                fields=("provider_sid",), condition=~Q(provider_sid=""), name="call_provider_sid"
            ),
            models.CheckConstraint(condition=Q(cost__gte=0), name="call_cost_not_negative"),
            models.CheckConstraint(
                condition=Q(score__isnull=True) | Q(score__lte=100), name="call_score_0_to_100"
            ),
            models.CheckConstraint(
                condition=Q(
                    state__in=("created", "dialing", "unconfirmed", "ringing", "in_progress")
                )
                | Q(ended_at__isnull=False),
                name="call_final_has_end",
            ),
            models.CheckConstraint(
                condition=Q(answered_at__isnull=True)
                | Q(ended_at__isnull=True)
                | Q(ended_at__gte=F("answered_at")),
                name="call_ends_after_answer",
            ),
        )
        indexes = (
            models.Index(fields=("-created_at",), name="call_created"),
            models.Index(fields=("campaign", "-created_at"), name="call_campaign_created"),
            models.Index(
                # All that the pages of costs read of a call: they need no look at its row.
                fields=("created_at",),
                include=(
                    "id",
                    "campaign",
                    "lead",
                    "voice_tier",
                    "outcome",
                    "answered_at",
                    "ended_at",
                    "settled_at",
                    "cost",
                ),
                name="call_money",
            ),
            models.Index(fields=("lead", "-created_at"), name="call_lead_created"),
            models.Index(fields=("outcome", "-created_at"), name="call_outcome_created"),
            models.Index(fields=("to_number", "dialed_at"), name="call_number_dialed"),
            models.Index(
                fields=("state", "heartbeat_at"),
                condition=Q(
                    state__in=("created", "dialing", "unconfirmed", "ringing", "in_progress")
                ),
                name="call_active",
            ),
            models.Index(
                fields=("ended_at",),
                condition=Q(settled_at__isnull=True),
                name="call_unsettled",
            ),
        )

    def __str__(self) -> str:
        return f"{self.lead} {self.created_at:%Y-%m-%d %H:%M}"

    @property
    def is_active(self) -> bool:
        """Whether the call may still be on the line."""
        return self.state in self.ACTIVE_STATES

    @property
    def duration_s(self) -> float:
        """Seconds from answer to end; 0.0 while unanswered or not ended."""
        if self.answered_at is None or self.ended_at is None:
            return 0.0
        return (self.ended_at - self.answered_at).total_seconds()
