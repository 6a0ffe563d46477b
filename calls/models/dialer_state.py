"""What all dialers of the account share: their pace, and whose turn it is."""

from __future__ import annotations

from django.db import models
from django.db.models import Q


class DialerState(models.Model):
    """A single row, changed in the transaction that claims a lead."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1, editable=False)
    next_dial_at = models.DateTimeField(
        null=True, help_text="No call is sent before: the account's calls per second."
    )
    turn = models.FloatField(default=0, help_text="The turn of the campaign that dialled last.")
    carrier_down_until = models.DateTimeField(
        null=True, help_text="The carrier does not answer: a dialer waits until then."
    )

    class Meta:
        constraints = (models.CheckConstraint(condition=Q(id=1), name="dialer_state_single"),)

    def __str__(self) -> str:
        return f"turn {self.turn:.2f}"
