"""A person who may want to buy, sell, rent or invest, and whom we may be allowed to call."""

from __future__ import annotations

import uuid
from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Coalesce, Lower
from phonenumber_field.modelfields import PhoneNumberField


class Lead(models.Model):
    """One telephone number and the person behind it. The number is unique in E.164 form."""

    class Kind(models.TextChoices):
        SELLER = "seller", "Seller"
        BUYER = "buyer", "Buyer"
        RENTER = "renter", "Renter"
        INVESTOR = "investor", "Investor"

    class Stage(models.TextChoices):
        NEW = "new", "New"
        ATTEMPTED = "attempted", "Attempted"
        CONTACTED = "contacted", "Contacted"
        QUALIFIED = "qualified", "Qualified"
        APPOINTMENT = "appointment", "Appointment"
        WON = "won", "Won"
        LOST = "lost", "Lost"

    class Temperature(models.TextChoices):
        HOT = "hot", "Hot"
        WARM = "warm", "Warm"
        COLD = "cold", "Cold"

    class LineType(models.TextChoices):
        MOBILE = "mobile", "Mobile"
        FIXED = "fixed", "Landline"
        FIXED_OR_MOBILE = "fixed_or_mobile", "Mobile or landline"
        VOIP = "voip", "Internet telephone"
        TOLL_FREE = "toll_free", "Toll-free"
        OTHER = "other", "Other"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    phone = PhoneNumberField(
        unique=True, help_text="In any usual form: (512) 555-0100, or +44 20 7946 0000 from abroad."
    )
    raw_phone = models.CharField(max_length=64, blank=True, help_text="As it was given to us.")
    line_type = models.CharField(
        max_length=16,
        choices=LineType.choices,
        blank=True,
        help_text="As far as the number itself tells; empty: not known.",
    )
    first_name = models.CharField(max_length=80, blank=True)
    last_name = models.CharField(max_length=80, blank=True)
    email = models.EmailField(blank=True)
    kind = models.CharField(max_length=12, choices=Kind.choices, default=Kind.SELLER)
    stage = models.CharField(max_length=12, choices=Stage.choices, default=Stage.NEW)
    score = models.PositiveSmallIntegerField(null=True, blank=True, help_text="0-100.")
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="leads",
        db_index=False,  # several indexes begin with it
    )
    owner_rule = models.ForeignKey(
        "leads.AssignmentRule",
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
        help_text="The rule that chose the owner; empty when a person did.",
    )
    street = models.CharField(max_length=160, blank=True)
    city = models.CharField(max_length=80, blank=True)
    state = models.CharField(max_length=2, blank=True, help_text="US state, two letters.")
    postal_code = models.CharField(max_length=12, blank=True)
    time_zones = models.JSONField(
        default=list,
        blank=True,
        help_text="Every zone the lead may be in, from number and address. The strictest counts.",
    )
    source = models.CharField(max_length=80, blank=True)
    tags = models.JSONField(default=list, blank=True)
    custom_fields = models.JSONField(default=dict, blank=True)
    erased_at = models.DateTimeField(
        null=True, blank=True, editable=False, help_text="An empty shell since then."
    )
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ("-created_at",)
        permissions = (
            ("view_every_lead", "Can see every lead, not only their own"),
            ("export_lead", "Can take leads out"),
            ("erase_lead", "Can erase a lead for good"),
        )
        constraints = (
            models.CheckConstraint(
                condition=Q(score__isnull=True) | Q(score__lte=100), name="lead_score_0_to_100"
            ),
            models.CheckConstraint(condition=~Q(phone=""), name="lead_has_phone"),
        )
        indexes = (
            models.Index(fields=("stage", "-created_at"), name="lead_stage_created"),
            models.Index(fields=("-created_at",), name="lead_created"),
            models.Index(fields=("last_name", "first_name"), name="lead_name"),
            models.Index(fields=("owner", "stage"), name="lead_owner_stage"),
            models.Index(fields=("owner", "-created_at"), name="lead_owner_created"),
            # Whose calls, tasks and timelines a representative sees is told by this alone.
            models.Index(
                fields=("owner", "id"),
                condition=Q(erased_at__isnull=True),
                name="lead_owner_seen",
            ),
            models.Index(fields=("kind", "-created_at"), name="lead_kind_created"),
            models.Index(fields=("state", "-created_at"), name="lead_state_created"),
            models.Index(fields=("source", "-created_at"), name="lead_source_created"),
            models.Index(Lower("email"), name="lead_email", condition=~Q(email="")),
            models.Index(Lower("last_name"), Lower("street"), name="lead_name_street"),
            # In the order of the list: those without a score come last.
            models.Index(Coalesce("score", -1).desc(), F("id").desc(), name="lead_score_order"),
            models.Index(Coalesce("score", -1), F("id").desc(), name="lead_score_upwards"),
        )

    def __str__(self) -> str:
        if self.erased_at:
            return "Erased lead"
        return self.full_name or str(self.phone)

    @property
    def full_name(self) -> str:
        """First and last name, or an empty string."""
        return f"{self.first_name} {self.last_name}".strip()

    @property
    def tag_words(self) -> str:
        """The tags in one line."""
        return ", ".join(str(tag) for tag in self.tags)

    @property
    def address(self) -> str:
        """The address in one line, or an empty string."""
        place = " ".join(part for part in (self.state, self.postal_code) if part)
        return ", ".join(part for part in (self.street, self.city, place) if part)

    @property
    def temperature(self) -> str:
        """Hot from 70 points, warm from 40, else cold; cold while there is no score."""
        if self.score is None or self.score < 40:
            return self.Temperature.COLD
        return self.Temperature.HOT if self.score >= 70 else self.Temperature.WARM

    @property
    def time_zone(self) -> str:
        """The zone to speak of times in: the first candidate, or UTC when none is known."""
        zones: list[Any] = self.time_zones
        return str(zones[0]) if zones else "UTC"
