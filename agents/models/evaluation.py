"""Evaluations: a version of a playbook, talked with by every simulated lead."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models


class Evaluation(models.Model):
    """One run of the scenarios on one version. `figures` come when it is done."""

    class State(models.TextChoices):
        WAITING = "waiting", "Waiting"
        RUNNING = "running", "Running"
        DONE = "done", "Done"
        FAILED = "failed", "Failed"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    version = models.ForeignKey(
        "agents.PlaybookVersion", on_delete=models.CASCADE, related_name="evaluations"
    )
    state = models.CharField(max_length=10, choices=State.choices, default=State.WAITING)
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    scenarios = models.PositiveIntegerField(default=0, help_text="How many there are to run.")
    passed = models.PositiveIntegerField(default=0)
    failed = models.PositiveIntegerField(default=0)
    figures = models.JSONField(default=dict, blank=True)
    error = models.CharField(max_length=300, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("-created_at",)
        indexes = (models.Index(fields=("version", "-created_at"), name="evaluation_of_version"),)

    def __str__(self) -> str:
        return f"Evaluation of {self.version}"

    @property
    def done_count(self) -> int:
        """How many scenarios have been run."""
        return self.passed + self.failed

    @property
    def is_over(self) -> bool:
        """Whether nothing more will come."""
        return self.state in (self.State.DONE, self.State.FAILED)


class EvaluationCase(models.Model):
    """One scenario's verdict, with what was said. Leads are simulated: nobody's words are kept."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    evaluation = models.ForeignKey(Evaluation, on_delete=models.CASCADE, related_name="cases")
    scenario = models.CharField(max_length=80)
    persona = models.CharField(max_length=30)
    about = models.CharField(max_length=300)
    passed = models.BooleanField()
    faults = models.JSONField(default=list, blank=True)
    outcome = models.CharField(max_length=16, blank=True)
    turns = models.PositiveIntegerField(default=0)
    answers = models.JSONField(default=dict, blank=True)
    transcript = models.JSONField(default=list, blank=True)
    facts = models.JSONField(default=dict, blank=True, help_text="What the figures are made of.")

    class Meta:
        ordering = ("evaluation", "passed", "scenario")
        constraints = (
            models.UniqueConstraint(fields=("evaluation", "scenario"), name="evaluation_case_once"),
        )

    def __str__(self) -> str:
        return self.scenario
