"""The figures of an evaluation: what a manager compares from one version to the next."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from agents.evaluation.checks import answers_told, same_answer
from agents.evaluation.run import Result, Talk
from agents.evaluation.wordings import wordings
from agents.understanding.opt_out import is_opt_out


@dataclass(frozen=True, slots=True)
class Share:
    """So many of so many. `value` is None where there was nothing to count."""

    good: int
    of: int

    @property
    def value(self) -> float | None:
        """The share, 0-1."""
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
    appointments: Share
    """Appointments and callbacks that stand at the very time that was agreed."""
    appointments_abroad: Share
    """Those of leads in another zone than the representative's, or near a change of the clocks."""
    turns_to_qualify: float | None
    """Median of the lead's turns until everything required was known."""
    turns: int

    def as_json(self) -> dict[str, Any]:
        """Return the figures as JSON can hold them."""
        data = asdict(self)
        for name, value in data.items():
            if isinstance(getattr(self, name), Share):
                share: Share = getattr(self, name)
                data[name] = {**value, "value": share.value}
        return data


def _share(flags: Sequence[bool]) -> Share:
    return Share(sum(flags), len(flags))


def figures_of(results: Sequence[Result], *, with_wordings: bool = True) -> Figures:
    """Return the figures of an evaluation's results."""
    kinds = Counter(fault.kind for result in results for fault in result.faults)
    by_kind = [{fault.kind for fault in result.faults} for result in results]
    told, understood, right = _answer_counts(results)
    should = [_opts_out(result.talk) for result in results]
    did = [result.talk.world.opted_out for result in results]
    opt_outs = [got for got, wanted in zip(did, should, strict=True) if wanted]
    others = [got for got, wanted in zip(did, should, strict=True) if not wanted]
    if with_wordings:
        opt_outs += [is_opt_out(words) for words in wordings("opt_outs")]
        others += [is_opt_out(words) for words in wordings("not_opt_outs")]
    raised = [
        key in _signal(result.talk, "objections_recovered")
        for result in results
        for key in result.talk.scenario.expect.recovered
        if result.talk.script.objection(key)
    ]
    timed = [
        not {"appointment", "callback"} & kinds_of
        for result, kinds_of in zip(results, by_kind, strict=True)
        if _has_time(result.talk)
    ]
    abroad = [
        not {"appointment", "callback"} & kinds_of
        for result, kinds_of in zip(results, by_kind, strict=True)
        if _has_time(result.talk) and result.talk.scenario.persona == "time_zone"
    ]
    to_qualify = [result.talk.qualified_at for result in results if result.talk.qualified_at]
    return Figures(
        passed=_share([result.passed for result in results]),
        outcomes=_share(["outcome" not in kind for kind in by_kind]),
        answer_precision=Share(right, understood),
        answer_recall=Share(right, told),
        opt_out_recall=_share(opt_outs),
        false_opt_outs=_share(others),
        objections_recovered=_share(raised),
        disclosure_first=_share(["disclosure" not in kind for kind in by_kind]),
        forbidden=kinds["forbidden"],
        appointments=_share(timed),
        appointments_abroad=_share(abroad),
        turns_to_qualify=statistics.median(to_qualify) if to_qualify else None,
        turns=sum(result.talk.lead_turns for result in results),
    )


def _opts_out(talk: Talk) -> bool:
    return talk.scenario.expect.outcome == ("do_not_call",)


def _has_time(talk: Talk) -> bool:
    return bool(talk.scenario.expect.appointment or talk.scenario.expect.callback)


def _signal(talk: Talk, name: str) -> Any:
    return talk.notes.signals.get(name, ()) if talk.notes else ()


def _answer_counts(results: Sequence[Result]) -> tuple[int, int, int]:
    """Return how many answers were told, understood, and understood rightly."""
    told = understood = right = 0
    for result in results:
        wanted = result.talk.scenario.expect.answers
        if wanted is None:
            continue
        slots = {question.slot for question in result.talk.script.questions}
        wanted = {slot: value for slot, value in wanted.items() if slot in slots}
        got = answers_told(result.talk)
        told += len(wanted)
        understood += len(got)
        right += sum(
            1 for slot, value in wanted.items() if slot in got and same_answer(got[slot], value)
        )
    return told, understood, right
