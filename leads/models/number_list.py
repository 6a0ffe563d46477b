"""Files of telephone numbers on their way in, and what outside lists say of numbers."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models
from django.db.models import Q
from phonenumber_field.modelfields import PhoneNumberField


class NumberList(models.Model):
    """One uploaded file of numbers, and how far it has been read.

    `cursor` is a position in the file in bytes; with it every chunk is resumable.
    """

    class Purpose(models.TextChoices):
        DO_NOT_CALL = "do_not_call", "Put on our do-not-call list"
        NATIONAL = "national", "National Do Not Call Registry"
        REASSIGNED = "reassigned", "Reassigned Numbers Database"

    class State(models.TextChoices):
        WORKING = "working", "Being read"
        DONE = "done", "Done"
        FAILED = "failed", "Cannot be read"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    purpose = models.CharField(max_length=12, choices=Purpose.choices)
    file = models.FileField(upload_to="number-lists/", max_length=200, blank=True)
    file_name = models.CharField(max_length=200)
    made_on = models.DateField(help_text="The day of which the list is.")
    state = models.CharField(max_length=8, choices=State.choices, default=State.WORKING)
    encoding = models.CharField(max_length=20, blank=True)
    delimiter = models.CharField(max_length=1, blank=True)
    columns = models.JSONField(default=dict, help_text="Which column holds what.")
    size = models.PositiveBigIntegerField(default=0, help_text="Bytes.")
    cursor = models.PositiveBigIntegerField(default=0, help_text="Bytes read.")
    rows = models.PositiveBigIntegerField(default=0)
    counts = models.JSONField(default=dict)
    remarks = models.JSONField(default=list, help_text="The first rows that were left out, why.")
    error = models.CharField(max_length=300, blank=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)
    moved_at = models.DateTimeField(null=True, blank=True)
    done_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("-created_at",)
        verbose_name = "list of numbers"
        verbose_name_plural = "lists of numbers"

    def __str__(self) -> str:
        return self.file_name


class RegistryArea(models.Model):
    """An area code of the National Do Not Call Registry, and the list that holds for it."""

    area_code = models.PositiveSmallIntegerField(primary_key=True)
    list = models.ForeignKey(NumberList, on_delete=models.PROTECT, related_name="areas")
    made_on = models.DateField()
    numbers = models.PositiveIntegerField(default=0)

    class Meta:
        ordering = ("area_code",)
        verbose_name = "area code of the registry"
        verbose_name_plural = "area codes of the registry"
        constraints = (
            models.CheckConstraint(condition=Q(area_code__range=(200, 999)), name="area_code_3"),
        )

    def __str__(self) -> str:
        return str(self.area_code)


class RegistryBlock(models.Model):
    """Which of the ten thousand numbers of an exchange (212-555) a list has: one bit for each."""

    id = models.BigAutoField(primary_key=True)
    list = models.ForeignKey(NumberList, on_delete=models.CASCADE, related_name="blocks")
    exchange = models.PositiveIntegerField(help_text="Area code and exchange, six digits.")
    listed = models.BinaryField(max_length=1250)

    class Meta:
        ordering = ("exchange",)
        constraints = (models.UniqueConstraint(fields=("list", "exchange"), name="block_once"),)

    def __str__(self) -> str:
        return str(self.exchange)


class ReassignedCheck(models.Model):
    """The newest answer of the Reassigned Numbers Database for a number."""

    id = models.BigAutoField(primary_key=True)
    phone = PhoneNumberField(unique=True)
    checked_on = models.DateField()
    reassigned = models.BooleanField()

    class Meta:
        ordering = ("-checked_on",)

    def __str__(self) -> str:
        return str(self.phone)
