"""The life of a call as a state machine, and what follows from its end. Pure.

    created -> dialing -> ringing -> in_progress -> completed
                  |          |            |
                  |          +------------+--> no_answer | busy | failed | canceled
                  +-> unconfirmed (the answer to `POST /Calls` was lost) -> any later state

`created` means that the carrier has surely not heard of the call: the row becomes `dialing`
before the request leaves. `unconfirmed` is never dialled again; a webhook or the carrier's own
list decides. A final state never changes, whatever arrives late.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

# Later states have higher ranks; a call only ever climbs. All final states share the top.
_RANK = {
    "created": 0,
    "dialing": 1,
    "unconfirmed": 1,
    "ringing": 2,
    "in_progress": 3,
    "completed": 4,
    "no_answer": 4,
    "busy": 4,
    "failed": 4,
    "canceled": 4,
}
_FINAL_RANK = 4

# CallStatus values: https://www.twilio.com/docs/voice/api/call-resource#call-status-values
_STATE_OF_STATUS = {
    "queued": "dialing",
    "initiated": "dialing",
    "ringing": "ringing",
    "in-progress": "in_progress",
    "answered": "in_progress",
    "completed": "completed",
    "no-answer": "no_answer",
    "busy": "busy",
    "failed": "failed",
    "canceled": "canceled",
}

_DONE = frozenset({"appointment", "qualified", "not_interested", "transferred", "language"})
_STOPPED = frozenset({"do_not_call", "wrong_number"})


def state_of(carrier_status: str) -> str | None:
    """Return our state for the carrier's CallStatus; `None` for one we do not know."""
    return _STATE_OF_STATUS.get(carrier_status)


def is_final(state: str) -> bool:
    """Whether nothing comes after this state."""
    return _RANK[state] == _FINAL_RANK


def may_become(current: str, new: str) -> bool:
    """Whether a call may go from one state to another: only forward, and never out of a final one.

    `dialing` may become `unconfirmed` and the other way round: the answer was lost, or found.
    """
    if is_final(current) or current == new:
        return False
    if {current, new} == {"dialing", "unconfirmed"}:
        return True
    return _RANK[new] > _RANK[current]


@dataclass(frozen=True, slots=True)
class EndFacts:
    """What is known of a call that has ended."""

    state: str
    said: str
    """The outcome that the conversation gave; "" for none."""
    answered_by: str
    """The carrier's AnsweredBy."""
    end_reason: str
    stream_started: bool
    voice_closed: bool
    """Whether the process that held the call lived to its end."""


def outcome_of(facts: EndFacts) -> str:
    """Return the outcome of an ended call: what people said first, then what the line did."""
    if facts.said:
        return facts.said
    if facts.state in {"no_answer", "busy", "failed", "canceled"}:
        return facts.state
    if facts.answered_by.startswith(("machine", "fax")):
        return "voicemail"
    if not facts.stream_started:
        # Answered, but nobody of ours ever spoke.
        return "abandoned"
    left = facts.voice_closed and facts.end_reason in FAR_END_REASONS
    return "hung_up" if left else "incomplete"


FAR_END_REASONS = frozenset({"far_end", "lead_hung_up", "stream_stopped"})
"""Values of `Call.end_reason` that mean: the other side ended it."""


@dataclass(frozen=True, slots=True)
class NextStep:
    """What becomes of an enrolment. `due_at` is set when the lead is to be called again.

    `promised`: at a time that was agreed on.
    """

    state: str
    due_at: datetime | None = None
    promised: bool = False


def next_step(
    outcome: str,
    *,
    lead_spoke: bool,
    attempts: int,
    max_attempts: int,
    again_at: datetime | None,
    callback_at: datetime | None,
    now: datetime,
) -> NextStep:
    """Return whether and when the lead is called again after a call with this outcome.

    A talk that broke off is not repeated by itself: somebody who spoke with us is not surprised
    by a second call, a person looks first. A call that was promised for a time is made, however
    many were made before.

    Args:
        again_at: when the campaign's cadence would call again; None if it would not.
        callback_at: when the lead asked to be called.
    """
    if outcome in _STOPPED:
        return NextStep("stopped")
    if outcome == "callback" and callback_at is not None:
        return NextStep("waiting", max(callback_at, now), promised=True)
    if outcome in _DONE:
        return NextStep("done")
    if outcome in {"hung_up", "incomplete"} and lead_spoke:
        return NextStep("done")
    if attempts >= max_attempts or again_at is None:
        return NextStep("done")
    return NextStep("waiting", again_at)


def stage_for(outcome: str) -> str:
    """Return the stage that an outcome brings a lead to; leads decide whether it may move there."""
    if outcome in {"not_interested", "do_not_call", "wrong_number"}:
        return "lost"
    return {
        "appointment": "appointment",
        "qualified": "qualified",
        "transferred": "qualified",
        "callback": "contacted",
        "hung_up": "contacted",
        "incomplete": "contacted",
        "language": "contacted",
    }.get(outcome, "attempted")
