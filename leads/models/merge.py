"""Two leads that were one person: what a merge moved, so that it can be taken back."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models


class LeadMerge(models.Model):
    """One lead merged into another. The loser is gone; all that is needed to bring it back is here.

    Its id and data stand here as plain values: no row of the database is the loser any more.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    winner = models.ForeignKey("leads.Lead", on_delete=models.CASCADE, related_name="+")
    winner_was = models.UUIDField(help_text="The winner then; a later merge may have moved it.")
    loser_id = models.UUIDField()
    loser_name = models.CharField(max_length=170)
    removed = models.JSONField(default=list, help_text="Rows that are gone, the loser first.")
    moved = models.JSONField(default=list, help_text="Rows that point to the winner's now.")
    changes = models.JSONField(default=dict, help_text="Winner's field: before, after.")
    consents = models.JSONField(default=list, help_text="Consents that the merge withdrew.")
    do_not_call = models.JSONField(default=list, help_text="Numbers that the merge barred.")
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    merged_at = models.DateTimeField()
    undone_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("-merged_at",)
        verbose_name = "merge"
        verbose_name_plural = "duplicates and merges"

    def __str__(self) -> str:
        return f"{self.loser_name} into {self.winner}"
