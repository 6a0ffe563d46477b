"""Permission to call, and its opposite. Source of the rules: docs/compliance.md."""

from __future__ import annotations

import uuid

from django.db import models
from django.db.models import F, Q
from phonenumber_field.modelfields import PhoneNumberField


class Consent(models.Model):
    """What a person agreed to, as evidence: exact text, seller, number, source and time.

    A row is never edited except to revoke it.
    """

    class Kind(models.TextChoices):
        EXPRESS_WRITTEN = "express_written", "Prior express written consent"
        EXPRESS = "express", "Prior express consent"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    lead = models.ForeignKey("leads.Lead", on_delete=models.CASCADE, related_name="consents")
    kind = models.CharField(max_length=20, choices=Kind.choices)
    phone = PhoneNumberField(help_text="The number that the consent was given for.")
    text = models.TextField(help_text="The exact words that were shown.")
    seller = models.CharField(max_length=160, help_text="The business named in those words.")
    source = models.CharField(max_length=200, help_text="Form, file and row, or certificate.")
    evidence = models.JSONField(default=dict, blank=True, help_text="URL, IP address, certificate.")
    given_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True, blank=True)
    revoked_via = models.CharField(max_length=80, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("-given_at",)
        constraints = (
            models.CheckConstraint(condition=~Q(text=""), name="consent_has_text"),
            models.CheckConstraint(
                condition=Q(revoked_at__isnull=True) | Q(revoked_at__gte=F("given_at")),
                name="consent_revoked_after_given",
            ),
        )
        indexes = (models.Index(fields=("lead", "kind", "revoked_at"), name="consent_lead_kind"),)

    def __str__(self) -> str:
        return f"{self.get_kind_display()} ({self.given_at:%Y-%m-%d})"


class DoNotCall(models.Model):
    """A number that must not be called, whoever it belongs to. Outlives the lead."""

    class Source(models.TextChoices):
        VOICE = "voice", "Said on a call"
        KEY = "key", "Key pressed on a call"
        MANUAL = "manual", "Entered by a person"
        IMPORT = "import", "Imported list"
        CARRIER = "carrier", "Reported by the carrier"
        NATIONAL = "national", "National registry"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    phone = PhoneNumberField(unique=True)
    source = models.CharField(max_length=12, choices=Source.choices)
    reason = models.CharField(max_length=200, blank=True)
    call = models.ForeignKey(
        "calls.Call", null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("-created_at",)
        permissions = (("export_donotcall", "Can take the do-not-call list out"),)
        verbose_name = "do-not-call number"
        verbose_name_plural = "do-not-call numbers"

    def __str__(self) -> str:
        return str(self.phone)
