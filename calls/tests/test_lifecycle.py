"""The state machine of a call and what follows from its end."""

from __future__ import annotations

from datetime import timedelta
from itertools import product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calls.models import Call, Outcome
from calls.policy.lifecycle import (
    EndFacts,
    is_final,
    may_become,
    next_step,
    outcome_of,
    stage_for,
    state_of,
)
from calls.tests.conftest import NOON
from leads.models import Lead

STATES = list(Call.State.values)
AGAIN = NOON + timedelta(hours=4)


@pytest.mark.parametrize(("old", "new"), list(product(Call.FINAL_STATES, STATES)))
def test_nothing_leaves_a_final_state(old: str, new: str) -> None:
    assert not may_become(old, new)


@given(st.lists(st.sampled_from(STATES)))
def test_any_order_of_news_ends_in_a_final_state_if_one_was_among_it(news: list[str]) -> None:
    state = "created"
    for new in news:
        if may_become(state, new):
            state = new
    finals = [new for new in news if is_final(new)]
    assert state == finals[0] if finals else not is_final(state)


def test_a_lost_answer_may_be_found_again() -> None:
    assert may_become("dialing", "unconfirmed")
    assert may_become("unconfirmed", "dialing")
    assert not may_become("ringing", "unconfirmed")


@pytest.mark.parametrize(
    "status",
    [
        "queued",
        "initiated",
        "ringing",
        "in-progress",
        "completed",
        "busy",
        "failed",
        "no-answer",
        "canceled",
    ],
)
def test_every_status_of_the_carrier_is_known(status: str) -> None:
    assert state_of(status) in STATES


def ended(**changes: Any) -> EndFacts:
    facts: dict[str, Any] = {
        "state": "completed",
        "said": "",
        "answered_by": "",
        "end_reason": "far_end",
        "stream_started": True,
        "voice_closed": True,
    }
    return EndFacts(**{**facts, **changes})


@pytest.mark.parametrize(
    ("facts", "outcome"),
    [
        (ended(said="appointment"), "appointment"),
        (ended(), "hung_up"),
        (ended(end_reason="process_lost", voice_closed=False), "incomplete"),
        (ended(voice_closed=False), "incomplete"),
        (ended(end_reason="agent_hung_up"), "incomplete"),
        (ended(stream_started=False), "abandoned"),
        (ended(answered_by="machine_end_beep"), "voicemail"),
        (ended(state="busy", stream_started=False), "busy"),
        (ended(state="no_answer", stream_started=False), "no_answer"),
        (ended(state="failed", stream_started=False), "failed"),
    ],
)
def test_the_outcome_is_what_people_said_then_what_the_line_did(
    facts: EndFacts, outcome: str
) -> None:
    assert outcome_of(facts) == outcome
    assert outcome in Outcome.values


def step(outcome: str, **changes: Any) -> Any:
    facts: dict[str, Any] = {
        "lead_spoke": False,
        "attempts": 1,
        "max_attempts": 3,
        "again_at": AGAIN,
        "callback_at": None,
        "now": NOON,
    }
    return next_step(outcome, **{**facts, **changes})


@pytest.mark.parametrize(
    "outcome", ["no_answer", "busy", "voicemail", "failed", "hung_up", "incomplete"]
)
def test_who_was_not_spoken_with_is_called_again(outcome: str) -> None:
    again = step(outcome)
    assert (again.state, again.due_at, again.promised) == ("waiting", AGAIN, False)


def test_the_last_attempt_is_the_last() -> None:
    assert step("no_answer", attempts=3).state == "done"


def test_nobody_is_called_again_when_the_cadence_is_through() -> None:
    assert step("no_answer", again_at=None).state == "done"


def test_a_callback_is_due_when_the_lead_asked_for_it() -> None:
    at = NOON + timedelta(days=2)
    promised = step("callback", callback_at=at, attempts=3, again_at=None)
    assert (promised.state, promised.due_at, promised.promised) == ("waiting", at, True)


def test_a_callback_without_a_time_is_due_when_the_cadence_says() -> None:
    again = step("callback")
    assert (again.state, again.due_at, again.promised) == ("waiting", AGAIN, False)


@pytest.mark.parametrize("outcome", ["do_not_call", "wrong_number"])
def test_who_must_not_be_called_is_stopped(outcome: str) -> None:
    assert step(outcome).state == "stopped"


@pytest.mark.parametrize("outcome", ["hung_up", "incomplete"])
def test_who_has_spoken_is_not_surprised_by_a_second_call(outcome: str) -> None:
    assert step(outcome, lead_spoke=True).state == "done"


@pytest.mark.parametrize("outcome", Outcome.values)
def test_every_outcome_leads_to_a_stage_and_a_next_step(outcome: str) -> None:
    assert stage_for(outcome) in Lead.Stage.values
    assert step(outcome).state in {"waiting", "done", "stopped"}
