"""Who was erased, as far as it must be known so that nobody brings them back by accident."""

from __future__ import annotations

from django.db import models


class Erasure(models.Model):
    """A number whose owner was erased: a keyed hash, and the id of the empty shell."""

    id = models.BigAutoField(primary_key=True)
    number_hash = models.CharField(max_length=64, unique=True)
    lead_id = models.UUIDField()
    erased_at = models.DateTimeField()

    class Meta:
        ordering = ("-erased_at",)

    def __str__(self) -> str:
        return f"Erased on {self.erased_at:%Y-%m-%d}"
