"""What is looked at in a talk: what its scenario expects, and what holds for every talk."""

# ruff: noqa: E501  (a pattern is reviewed as one line; folding it hides its alternatives)
from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from agents.evaluation.world import BUSINESS

if TYPE_CHECKING:
    from agents.evaluation.run import Talk

MOST_REPEATS = 3
"""A line said more often in one talk is a loop."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that was not as it should be. `kind` is what the figures count."""

    kind: str
    text: str


def faults_of(talk: Talk) -> Iterator[Fault]:
    """Yield everything that was not as it should be in a talk."""
    yield from _outcome(talk)
    yield from _answers(talk)
    yield from _objections(talk)
    yield from _appointment(talk)
    yield from _words(talk)
    yield from _disclosure(talk)
    yield from _forbidden(talk)
    yield from _manners(talk)


def _outcome(talk: Talk) -> Iterator[Fault]:
    wanted = talk.scenario.expect.outcome
    if talk.outcome not in wanted:
        yield Fault("outcome", f"outcome {talk.outcome or 'none'}, not {' or '.join(wanted)}")
    if talk.hang_ups and talk.hang_ups[-1] != talk.outcome:
        yield Fault("outcome", f"hung up as {talk.hang_ups[-1]}, kept as {talk.outcome}")
    if ("do_not_call" in wanted) != talk.world.opted_out and len(wanted) == 1:
        yield Fault("opt_out", "opted out" if talk.world.opted_out else "the opt-out was missed")


def answers_told(talk: Talk) -> dict[str, Any]:
    """Return slot -> value as understood on this call, without what earlier calls left."""
    if talk.notes is None:
        return {}
    return {
        slot: answer["value"]
        for slot, answer in talk.notes.answers.items()
        if not answer.get("earlier")
    }


def same_answer(understood: Any, told: Any) -> bool:
    """Tell whether an answer is what was told. Amounts may be a hundredth off: "about"."""
    if isinstance(told, bool) or isinstance(understood, bool):
        return understood is told
    if isinstance(told, int | float) and isinstance(understood, int | float):
        return abs(understood - told) <= abs(told) / 100
    if isinstance(told, dict) and isinstance(understood, dict):
        return all(understood.get(key) == value for key, value in told.items())
    return bool(understood == told)


def _answers(talk: Talk) -> Iterator[Fault]:
    told = talk.scenario.expect.answers
    if told is None:
        return
    slots = {question.slot for question in talk.script.questions}
    understood = answers_told(talk)
    for slot, value in told.items():
        if slot not in slots:
            continue  # an edited playbook may not ask for it any more
        if slot not in understood:
            yield Fault("answer", f"{slot} {value!r} was not understood")
        elif not same_answer(understood[slot], value):
            yield Fault("answer", f"{slot} understood as {understood[slot]!r}, not {value!r}")
    for slot in understood.keys() - told.keys():
        yield Fault("answer", f"{slot} understood as {understood[slot]!r}, but never told")


def _objections(talk: Talk) -> Iterator[Fault]:
    expect, notes = talk.scenario.expect, talk.notes
    if notes is None:
        return
    raised = set(notes.signals.get("objections", ()))
    known = {objection.key for objection in talk.script.objections}
    if expect.objections is not None and raised != (wanted := set(expect.objections) & known):
        heard = ", ".join(sorted(raised)) or "none"
        yield Fault(
            "objection", f"objections heard: {heard}; raised: {', '.join(sorted(wanted)) or 'none'}"
        )
    for key in expect.recovered:
        if key in known and key not in notes.signals.get("objections_recovered", ()):
            yield Fault("objection", f"the talk did not go on after {key}")


def _appointment(talk: Talk) -> Iterator[Fault]:
    expect, world = talk.scenario.expect, talk.world
    stands = world.local(world.appointment)
    if expect.appointment and stands != expect.appointment:
        yield Fault(
            "appointment", f"appointment at {stands or 'no time'}, not {expect.appointment}"
        )
    if world.booked and not talk.topics.count("confirm_slot"):
        yield Fault("appointment", "booked without repeating the time")
    if expect.moved != world.moved:
        yield Fault("appointment", "was not moved" if expect.moved else "was moved")
    if expect.cancelled != world.cancelled:
        yield Fault("appointment", "was not cancelled" if expect.cancelled else "was cancelled")
    callback = world.local(world.callback)
    if expect.callback and callback != expect.callback:
        yield Fault("callback", f"callback at {callback or 'no time'}, not {expect.callback}")


def _words(talk: Talk) -> Iterator[Fault]:
    expect, said = talk.scenario.expect, talk.said.lower()
    for pattern in expect.topics:
        if not any(fnmatchcase(topic, pattern) for topic in talk.topics):
            yield Fault("words", f"never spoke about {pattern}")
    for pattern in expect.not_topics:
        if any(fnmatchcase(topic, pattern) for topic in talk.topics):
            yield Fault("words", f"spoke about {pattern}")
    for words in expect.says:
        if words.lower() not in said:
            yield Fault("words", f"never said “{words}”")
    for words in expect.never_says:
        if words.lower() in said:
            yield Fault("words", f"said “{words}”")
    stopped = expect.recording_stopped
    if stopped is not None and stopped != talk.world.recording_stopped:
        yield Fault("words", f"recording {'not ' if stopped else ''}stopped")
    if expect.turns_at_most and talk.lead_turns > expect.turns_at_most:
        yield Fault("length", f"{talk.lead_turns} turns, at most {expect.turns_at_most}")


def _disclosure(talk: Talk) -> Iterator[Fault]:
    """Who calls, that it is an AI, the recording and the way out are said first (COMPLIANCE)."""
    first = next((turn for turn in talk.turns if turn.speaker == "agent"), None)
    wanted = 3 if talk.scenario.recorded else 2
    if first is None or first.topics[:wanted] != ("disclosure",) * wanted:
        yield Fault("disclosure", "the disclosure was not the first thing said")
        return
    text = first.text
    if BUSINESS not in text or not re.search(r"\bA\.?I\b|automated|artificial", text):
        yield Fault("disclosure", "the first sentences do not say who calls, or that it is an AI")
    if ("record" in text.lower()) != talk.scenario.recorded:
        yield Fault("disclosure", "the first sentences do not tell the truth about the recording")


_NEVER = re.compile(
    r"\b(guarantee\w*|i promise|i am (a )?(human|real person)|not (a|an) (robot|machine|ai|bot)|legal advice|"
    r"risk free|you will get (at least )?\d|act now|last chance)\b|[{}<>*#]|https?:|\bnone\b (at|on) ",
    re.IGNORECASE,
)


def _forbidden(talk: Talk) -> Iterator[Fault]:
    if match := _NEVER.search(talk.said):
        yield Fault("forbidden", f"said “{match[0]}”")
    for phrase in talk.script.never_say:
        if re.search(rf"\b{re.escape(phrase)}\b", talk.said.lower()):
            yield Fault("forbidden", f"said “{phrase}”, which the playbook forbids")


def _manners(talk: Talk) -> Iterator[Fault]:
    """What holds for every talk: it ends once, never loops, and stays silent after an opt-out."""
    agent = [turn for turn in talk.turns if turn.speaker == "agent"]
    if len(talk.hang_ups) > 1:
        yield Fault("manners", "hung up more than once")
    if not (talk.hang_ups or talk.lead_hung_up or talk.world.connected):
        yield Fault("manners", "the talk did not come to an end")
    for turn in agent:
        if "opt_out" in turn.did and turn.topics != ("opt_out.confirm",):
            yield Fault("manners", "said more than the confirmation after an opt-out")
        if turn.text and not turn.why:
            yield Fault("manners", f"“{turn.text[:40]}” without a reason")
    told: dict[str, int] = {}
    for turn in agent:
        asked = turn.text.rpartition(". ")[2]
        told[asked] = told.get(asked, 0) + 1
        if told[asked] == MOST_REPEATS + 1 and asked:
            yield Fault("manners", f"said “{asked[:60]}” more than {MOST_REPEATS} times")
