"""Lists of leads that somebody wants to see again."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models


class SavedView(models.Model):
    """A name for filters, order and columns of the list of leads."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(max_length=60)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="lead_views"
    )
    shared = models.BooleanField("everybody sees it", default=False)
    query = models.CharField(
        max_length=2000, blank=True, help_text="Filters, search and order, as in the address."
    )
    columns = models.JSONField(default=list, blank=True, help_text="Empty: the usual ones.")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("name",)
        constraints = (
            models.UniqueConstraint(fields=("owner", "name"), name="savedview_name_once"),
        )

    def __str__(self) -> str:
        return self.name
