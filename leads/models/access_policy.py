"""Which leads the people see who do not see every lead."""

from __future__ import annotations

from django.db import models
from django.db.models import Q


class AccessPolicy(models.Model):
    """A single row. Without it a rep sees only their own leads."""

    class RepsSee(models.TextChoices):
        OWN = "own", "Their own leads"
        UNASSIGNED = "unassigned", "Their own and those of nobody"
        ALL = "all", "All leads"

    id = models.PositiveSmallIntegerField(primary_key=True, default=1, editable=False)
    reps_see = models.CharField(
        max_length=10,
        choices=RepsSee.choices,
        default=RepsSee.OWN,
        help_text="Holds for everyone whose role does not see every lead. A lead is also seen by "
        "whoever has an appointment with it or a task about it.",
    )

    class Meta:
        verbose_name = "access policy"
        verbose_name_plural = "access policy"
        constraints = (models.CheckConstraint(condition=Q(id=1), name="access_policy_single"),)

    def __str__(self) -> str:
        return "Access policy"
