"""What the account makes of the outside lists where the law leaves it the choice."""

from __future__ import annotations

from django.db import models
from django.db.models import Q


class CallingPolicy(models.Model):
    """A single row. Without it the defaults below hold."""

    class Then(models.TextChoices):
        BLOCK = "block", "Do not call"
        WARN = "warn", "Call, and say so"

    id = models.PositiveSmallIntegerField(primary_key=True, default=1, editable=False)
    on_national_registry = models.CharField(
        max_length=5,
        choices=Then.choices,
        default=Then.BLOCK,
        help_text="The number is on the National Do Not Call Registry. Signed written consent "
        "that names the seller and the number lifts that rule (47 CFR 64.1200(c)(2)(ii)).",
    )
    national_check_old = models.CharField(
        "registry not checked for 31 days",
        max_length=5,
        choices=Then.choices,
        default=Then.WARN,
        help_text="The area code's file was never uploaded, or is older than 31 days.",
    )
    reassigned_check_old = models.CharField(
        "reassignment not checked for 45 days",
        max_length=5,
        choices=Then.choices,
        default=Then.WARN,
        help_text="Nobody asked the Reassigned Numbers Database about the number for 45 days.",
    )

    class Meta:
        verbose_name = "calling policy"
        verbose_name_plural = "calling policy"
        constraints = (models.CheckConstraint(condition=Q(id=1), name="calling_policy_single"),)

    def __str__(self) -> str:
        return "Calling policy"
