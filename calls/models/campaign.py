"""Campaigns, and the leads enrolled in them."""

from __future__ import annotations

import uuid

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q

from agents.playbook.turn_taking import MOST_GAP_MS
from calls.policy.cadence import cadence_default


class Campaign(models.Model):
    """A playbook applied to many leads, with the rules by which they are called."""

    class State(models.TextChoices):
        DRAFT = "draft", "Draft"
        RUNNING = "running", "Running"
        PAUSED = "paused", "Paused"
        FINISHED = "finished", "Finished"

    class RecordingPolicy(models.TextChoices):
        LOCAL = "local", "Recorded by us, announced"
        CARRIER = "carrier", "Recorded by the carrier, announced"
        NONE = "none", "Not recorded"

    class VoiceTier(models.TextChoices):
        LOCAL = "local", "Local voice"
        PREMIUM = "premium", "Premium voice"
        BY_SCORE = "by_score", "Premium from a score on"

    class Patience(models.TextChoices):
        QUICK = "quick", "Quick: short pauses end a turn"
        BALANCED = "balanced", "Balanced"
        PATIENT = "patient", "Patient: for leads who think aloud"

    class Interrupting(models.TextChoices):
        EASY = "easy", "Easy: a short word is enough"
        BALANCED = "balanced", "Balanced"
        HARD = "hard", "Hard: only a lead who insists"

    class Priority(models.IntegerChoices):
        LOW = -1, "Low"
        NORMAL = 0, "Normal"
        HIGH = 1, "High"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(max_length=120, unique=True)
    state = models.CharField(max_length=10, choices=State.choices, default=State.DRAFT)
    playbook = models.ForeignKey(
        "agents.Playbook", on_delete=models.PROTECT, related_name="campaigns"
    )
    business_name = models.CharField(max_length=120, help_text="Said first on every call.")
    numbers = models.ManyToManyField(
        "calls.CallerNumber",
        blank=True,
        related_name="campaigns",
        verbose_name="caller numbers",
        help_text="One is enough. Of several, a lead sees the one that called before, else one "
        "from nearby, else the one used least.",
    )
    max_concurrent = models.PositiveSmallIntegerField(
        default=3, validators=[MinValueValidator(1)], help_text="Calls at the same time."
    )
    window_opens = models.TimeField(
        null=True, blank=True, help_text="Earliest local time, inside what the law allows."
    )
    window_closes = models.TimeField(null=True, blank=True, help_text="Latest local time.")
    calls_per_minute = models.PositiveSmallIntegerField(
        null=True,
        blank=True,
        validators=[MinValueValidator(1)],
        help_text="At most this many are dialled in a minute. Empty: as many as the account may.",
    )
    priority = models.SmallIntegerField(
        choices=Priority.choices,
        default=Priority.NORMAL,
        help_text="Campaigns with a higher one go first.",
    )
    weight = models.PositiveSmallIntegerField(
        "share",
        default=1,
        validators=[MinValueValidator(1), MaxValueValidator(100)],
        help_text="Among campaigns of the same priority: with 2, it dials twice as often as one "
        "with 1.",
    )
    max_attempts = models.PositiveSmallIntegerField(
        "most calls to a lead", default=3, validators=[MinValueValidator(1)]
    )
    cadence = models.JSONField(
        "calling again", default=cadence_default, help_text="A rule for each outcome."
    )
    goal_outcome = models.CharField(
        "goal",
        max_length=12,
        blank=True,
        choices=(("appointment", "Appointments"), ("qualified", "Qualified leads")),
        help_text="Empty: it goes on until every lead is done.",
    )
    goal_count = models.PositiveIntegerField(
        "how many", null=True, blank=True, validators=[MinValueValidator(1)]
    )
    goal_then = models.CharField(
        "once reached",
        max_length=6,
        default="pause",
        choices=(("pause", "Pause the campaign"), ("finish", "Finish the campaign")),
    )
    detect_machines = models.BooleanField(default=True, help_text="Answering-machine detection.")
    recording_policy = models.CharField(
        max_length=10, choices=RecordingPolicy.choices, default=RecordingPolicy.LOCAL
    )
    voice_tier = models.CharField(max_length=10, choices=VoiceTier.choices, default=VoiceTier.LOCAL)
    premium_from_score = models.PositiveSmallIntegerField(
        default=70, validators=[MaxValueValidator(100)]
    )
    leave_message = models.CharField(
        max_length=6,
        default="once",
        choices=(
            ("once", "Once per lead"),
            ("always", "Each time"),
            ("never", "Never"),
        ),
        help_text="When a voicemail gets the playbook's message.",
    )
    inbound_opens = models.TimeField(
        null=True,
        blank=True,
        help_text="Calls to our number are taken from then, by the account's clock. "
        "Empty: at any time.",
    )
    inbound_closes = models.TimeField(null=True, blank=True, help_text="And until then.")
    inbound_closed_line = models.CharField(
        max_length=300, blank=True, help_text="Said outside these hours. Empty: a plain sentence."
    )
    inbound_busy_line = models.CharField(
        max_length=300,
        blank=True,
        help_text="Said when no line or no money is left. Empty: a plain sentence.",
    )
    transfer_mode = models.CharField(
        max_length=5,
        blank=True,
        default="warm",
        choices=(("warm", "With a summary first"), ("cold", "At once"), ("", "Never")),
        help_text="How a lead who asks for a person is put through to one who is available.",
    )
    patience = models.CharField(
        max_length=10,
        choices=Patience.choices,
        blank=True,
        help_text="How long the agent waits for a lead who pauses. Empty: as the playbook says.",
    )
    interrupting = models.CharField(
        "interrupting the agent",
        max_length=10,
        choices=Interrupting.choices,
        blank=True,
        help_text="How much a lead has to say before the agent falls silent. Empty: as the "
        "playbook says.",
    )
    least_gap_ms = models.PositiveSmallIntegerField(
        "shortest pause before an answer",
        null=True,
        blank=True,
        validators=[MaxValueValidator(MOST_GAP_MS)],
        help_text="Milliseconds, 0 to 3000. Empty: as the playbook says.",
    )
    max_call_seconds = models.PositiveIntegerField(
        default=600, validators=[MinValueValidator(60)], help_text="The carrier ends it then."
    )
    ring_seconds = models.PositiveSmallIntegerField(
        default=25,
        validators=[MinValueValidator(15)],
        help_text="At least 15 (47 CFR 64.1200(a)(6)).",
    )
    california_override = models.TextField(
        blank=True, help_text="Why California may be called (AB 2905). Empty: it is not."
    )
    pause_reason = models.CharField(
        max_length=200, blank=True, help_text="Why it was paused, in words."
    )
    halted_at = models.DateTimeField(
        null=True, editable=False, help_text="Paused at once: what rings is cancelled."
    )
    # Kept by the dialer.
    turn = models.FloatField(default=0, editable=False, help_text="Its place among campaigns.")
    next_dial_at = models.DateTimeField(null=True, editable=False, help_text="Its own pace.")
    held_until = models.DateTimeField(null=True, editable=False, help_text="Passed over until.")
    held_reason = models.CharField(max_length=20, blank=True, editable=False)
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ("-created_at",)
        constraints = (
            models.CheckConstraint(condition=Q(max_concurrent__gte=1), name="campaign_concurrent"),
            models.CheckConstraint(condition=Q(max_attempts__gte=1), name="campaign_attempts"),
            models.CheckConstraint(
                condition=Q(least_gap_ms__isnull=True) | Q(least_gap_ms__lte=MOST_GAP_MS),
                name="campaign_least_gap",
            ),
            models.CheckConstraint(condition=Q(ring_seconds__gte=15), name="campaign_ring_15_s"),
            models.CheckConstraint(condition=Q(weight__gte=1), name="campaign_weight"),
            models.CheckConstraint(
                condition=Q(goal_outcome="") | Q(goal_count__isnull=False),
                name="campaign_goal_counted",
                violation_error_message="Say how many make the goal.",
            ),
            models.CheckConstraint(
                condition=Q(window_opens__isnull=True)
                | Q(window_closes__isnull=True)
                | Q(window_closes__gt=F("window_opens")),
                name="campaign_window_order",
            ),
        )

    def __str__(self) -> str:
        return self.name


class Enrolment(models.Model):
    """One lead in one campaign: the row that the dialer claims."""

    class State(models.TextChoices):
        WAITING = "waiting", "Waiting"
        CLAIMED = "claimed", "Being called"
        DONE = "done", "Done"
        STOPPED = "stopped", "Stopped"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    campaign = models.ForeignKey(Campaign, on_delete=models.CASCADE, related_name="enrolments")
    lead = models.ForeignKey("leads.Lead", on_delete=models.CASCADE, related_name="enrolments")
    state = models.CharField(max_length=10, choices=State.choices, default=State.WAITING)
    due_at = models.DateTimeField(help_text="Not called before this moment.")
    priority = models.SmallIntegerField(default=0, help_text="Higher is called first.")
    attempts = models.PositiveSmallIntegerField(default=0)
    last_outcome = models.CharField(max_length=20, blank=True)
    blocked_reasons = models.JSONField(
        default=list, blank=True, help_text="Why the gate last said no (codes)."
    )
    claimed_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ("-priority", "due_at")
        constraints = (
            models.UniqueConstraint(fields=("campaign", "lead"), name="enrolment_once"),
            models.CheckConstraint(
                condition=~Q(state="claimed") | Q(claimed_at__isnull=False),
                name="enrolment_claimed_has_time",
            ),
        )
        indexes = (
            models.Index(
                fields=("campaign", "-priority", "due_at"),
                condition=Q(state="waiting"),
                name="enrolment_next",
            ),
            # Who is due at all, and when the next one will be.
            models.Index(
                fields=("campaign", "due_at"), condition=Q(state="waiting"), name="enrolment_due"
            ),
            models.Index(fields=("state", "claimed_at"), name="enrolment_claimed"),
            # Answers "how many where, and why not" without reading the rows.
            models.Index(fields=("campaign", "state", "blocked_reasons"), name="enrolment_why"),
        )

    def __str__(self) -> str:
        return f"{self.lead} in {self.campaign}"
