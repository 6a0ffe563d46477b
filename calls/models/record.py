"""What was said and done on a call, and how it sounded."""

from __future__ import annotations

import uuid

from django.db import models
from django.db.models import F, Q

from calls.recording_files import recordings_storage


class Turn(models.Model):
    """One speaker's words, with times in ms since the media stream began.

    Of the agent, only words that were really played are kept.
    """

    class Speaker(models.TextChoices):
        AGENT = "agent", "Agent"
        LEAD = "lead", "Lead"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    call = models.ForeignKey("calls.Call", on_delete=models.CASCADE, related_name="turns")
    index = models.PositiveIntegerField()
    speaker = models.CharField(max_length=5, choices=Speaker.choices)
    text = models.TextField()
    started_ms = models.PositiveIntegerField()
    ended_ms = models.PositiveIntegerField()
    interrupted = models.BooleanField(default=False)
    latency_ms = models.PositiveIntegerField(
        null=True,
        blank=True,
        help_text="Agent: from the lead's last voiced sample to the agent's first.",
    )
    agent = models.CharField(max_length=40, blank=True, help_text="Which agent spoke.")
    topic = models.CharField(max_length=80, blank=True, help_text="What it spoke about.")
    why = models.CharField(
        max_length=400, blank=True, help_text="Which agents took the turn, and why."
    )
    tier = models.CharField(max_length=10, blank=True, help_text="Voice tier.")
    details = models.JSONField(default=dict, blank=True, help_text="Latency by part, in ms.")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("call", "index")
        constraints = (
            models.UniqueConstraint(fields=("call", "index"), name="turn_once"),
            models.CheckConstraint(
                condition=Q(ended_ms__gte=F("started_ms")), name="turn_ends_after_start"
            ),
            models.CheckConstraint(
                condition=Q(speaker__in=("agent", "lead")), name="turn_speaker_known"
            ),
        )

    def __str__(self) -> str:
        return f"{self.speaker} {self.index}"


class CallEvent(models.Model):
    """Something that happened on a call, in the order it happened."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    call = models.ForeignKey("calls.Call", on_delete=models.CASCADE, related_name="events")
    kind = models.CharField(max_length=40)
    at = models.DateTimeField()
    offset_ms = models.PositiveIntegerField(null=True, blank=True, help_text="In the stream.")
    data = models.JSONField(default=dict, blank=True)

    class Meta:
        ordering = ("at",)
        indexes = (models.Index(fields=("call", "at"), name="event_call_at"),)

    def __str__(self) -> str:
        return self.kind


class Recording(models.Model):
    """The sound of a call: WAV, left the lead, right the agent."""

    class Source(models.TextChoices):
        LOCAL = "local", "Made by us"
        CARRIER = "carrier", "Made by the carrier"

    class State(models.TextChoices):
        RECORDING = "recording", "Recording"
        STORED = "stored", "Stored"
        FAILED = "failed", "Failed"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    call = models.OneToOneField("calls.Call", on_delete=models.CASCADE, related_name="recording")
    source = models.CharField(max_length=10, choices=Source.choices)
    state = models.CharField(max_length=10, choices=State.choices, default=State.RECORDING)
    file = models.FileField(
        upload_to="recordings/", storage=recordings_storage, blank=True, max_length=200
    )
    provider_sid = models.CharField(max_length=64, blank=True)
    channels = models.PositiveSmallIntegerField(default=2)
    sample_rate = models.PositiveIntegerField(default=8000, help_text="Hz.")
    duration_ms = models.PositiveIntegerField(default=0)
    offset_ms = models.IntegerField(
        default=0, help_text="Time of the recording's first sample in the stream's time."
    )
    sha256 = models.CharField(max_length=64, blank=True)
    verified_at = models.DateTimeField(
        null=True, blank=True, help_text="When the file was last compared with its checksum."
    )
    damaged_at = models.DateTimeField(
        null=True, blank=True, help_text="Since when the file is missing or differs."
    )
    keep_until = models.DateField(
        null=True, blank=True, help_text="May be deleted after this day; empty: kept."
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("-created_at",)
        constraints = (
            models.CheckConstraint(
                condition=Q(channels__in=(1, 2)), name="recording_one_or_two_channels"
            ),
            models.CheckConstraint(
                condition=~Q(state="stored") | (~Q(file="") & ~Q(sha256="")),
                name="recording_stored_has_file",
            ),
        )

    def __str__(self) -> str:
        return f"{self.get_source_display()}, {self.duration_ms / 1000:.0f} s"

    @property
    def name(self) -> str:
        """The file's name in the storage; empty while there is none."""
        return self.file.name or ""
