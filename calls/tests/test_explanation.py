"""What a campaign's page says of it, from the facts that the dialer goes by."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from calls.policy.explanation import DialFacts, explain

RUNNING = DialFacts(state="running", waiting=1200, max_concurrent=3)


def because(now: datetime, **facts: Any) -> str:
    facts = {"next_due": now, **facts}
    told = explain(replace(RUNNING, **facts), now=now, clock=lambda at: f"{at:%H:%M}")
    return " ".join(told.because)


def test_a_campaign_that_dials_has_no_excuse(now: datetime) -> None:
    facts = replace(RUNNING, ringing=1, talking=1, next_due=now, blocked={"no_consent": 5})
    told = explain(facts, now=now, clock=str)
    assert told.doing == "Running: 1 ringing and 1 talking, 1,200 leads waiting."
    assert told.because == ()


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        ({"dialer_runs": False}, "No dialer is running"),
        ({"kill_switch": True}, "kill switch"),
        ({"carrier_down": True}, "carrier does not answer"),
        ({"voice_places": 0}, "No voice process has a place"),
        ({"talking": 3}, "Its 3 calls are on the line"),
        ({"next_due": None}, "Nobody waits"),
    ],
)
def test_the_first_thing_that_stops_the_dialer_is_named(
    now: datetime, facts: dict[str, Any], words: str
) -> None:
    assert words in because(now, **facts)


def test_moments_are_told(now: datetime) -> None:
    later = now + timedelta(hours=2)
    assert "first lead is due at 20:00" in because(now, next_due=later)
    assert "next call is made at 20:00" in because(now, next_dial_at=later)
    capped = because(now, held_reason="number_cap", held_until=later)
    assert "made their calls of the day. It goes on at 20:00" in capped
    assert because(now, held_reason="number_cap", held_until=now) == ""


def test_leads_that_were_held_back_are_counted_by_reason(now: datetime) -> None:
    told = because(
        now, next_due=now + timedelta(hours=1), blocked={"no_consent": 3, "outside_hours": 1100}
    )
    assert "1,100 leads: outside legal hours" in told
    assert told.index("1,100 leads") < told.index("3 leads: no consent")


def test_a_campaign_that_does_not_run_says_so(now: datetime) -> None:
    paused = replace(RUNNING, state="paused", pause_reason="Lunch.")
    assert explain(paused, now=now, clock=str).doing == (
        "Paused. Lunch. Nobody on the line, 1,200 leads waiting."
    )
    assert explain(replace(RUNNING, state="draft"), now=now, clock=str).doing.startswith("Not ")
