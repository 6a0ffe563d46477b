"""Rules that say which representative a lead goes to."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.core.validators import MaxValueValidator
from django.db import models
from django.db.models import F, Q


class AssignmentRule(models.Model):
    """One rule. They are asked in order; the first that fits and has somebody free decides.

    The default rule fits every lead, stands last and cannot be removed. An empty condition is none.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    position = models.PositiveIntegerField(default=0, db_index=True)
    name = models.CharField(max_length=80)
    active = models.BooleanField(default=True)
    is_default = models.BooleanField(default=False, editable=False)
    kinds = models.JSONField("kinds of lead", default=list, blank=True)
    states = models.JSONField("US states", default=list, blank=True)
    postal_prefixes = models.JSONField("postal codes beginning with", default=list, blank=True)
    cities = models.JSONField(default=list, blank=True)
    sources = models.JSONField(default=list, blank=True)
    score_from = models.PositiveSmallIntegerField(
        null=True, blank=True, validators=(MaxValueValidator(100),)
    )
    score_to = models.PositiveSmallIntegerField(
        null=True, blank=True, validators=(MaxValueValidator(100),)
    )
    reps = models.ManyToManyField(
        settings.AUTH_USER_MODEL,
        verbose_name="representatives",
        blank=True,
        related_name="+",
        help_text="They take turns. Empty: everybody who has working hours.",
    )
    working_now = models.BooleanField(
        "only who is at work",
        default=False,
        help_text="By working hours, time off and holidays at that moment.",
    )
    max_open_leads = models.PositiveIntegerField(
        "at most so many open leads each", null=True, blank=True
    )
    takes_over = models.BooleanField(
        "take leads over",
        default=False,
        help_text="Also from a representative whom a later rule chose; never from one whom a "
        "person chose.",
    )
    turn = models.PositiveBigIntegerField(
        default=0, editable=False, help_text="Leads given so far; whose turn it is follows from it."
    )

    class Meta:
        ordering = ("is_default", "position", "name")
        constraints = (
            models.UniqueConstraint(
                fields=("is_default",), condition=Q(is_default=True), name="assignment_one_default"
            ),
            models.CheckConstraint(
                condition=Q(score_from__isnull=True)
                | Q(score_to__isnull=True)
                | Q(score_from__lte=F("score_to")),
                name="assignment_score_range",
            ),
        )

    def __str__(self) -> str:
        return self.name


class AssignmentTurn(models.Model):
    """When a representative last had a turn in a rule: the one longest without goes next."""

    rule = models.ForeignKey(AssignmentRule, on_delete=models.CASCADE, related_name="turns")
    rep = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    last_turn = models.PositiveBigIntegerField(default=0)

    class Meta:
        ordering = ("rule", "last_turn")
        constraints = (
            models.UniqueConstraint(fields=("rule", "rep"), name="assignment_turn_once"),
        )

    def __str__(self) -> str:
        return f"{self.rep}: {self.last_turn}"
