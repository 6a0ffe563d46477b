"""Machines that answer, by their sound alone: a menu, a call screen, a voicemail with its beep."""

from __future__ import annotations

import json
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from calls.models import Call, Campaign, Turn
from tests.stage import Stage, stage

pytestmark = [
    pytest.mark.slow,
    pytest.mark.django_db(transaction=True),
    pytest.mark.timeout(300),
]


def far_end(set_up: Stage, call: Call) -> dict[str, Any]:
    """Return what whoever answered has said and heard, as the carrier knows it."""
    address = f"http://127.0.0.1:{set_up.carrier_port}/_simulator/calls/{call.provider_sid}"
    with urllib.request.urlopen(address, timeout=10) as answer:
        found: dict[str, Any] = json.load(answer)
    return found


def spoken(call: Call) -> dict[str, str]:
    """Return what the agent said, by topic."""
    turns = call.turns.filter(speaker=Turn.Speaker.AGENT).order_by("index")
    return {turn.topic: turn.text for turn in turns}


def test_a_menu_is_left_politely_and_a_person_behind_a_screen_books(tmp_path: Path) -> None:
    with stage(tmp_path) as set_up:
        campaign, leads = set_up.cast(["menu", "screening", "voicemail", "voicemail_late"])
        # One after the other: what a machine says must be understood before it is over.
        Campaign.objects.filter(pk=campaign.pk).update(max_concurrent=1)
        set_up.start_carrier()
        set_up.start_server()
        set_up.open(campaign, leads)
        set_up.start_dialer()
        results = {each["persona"]: each for each in set_up.watch(campaign, leads, seconds=240)}
        calls = {name: Call.objects.get(pk=each["id"]) for name, each in results.items()}
        heard = {name: far_end(set_up, call) for name, call in calls.items()}

    assert {name: call.outcome for name, call in calls.items()} == {
        "menu": "voicemail",
        "screening": "appointment",
        "voicemail": "voicemail",
        "voicemail_late": "voicemail",
    }

    # A menu is told goodbye once, to the end, and is not listened to five times.
    assert calls["menu"].end_reason == "agent_hung_up"
    assert "call again" in spoken(calls["menu"])["menu"]
    assert len(heard["menu"]["said"]) < 5
