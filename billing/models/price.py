"""Dated price list of every provider. A new price is a new row; history is never rewritten."""

from __future__ import annotations

import uuid
from decimal import Decimal

from django.conf import settings
from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import F, Q


class Component(models.TextChoices):
    """What a cent can be spent on."""

    TELEPHONY_OUT = "telephony_out", "Telephony, outbound"
    TELEPHONY_IN = "telephony_in", "Telephony, inbound"
    MEDIA_STREAM = "media_stream", "Media stream"
    RECORDING = "recording", "Recording"
    AMD = "amd", "Answering-machine detection"
    TRANSFER = "transfer", "Transfer to a human"
    CONFERENCE = "conference", "Conference"
    STT = "stt", "Speech recognition"
    TTS = "tts", "Speech synthesis"
    TTS_CACHED = "tts_cached", "Speech from the cache"
    LLM_INPUT = "llm_input", "Language model, words read"
    LLM_OUTPUT = "llm_output", "Language model, words written"
    LLM_GPU = "llm_gpu", "Language model, computing time"
    NUMBER = "number", "Rent of the number"


class Unit(models.TextChoices):
    MINUTE = "minute", "Minute"
    SECOND = "second", "Second"
    CALL = "call", "Call"
    CHARACTER_1K = "1k_characters", "1 000 characters"
    TOKEN_1M = "1m_tokens", "1 000 000 tokens"
    MONTH = "month", "Month"


class Rounding(models.TextChoices):
    """What becomes of a quantity that is no whole number of billing steps."""

    UP = "up", "Up: a begun step is paid whole"
    NEAREST = "nearest", "To the nearest step, half up"
    DOWN = "down", "Down: only whole steps are paid"


class Price(models.Model):
    """What one unit costs from a day on, and in which steps it is billed."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    provider = models.CharField(max_length=40)
    component = models.CharField(max_length=20, choices=Component.choices)
    region = models.CharField(max_length=8, default="*", help_text="Country code, or * for any.")
    model = models.CharField(max_length=80, default="*", help_text="Voice or model, or * for any.")
    unit = models.CharField(max_length=16, choices=Unit.choices)
    unit_price = models.DecimalField(
        max_digits=12, decimal_places=6, validators=[MinValueValidator(Decimal(0))]
    )
    increment = models.DecimalField(
        max_digits=12,
        decimal_places=6,
        default=Decimal(1),
        help_text="Billing step in units: 1 bills whole units, 0.000001 bills exactly.",
    )
    rounding = models.CharField(
        max_length=8,
        choices=Rounding.choices,
        default=Rounding.UP,
        help_text="To whole billing steps.",
    )
    minimum = models.DecimalField(
        max_digits=12, decimal_places=6, default=Decimal(0), help_text="Least billed quantity."
    )
    valid_from = models.DateField()
    valid_to = models.DateField(null=True, blank=True, help_text="First day it no longer holds.")
    source = models.CharField(max_length=200, help_text="Where the figure was read.")
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        editable=False,
        on_delete=models.PROTECT,
        related_name="+",
        help_text="Who set it; empty for the shipped list and for the carrier's own price list.",
    )
    created_at = models.DateTimeField(null=True, editable=False, help_text="When it was set.")

    class Meta:
        ordering = ("provider", "component", "region", "model", "-valid_from")
        constraints = (
            models.CheckConstraint(condition=Q(unit_price__gte=0), name="price_not_negative"),
            models.CheckConstraint(condition=Q(increment__gt=0), name="price_increment_positive"),
            models.CheckConstraint(condition=Q(minimum__gte=0), name="price_minimum_not_negative"),
            models.CheckConstraint(
                condition=Q(valid_to__isnull=True) | Q(valid_to__gt=F("valid_from")),
                name="price_valid_to_after_from",
            ),
            models.UniqueConstraint(
                fields=("provider", "component", "region", "model", "valid_from"),
                name="price_once_per_day",
            ),
        )

    def __str__(self) -> str:
        return f"{self.provider} {self.get_component_display()} ${self.unit_price}/{self.unit}"
