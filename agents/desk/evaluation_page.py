"""What the page of an evaluation shows: its figures beside the last one's, and every talk."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from agents.evaluation.figures import TITLES
from agents.models import Evaluation, EvaluationCase

ALMOST: Final = 0.0005


@dataclass(frozen=True, slots=True)
class FigureRow:
    """One figure: as it is, as it was, and whether it has become better or worse."""

    title: str
    value: str
    count: str
    before: str
    trend: str
    """"better", "worse" or "" for neither."""


@dataclass(frozen=True, slots=True)
class HeardRow:
    """How well one answer or objection is understood."""

    kind: str
    name: str
    recall: str
    recall_count: str
    precision: str
    precision_count: str


@dataclass(frozen=True, slots=True)
class EvaluationPage:
    """Everything on the page."""

    evaluation: Evaluation
    previous: Evaluation | None
    figures: list[FigureRow]
    heard: list[HeardRow]
    failed: list[EvaluationCase]
    passed: list[EvaluationCase]
    newly_failed: list[str]
    newly_passed: list[str]


def evaluation_page(evaluation: Evaluation) -> EvaluationPage:
    """Return the page of an evaluation. Four queries."""
    previous = evaluation_before(evaluation)
    cases = list(evaluation.cases.order_by("scenario"))
    were = dict(previous.cases.values_list("scenario", "passed")) if previous else {}
    return EvaluationPage(
        evaluation=evaluation,
        previous=previous,
        figures=_rows(evaluation.figures, previous.figures if previous else {}),
        heard=_heard_rows(evaluation.figures),
        failed=[case for case in cases if not case.passed],
        passed=[case for case in cases if case.passed],
        newly_failed=[
            case.scenario for case in cases if not case.passed and were.get(case.scenario) is True
        ],
        newly_passed=[
            case.scenario for case in cases if case.passed and were.get(case.scenario) is False
        ],
    )


def evaluation_before(evaluation: Evaluation) -> Evaluation | None:
    """Return the last evaluation of the same playbook that was done before this one."""
    return (
        Evaluation.objects.filter(
            version__playbook_id=evaluation.version.playbook_id,
            state=Evaluation.State.DONE,
            created_at__lt=evaluation.created_at,
        )
        .select_related("version__playbook")
        .order_by("-created_at")
        .first()
    )


def progress(evaluation: Evaluation) -> dict[str, Any]:
    """Return how far an evaluation is, for the page that waits for it."""
    total = max(evaluation.scenarios, 1)
    return {
        "over": evaluation.is_over,
        "percent": min(100, evaluation.done_count * 100 // total),
        "words": f"{evaluation.done_count} of {evaluation.scenarios} talks, "
        f"{evaluation.failed} failed",
    }


def _rows(now: Mapping[str, Any], before: Mapping[str, Any]) -> list[FigureRow]:
    return [
        FigureRow(
            title=title,
            value=_shown(now[name]),
            count=_count(now[name]),
            before=_shown(before.get(name)),
            trend=_trend(_number(now[name]), _number(before.get(name)), more_is_better),
        )
        for name, (title, more_is_better) in TITLES.items()
        if name in now
    ]


def _heard_rows(now: Mapping[str, Any]) -> list[HeardRow]:
    return [
        HeardRow(
            kind=each["kind"],
            name=each["name"],
            recall=_shown(each["recall"]),
            recall_count=_count(each["recall"]),
            precision=_shown(each["precision"]),
            precision_count=_count(each["precision"]),
        )
        for each in now.get("heard", ())
    ]


def _number(value: Any) -> float | None:
    if isinstance(value, Mapping):
        value = value.get("value")
    return None if value is None else float(value)


def _shown(value: Any) -> str:
    if isinstance(value, Mapping):
        if value.get("value") is None:
            return "–"
        return f"{100 * value['value']:.1f} %"
    return "–" if value is None else f"{value:g}"


def _count(value: Any) -> str:
    if isinstance(value, Mapping) and value.get("of"):
        return f"{value['good']:,} of {value['of']:,}"
    return ""


def _trend(now: float | None, before: float | None, more_is_better: bool) -> str:
    if now is None or before is None or abs(now - before) < ALMOST:
        return ""
    return "better" if (now > before) == more_is_better else "worse"
