"""Playbooks: what the agent says, asks and answers, in versions that calls can rely on."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models
from django.db.models import Q

from leads.models import Lead


class Playbook(models.Model):
    """A script for one kind of lead. What it says is in its versions."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(max_length=120, unique=True)
    lead_kind = models.CharField(max_length=12, choices=Lead.Kind.choices)
    description = models.TextField(blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ("name",)
        permissions = (("try_playbook", "Can talk with a playbook's agent"),)

    def __str__(self) -> str:
        return self.name


class PlaybookVersion(models.Model):
    """One state of a playbook's script. Its words never change: a call keeps the version it began
    with. A version is a draft until it is published; calls begin with the one published last.

    `script` is validated by `agents.playbook.Script`.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    playbook = models.ForeignKey(Playbook, on_delete=models.CASCADE, related_name="versions")
    number = models.PositiveIntegerField()
    script = models.JSONField()
    note = models.CharField(max_length=200, blank=True, help_text="What changed, and why.")
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)
    published_at = models.DateTimeField(
        null=True, blank=True, help_text="When it went live last. A draft has none."
    )

    class Meta:
        ordering = ("playbook", "-number")
        indexes = (models.Index(fields=("playbook", "-published_at"), name="playbook_live"),)
        constraints = (
            models.UniqueConstraint(fields=("playbook", "number"), name="playbook_version_once"),
            models.CheckConstraint(condition=Q(number__gte=1), name="playbook_version_from_1"),
        )

    def __str__(self) -> str:
        return f"{self.playbook} v{self.number}"

    @property
    def is_draft(self) -> bool:
        """Whether no call has ever been allowed to begin with it."""
        return self.published_at is None
