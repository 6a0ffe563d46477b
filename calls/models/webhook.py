"""Addresses of other systems that hear of what happens, and what was sent to them."""

from __future__ import annotations

import uuid

from django.db import models
from django.db.models import Q


class WebhookEndpoint(models.Model):
    """Where events are sent. Its secret signs them, and is shown only when it is made."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(max_length=80, help_text="What is behind it, such as “Our CRM”.")
    url = models.URLField(
        "address", max_length=500, help_text="https://… of the system that is to hear of events."
    )
    host = models.CharField(max_length=255, editable=False)
    events = models.JSONField(default=list, help_text="Names of the events it hears of.")
    active = models.BooleanField(default=True)
    switched_off_because = models.CharField(max_length=200, blank=True, editable=False)
    sealed_secret = models.TextField(editable=False)
    sealed_secret_before = models.TextField(blank=True, editable=False)
    before_until = models.DateTimeField(
        null=True, editable=False, help_text="Until then the secret before signs too."
    )
    failures = models.PositiveIntegerField(
        default=0, editable=False, help_text="Attempts that its host has failed in a row."
    )
    rests_until = models.DateTimeField(
        null=True, editable=False, help_text="Nothing is sent to its host before."
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("name",)
        verbose_name = "webhook"
        indexes = (models.Index(fields=("host",), name="webhook_host"),)

    def __str__(self) -> str:
        return self.name


class WebhookDelivery(models.Model):
    """One event for one endpoint: what is sent, and what came of it. It holds no personal data."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    endpoint = models.ForeignKey(
        WebhookEndpoint, on_delete=models.CASCADE, related_name="deliveries"
    )
    event = models.CharField(max_length=40)
    key = models.CharField(max_length=120, help_text="Names what happened: it is sent once.")
    message_id = models.CharField(
        max_length=40, help_text="The webhook-id; the same at every attempt and endpoint."
    )
    body = models.TextField(help_text="As it is sent: JSON.")
    job = models.ForeignKey(
        "calls.OutboxItem", null=True, on_delete=models.SET_NULL, related_name="+"
    )
    attempts = models.PositiveIntegerField(default=0)
    attempted_at = models.DateTimeField(null=True, blank=True)
    delivered_at = models.DateTimeField(null=True, blank=True)
    status_code = models.PositiveSmallIntegerField(
        null=True, blank=True, help_text="What the last attempt was answered with."
    )
    problem = models.CharField(max_length=200, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("-created_at",)
        verbose_name_plural = "webhook deliveries"
        constraints = (
            models.UniqueConstraint(fields=("endpoint", "key"), name="webhook_event_once"),
            models.CheckConstraint(condition=~Q(body=""), name="webhook_has_body"),
        )
        indexes = (
            models.Index(fields=("endpoint", "-created_at"), name="webhook_endpoint_created"),
            models.Index(fields=("created_at",), name="webhook_created"),
        )

    def __str__(self) -> str:
        return f"{self.event} {self.message_id}"
