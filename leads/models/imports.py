"""Files of leads on their way in: the batch, its rows, and how each source names its columns."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models

from leads.models.timeline import TimelineEntry


class ImportBatch(models.Model):
    """One uploaded file, and how far it has come. `cursor` is what makes every phase resumable."""

    class State(models.TextChoices):
        UPLOADED = "uploaded", "Choose columns"
        CHECKING = "checking", "Checking"
        CHECKED = "checked", "Ready to commit"
        COMMITTING = "committing", "Committing"
        COMMITTED = "committed", "Committed"
        UNDOING = "undoing", "Being undone"
        UNDONE = "undone", "Undone"
        FAILED = "failed", "Cannot be read"

    class OnExisting(models.TextChoices):
        FILL = "fill", "Fill in what is missing"
        OVERWRITE = "overwrite", "Replace with what the file says"
        SKIP = "skip", "Leave as they are"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    file = models.FileField(upload_to="imports/", max_length=200)
    file_name = models.CharField(max_length=200)
    source = models.CharField(max_length=80, help_text="Where the leads come from.")
    state = models.CharField(max_length=12, choices=State.choices, default=State.UPLOADED)
    on_existing = models.CharField(
        max_length=10, choices=OnExisting.choices, default=OnExisting.FILL
    )
    format = models.CharField(max_length=40, help_text="What the file turned out to be.")
    encoding = models.CharField(max_length=20, blank=True)
    delimiter = models.CharField(max_length=1, blank=True)
    has_header = models.BooleanField(default=True)
    columns = models.JSONField(default=list)
    samples = models.JSONField(default=list)
    mapping = models.JSONField(default=list, help_text="A field for each column, or nothing.")
    total_rows = models.PositiveIntegerField(default=0)
    cursor = models.PositiveIntegerField(default=0, help_text="The last row of the phase done.")
    done_rows = models.PositiveIntegerField(default=0)
    counts = models.JSONField(default=dict)
    run = models.PositiveIntegerField(default=0, help_text="How often a phase was begun.")
    error = models.CharField(max_length=300, blank=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)
    moved_at = models.DateTimeField(null=True, blank=True, help_text="When a chunk was last done.")
    committed_at = models.DateTimeField(null=True, blank=True)
    undone_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("-created_at",)
        verbose_name = "import"

    def __str__(self) -> str:
        return self.file_name

    @property
    def entry_kind(self) -> str:
        """The kind of line that it writes in a lead's timeline."""
        return TimelineEntry.Kind.IMPORT


class ImportRow(models.Model):
    """One row of a file: what it says, what is to be done with it, and what was done.

    `lead_id` is no foreign key: until the commit there is no such lead, and after a merge or an
    erasure the row must not hold on to anybody.
    """

    class Verdict(models.TextChoices):
        NEW = "new", "New"
        UPDATE = "update", "Update"
        DUPLICATE = "duplicate", "Duplicate"
        INVALID = "invalid", "Invalid"

    id = models.BigAutoField(primary_key=True)
    batch = models.ForeignKey(ImportBatch, on_delete=models.CASCADE, related_name="rows")
    number = models.PositiveIntegerField(help_text="Row of the file, the header being the first.")
    verdict = models.CharField(max_length=10, choices=Verdict.choices)
    reason = models.CharField(max_length=300, blank=True)
    phone = models.CharField(max_length=20, blank=True)
    values = models.JSONField(default=dict)
    lead_id = models.UUIDField(null=True, blank=True)
    changes = models.JSONField(default=dict, help_text="Field: value before, value after.")

    class Meta:
        ordering = ("batch", "number")
        constraints = (models.UniqueConstraint(fields=("batch", "number"), name="importrow_once"),)
        indexes = (
            models.Index(fields=("batch", "phone"), name="importrow_batch_phone"),
            models.Index(fields=("batch", "verdict", "number"), name="importrow_verdict"),
        )

    def __str__(self) -> str:
        return f"Row {self.number}"


class ImportMapping(models.Model):
    """How the files of a source name their columns, remembered from the last time."""

    source = models.CharField(max_length=80, primary_key=True)
    fields = models.JSONField(default=dict, help_text="Column name: field.")
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ("source",)

    def __str__(self) -> str:
        return self.source
