"""Run evaluations in the background, a few scenarios at a time, and keep what came of them."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any
from uuid import UUID

import structlog
from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser
from django.db import transaction
from django.utils import timezone
from django.utils.module_loading import import_string

from agents.evaluation.checks import answers_told
from agents.evaluation.choosing import family_of, scenarios_for
from agents.evaluation.figures import CaseFacts, figures_of
from agents.evaluation.run import Result, evaluate, transcript_of
from agents.models import Evaluation, EvaluationCase, PlaybookVersion
from agents.selectors import playbook_script

logger = structlog.get_logger(__name__)


@transaction.atomic
def evaluation_start(*, version_id: UUID, author: AbstractBaseUser | None = None) -> Evaluation:
    """Have a version talked with by every simulated lead, soon. One that still runs is returned.

    Raises:
        PlaybookVersion.DoesNotExist: there is no such version.
    """
    version = PlaybookVersion.objects.select_for_update().get(pk=version_id)
    running = version.evaluations.filter(
        state__in=(Evaluation.State.WAITING, Evaluation.State.RUNNING)
    ).first()
    if running is not None:
        return running
    family = family_of(playbook_script(version))
    evaluation = Evaluation.objects.create(
        version=version,
        author_id=author.pk if author else None,
        scenarios=len(scenarios_for(family)),
    )
    # The outbox lies above this app, which therefore asks the settings where it is.
    outbox_add: Any = import_string(settings.OUTBOX_ADD)
    outbox_add(
        kind="evaluation",
        key=f"evaluation:{evaluation.pk}",
        payload={"evaluation": str(evaluation.pk)},
        due_at=timezone.now(),
    )
    return evaluation


def evaluation_step(*, evaluation_id: UUID, seconds: float) -> bool:
    """Run scenarios for about that many seconds. True while there are more.

    Safe to run twice: a scenario that has its verdict is not run again.
    """
    evaluation = Evaluation.objects.select_related("version__playbook").get(pk=evaluation_id)
    if evaluation.is_over:
        return False
    try:
        script = playbook_script(evaluation.version)
        scenarios = scenarios_for(family_of(script))
        known = set(evaluation.cases.values_list("scenario", flat=True))
        began = time.monotonic()
        waiting = [scenario for scenario in scenarios if scenario.name not in known]
        for number, scenario in enumerate(waiting, 1):
            (result,) = evaluate([(scenario, script)])
            case_record(evaluation_id=evaluation.pk, result=result)
            if number < len(waiting) and time.monotonic() - began > seconds:
                return True
    except Exception as error:
        Evaluation.objects.filter(pk=evaluation.pk).update(
            state=Evaluation.State.FAILED,
            error=f"{type(error).__name__}: {error}"[:300],
            finished_at=timezone.now(),
        )
        logger.exception("evaluation_failed", evaluation_id=str(evaluation.pk))
        return False
    evaluation_finish(evaluation_id=evaluation.pk)
    return False


@transaction.atomic
def case_record(*, evaluation_id: UUID, result: Result) -> None:
    """Keep a scenario's verdict. Safe to run twice."""
    talk = result.talk
    _, made = EvaluationCase.objects.get_or_create(
        evaluation_id=evaluation_id,
        scenario=talk.scenario.name,
        defaults={
            "persona": talk.scenario.persona,
            "about": talk.scenario.about[:300],
            "passed": result.passed,
            "faults": [fault.text for fault in result.faults],
            "outcome": talk.outcome,
            "turns": talk.lead_turns,
            "answers": answers_told(talk),
            "transcript": transcript_of(talk),
            "facts": CaseFacts.of(result).as_json(),
        },
    )
    if made:
        _counts_update(evaluation_id)


def _counts_update(evaluation_id: UUID) -> None:
    cases = EvaluationCase.objects.filter(evaluation_id=evaluation_id)
    Evaluation.objects.filter(pk=evaluation_id).update(
        state=Evaluation.State.RUNNING,
        passed=cases.filter(passed=True).count(),
        failed=cases.filter(passed=False).count(),
    )


def evaluation_finish(*, evaluation_id: UUID) -> None:
    """Work the figures out of the verdicts."""
    cases = EvaluationCase.objects.filter(evaluation_id=evaluation_id)
    facts = [CaseFacts.from_json(data) for data in cases.values_list("facts", flat=True)]
    _counts_update(evaluation_id)
    Evaluation.objects.filter(pk=evaluation_id).update(
        state=Evaluation.State.DONE,
        figures=figures_of(facts).as_json(),
        finished_at=timezone.now(),
    )


@transaction.atomic
def evaluation_record(*, version_id: UUID, results: Sequence[Result]) -> Evaluation:
    """Keep an evaluation that was run elsewhere, such as by the command."""
    evaluation = Evaluation.objects.create(version_id=version_id, scenarios=len(results))
    for result in results:
        case_record(evaluation_id=evaluation.pk, result=result)
    evaluation_finish(evaluation_id=evaluation.pk)
    evaluation.refresh_from_db()
    return evaluation
