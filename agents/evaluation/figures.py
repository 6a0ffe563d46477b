"""The figures of an evaluation: what a manager compares from one version to the next."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
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

    @classmethod
    def of(cls, result: Result) -> CaseFacts:
        """Return the facts of a result."""
        talk = result.talk
        expect = talk.scenario.expect
        told, understood, right = _answer_counts(talk)
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
        )

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> CaseFacts:
        """Return facts that were kept as JSON."""
        return cls(**{**data, "faults": tuple(data["faults"])})

    def as_json(self) -> dict[str, Any]:
        """Return the facts as JSON can hold them."""
        return {**asdict(self), "faults": list(self.faults)}


def _answer_counts(talk: Talk) -> tuple[int, int, int]:
    """Return how many answers were told, understood, and understood rightly."""
    wanted = talk.scenario.expect.answers
    if wanted is None:
        return 0, 0, 0
    slots = {question.slot for question in talk.script.questions}
    wanted = {slot: value for slot, value in wanted.items() if slot in slots}
    got = answers_told(talk)
    right = sum(slot in got and same_answer(got[slot], value) for slot, value in wanted.items())
    return len(wanted), len(got), right


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

    def as_json(self) -> dict[str, Any]:
        """Return the figures as JSON can hold them."""
        return {
            name: {"good": value.good, "of": value.of, "value": value.value}
            if isinstance(value := getattr(self, name), Share)
            else value
            for name in self.__slots__
        }


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
    )
