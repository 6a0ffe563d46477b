"""Webhooks of the carrier, each kept once, however often and in whatever order they come."""

from __future__ import annotations

import uuid

from django.db import models


class CarrierEvent(models.Model):
    """One webhook as it came. `key` names the event, so that a repeat is recognised."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    call = models.ForeignKey("calls.Call", on_delete=models.CASCADE, related_name="carrier_events")
    kind = models.CharField(max_length=20)
    key = models.CharField(max_length=120)
    payload = models.JSONField(default=dict)
    received_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("received_at",)
        constraints = (
            models.UniqueConstraint(fields=("call", "kind", "key"), name="carrier_event_once"),
        )

    def __str__(self) -> str:
        return f"{self.kind} {self.key}"
