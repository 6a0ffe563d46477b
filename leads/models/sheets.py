"""Google Sheets that are linked to the leads: where, how, how far, and where sides disagree."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models
from django.db.models import Q


class GoogleAccount(models.Model):
    """A user's permission to use their Google Sheets. The token is kept encrypted."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="google_account"
    )
    email = models.EmailField(blank=True, help_text="Of the Google account.")
    refresh_token = models.TextField(help_text="Encrypted with a key made from SECRET_KEY.")
    connected_at = models.DateTimeField(auto_now_add=True)
    refused_at = models.DateTimeField(
        null=True, blank=True, help_text="Google no longer accepts it: connect again."
    )

    class Meta:
        ordering = ("user",)
        verbose_name = "Google account"

    def __str__(self) -> str:
        return self.email or f"Google account of {self.user}"


class SheetLink(models.Model):
    """One tab of a spreadsheet. `cursor` makes a pass resumable: the last row that is done."""

    class Direction(models.TextChoices):
        IN = "in", "Contacts in"
        OUT = "out", "Results out"
        BOTH = "both", "Contacts in, results out"

    class State(models.TextChoices):
        DRAFT = "draft", "Choose columns"
        ACTIVE = "active", "Active"
        PAUSED = "paused", "Paused"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    spreadsheet_id = models.CharField(max_length=120)
    title = models.CharField(max_length=200)
    tab_id = models.BigIntegerField(default=0, help_text="The tab's own id: it may be renamed.")
    tab_title = models.CharField(max_length=120, blank=True)
    account = models.ForeignKey(
        GoogleAccount,
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="links",
        help_text="Empty: the service account.",
    )
    direction = models.CharField(max_length=4, choices=Direction.choices, default=Direction.IN)
    columns = models.JSONField(
        default=list, help_text="Of each column: its name, the field, and whose word counts."
    )
    source = models.CharField(max_length=80, help_text="Where its leads come from.")
    adds_leads = models.BooleanField(
        default=False, help_text="Leads of the source that are not in the sheet are added to it."
    )
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
        help_text="Who looks after it.",
    )
    every_minutes = models.PositiveIntegerField(default=15)
    state = models.CharField(max_length=8, choices=State.choices, default=State.DRAFT)
    next_sync_at = models.DateTimeField(null=True, blank=True)
    run = models.PositiveIntegerField(default=0, help_text="Number of the pass.")
    cursor = models.PositiveIntegerField(default=0, help_text="Row up to which the pass is done.")
    running = models.BooleanField(default=False)
    held_until = models.DateTimeField(
        null=True, blank=True, help_text="One process at a time works on it."
    )
    began_at = models.DateTimeField(null=True, blank=True)
    counts = models.JSONField(default=dict, help_text="Of the pass that is going on.")
    remarks = models.JSONField(default=list, help_text="Row and what is wrong with it.")
    last_counts = models.JSONField(default=dict)
    last_remarks = models.JSONField(default=list)
    last_sync_at = models.DateTimeField(null=True, blank=True)
    error = models.CharField(max_length=300, blank=True)
    failures = models.PositiveIntegerField(default=0, help_text="In a row.")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("title", "tab_title")
        verbose_name = "linked sheet"
        constraints = (
            models.UniqueConstraint(
                fields=("spreadsheet_id", "tab_id"),
                condition=~Q(state="draft"),
                name="sheetlink_tab_once",
            ),
            models.CheckConstraint(condition=Q(every_minutes__gte=1), name="sheetlink_a_minute"),
        )
        indexes = (
            models.Index(
                fields=("next_sync_at",), condition=Q(state="active"), name="sheetlink_due"
            ),
        )

    def __str__(self) -> str:
        return f"{self.title} / {self.tab_title}" if self.tab_title else self.title

    @property
    def url(self) -> str:
        """Address of the tab in Google Sheets."""
        return (
            f"https://docs.google.com/spreadsheets/d/{self.spreadsheet_id}/edit#gid={self.tab_id}"
        )


class SheetRow(models.Model):
    """A lead's row of a sheet, and what both sides last agreed on: the base of the next merge."""

    id = models.BigAutoField(primary_key=True)
    link = models.ForeignKey(SheetLink, on_delete=models.CASCADE, related_name="rows")
    lead = models.ForeignKey("leads.Lead", on_delete=models.CASCADE, related_name="sheet_rows")
    number = models.PositiveIntegerField(help_text="Row, when it was last seen.")
    agreed = models.JSONField(default=dict, help_text="Column: text.")
    seen_run = models.PositiveIntegerField(default=0)

    class Meta:
        ordering = ("link", "number")
        constraints = (models.UniqueConstraint(fields=("link", "lead"), name="sheetrow_once"),)
        indexes = (models.Index(fields=("link", "seen_run"), name="sheetrow_seen"),)

    def __str__(self) -> str:
        return f"Row {self.number}"


class SheetConflict(models.Model):
    """A cell that was changed on both sides since they last agreed, and what became of it."""

    class Choice(models.TextChoices):
        OPEN = "", "To be decided"
        OURS = "ours", "Ours was kept"
        THEIRS = "theirs", "The sheet's was taken"
        AGREED = "agreed", "Both say the same now"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    link = models.ForeignKey(SheetLink, on_delete=models.CASCADE, related_name="conflicts")
    lead = models.ForeignKey("leads.Lead", on_delete=models.CASCADE, related_name="sheet_conflicts")
    number = models.PositiveIntegerField(help_text="Row of the sheet.")
    column = models.CharField(max_length=200)
    field = models.CharField(max_length=40)
    ours = models.TextField(blank=True)
    theirs = models.TextField(blank=True)
    choice = models.CharField(max_length=8, choices=Choice.choices, blank=True)
    by_rule = models.BooleanField(default=False, help_text="Decided by the column's setting.")
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)
    decided_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("-created_at",)
        verbose_name = "conflict"
        indexes = (models.Index(fields=("link", "choice"), name="sheetconflict_open"),)

    def __str__(self) -> str:
        return f"{self.column} of row {self.number}"


class ApiQuota(models.Model):
    """When the next request of a quota may be sent: one row that every process moves on.

    `spent_until` is the theoretical arrival time of the generic cell rate algorithm.
    """

    key = models.CharField(max_length=200, primary_key=True)
    spent_until = models.DateTimeField()

    def __str__(self) -> str:
        return self.key
