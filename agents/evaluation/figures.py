"""The figures of an evaluation: what a manager compares from one version to the next."""

from __future__ import annotations

import statistics
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cache
from typing import Any

from agents.evaluation.checks import answers_told, same_answer
from agents.evaluation.run import Result, Talk
from agents.evaluation.wordings import wordings
from agents.understanding.opt_out import is_opt_out


@dataclass(frozen=True, slots=True)
class CaseFacts:
    """What the figures need of one scenario's result. Plain values, to be kept as JSON."""

    passed: bool
    faults: tuple[str, ...]
    """Their kinds."""
    told: int
    understood: int
    right: int
    opts_out: bool
    opted_out: bool
    to_recover: int
    recovered: int
    timed: bool
    abroad: bool
    qualified_at: int | None
    turns: int
    heard: Mapping[str, Sequence[int]] = field(default_factory=dict)
    """"answer.price" or "objection.scam" -> told, understood, and understood rightly."""

    @classmethod
    def of(cls, result: Result) -> CaseFacts:
        """Return the facts of a result."""
        talk = result.talk
        expect = talk.scenario.expect
        heard = {**_answers_heard(talk), **_objections_heard(talk)}
        told, understood, right = _sums(
            counts for name, counts in heard.items() if name.startswith("answer.")
        )
        recovered = set(talk.notes.signals.get("objections_recovered", ()) if talk.notes else ())
        wanted = [key for key in expect.recovered if talk.script.objection(key)]
        timed = bool(expect.appointment or expect.callback)
        return cls(
            passed=result.passed,
            faults=tuple(fault.kind for fault in result.faults),
            told=told,
            understood=understood,
            right=right,
            opts_out=expect.outcome == ("do_not_call",),
            opted_out=talk.world.opted_out,
            to_recover=len(wanted),
            recovered=sum(key in recovered for key in wanted),
            timed=timed,
            abroad=timed and talk.scenario.persona == "time_zone",
            qualified_at=talk.qualified_at,
            turns=talk.lead_turns,
            heard=heard,
        )

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> CaseFacts:
        """Return facts that were kept as JSON."""
        heard = {name: tuple(counts) for name, counts in data.get("heard", {}).items()}
        return cls(**{**data, "faults": tuple(data["faults"]), "heard": heard})

    def as_json(self) -> dict[str, Any]:
        """Return the facts as JSON can hold them."""
        return {**asdict(self), "faults": list(self.faults)}


Counts = tuple[int, int, int]
"""How often something was told, understood, and understood rightly."""


def _sums(counts: Iterable[Sequence[int]]) -> Counts:
    told = understood = right = 0
    for each in counts:
        told, understood, right = told + each[0], understood + each[1], right + each[2]
    return told, understood, right


def _answers_heard(talk: Talk) -> dict[str, Counts]:
    wanted = talk.scenario.expect.answers
    if wanted is None:
        return {}
    got = answers_told(talk)
    found: dict[str, Counts] = {}
    for question in talk.script.questions:
        slot = question.slot
        if slot in wanted or slot in got:
            right = slot in wanted and slot in got and same_answer(got[slot], wanted[slot])
            found[f"answer.{slot}"] = (int(slot in wanted), int(slot in got), int(right))
    return found


def _objections_heard(talk: Talk) -> dict[str, Counts]:
    wanted = talk.scenario.expect.objections
    if wanted is None or talk.notes is None:
        return {}
    got = set(talk.notes.signals.get("objections", ()))
    return {
        f"objection.{key}": (int(key in wanted), int(key in got), int(key in wanted and key in got))
        for each in talk.script.objections
        if (key := each.key) in wanted or key in got
    }


@dataclass(frozen=True, slots=True)
class Share:
    """So many of so many."""

    good: int
    of: int

    @property
    def value(self) -> float | None:
        """The share, 0-1; None where there was nothing to count."""
        return self.good / self.of if self.of else None

    def __str__(self) -> str:
        return f"{100 * self.good / self.of:.1f} % ({self.good} of {self.of})" if self.of else "–"


@dataclass(frozen=True, slots=True)
class Heard:
    """How well one answer, or one objection, is understood."""

    kind: str
    """"answer" or "objection"."""
    name: str
    recall: Share
    """Of those told, how many were understood."""
    precision: Share
    """Of those understood, how many were told like that."""


@dataclass(frozen=True, slots=True)
class Figures:
    """All that an evaluation measures."""

    passed: Share
    outcomes: Share
    answer_precision: Share
    """Of the answers that were understood, how many were told like that."""
    answer_recall: Share
    """Of the answers that were told, how many were understood."""
    opt_out_recall: Share
    """Opt-outs heard, in scenarios and in the list of wordings."""
    false_opt_outs: Share
    """Other words that were taken for an opt-out: good is the number of those."""
    objections_recovered: Share
    disclosure_first: Share
    forbidden: int
    """Scenarios in which the agent said what it must not."""
    appointments: Share
    """Appointments and callbacks that stand at the very time that was agreed."""
    appointments_abroad: Share
    """Those of leads in another zone than the representative's, or near a change of the clocks."""
    turns_to_qualify: float | None
    """Median of the lead's turns until everything required was known."""
    turns: int
    heard: tuple[Heard, ...]
    """Every answer and every objection by itself."""

    def as_json(self) -> dict[str, Any]:
        """Return the figures as JSON can hold them."""
        return {name: _as_json(getattr(self, name)) for name in self.__slots__}


def _as_json(value: Any) -> Any:
    match value:
        case Share():
            return {"good": value.good, "of": value.of, "value": value.value}
        case Heard():
            return {
                "kind": value.kind,
                "name": value.name,
                "recall": _as_json(value.recall),
                "precision": _as_json(value.precision),
            }
        case tuple():
            return [_as_json(each) for each in value]
    return value


# What each figure is called, and whether more of it is better.
TITLES: Mapping[str, tuple[str, bool]] = {
    "passed": ("Scenarios passed", True),
    "outcomes": ("Right outcome", True),
    "answer_recall": ("Answers understood", True),
    "answer_precision": ("Answers understood rightly", True),
    "opt_out_recall": ("Opt-outs heard", True),
    "false_opt_outs": ("Taken for an opt-out wrongly", False),
    "objections_recovered": ("Objections overcome", True),
    "disclosure_first": ("Disclosure said first", True),
    "forbidden": ("Said what it must not", False),
    "appointments": ("Times agreed rightly", True),
    "appointments_abroad": ("… across time zones and clock changes", True),
    "turns_to_qualify": ("Turns to qualify (median)", False),
}


def _share(flags: Sequence[bool]) -> Share:
    return Share(sum(flags), len(flags))


@cache
def _heard_in(name: str) -> list[bool]:
    return [is_opt_out(words) for words in wordings(name)]


def figures_of(cases: Sequence[CaseFacts]) -> Figures:
    """Return the figures of an evaluation. Opt-outs are also judged on the list of wordings."""
    opt_outs = [case.opted_out for case in cases if case.opts_out]
    others = [case.opted_out for case in cases if not case.opts_out]
    opt_outs += _heard_in("opt_outs")
    others += _heard_in("not_opt_outs")
    right = sum(case.right for case in cases)
    at_its_time = [
        (case, not {"appointment", "callback"} & set(case.faults)) for case in cases if case.timed
    ]
    to_qualify = [case.qualified_at for case in cases if case.qualified_at]
    return Figures(
        passed=_share([case.passed for case in cases]),
        outcomes=_share(["outcome" not in case.faults for case in cases]),
        answer_precision=Share(right, sum(case.understood for case in cases)),
        answer_recall=Share(right, sum(case.told for case in cases)),
        opt_out_recall=_share(opt_outs),
        false_opt_outs=_share(others),
        objections_recovered=Share(
            sum(case.recovered for case in cases), sum(case.to_recover for case in cases)
        ),
        disclosure_first=_share(["disclosure" not in case.faults for case in cases]),
        forbidden=sum("forbidden" in case.faults for case in cases),
        appointments=_share([ok for _, ok in at_its_time]),
        appointments_abroad=_share([ok for case, ok in at_its_time if case.abroad]),
        turns_to_qualify=statistics.median(to_qualify) if to_qualify else None,
        turns=sum(case.turns for case in cases),
        heard=_heard(cases),
    )


def _heard(cases: Sequence[CaseFacts]) -> tuple[Heard, ...]:
    by_name: defaultdict[str, list[Sequence[int]]] = defaultdict(list)
    for case in cases:
        for name, counts in case.heard.items():
            by_name[name].append(counts)
    found = []
    for name in sorted(by_name):
        told, understood, right = _sums(by_name[name])
        kind, _, what = name.partition(".")
        found.append(Heard(kind, what, Share(right, told), Share(right, understood)))
    return tuple(found)
