"""A whole call with a language model behind it, which dies in the middle: the call does not."""

from __future__ import annotations

from pathlib import Path

import pytest

from agents.standin.words import UNKNOWN
from calls.models import Call
from tests.stage import stage

pytestmark = [
    pytest.mark.slow,
    pytest.mark.django_db(transaction=True),
    pytest.mark.timeout(300),
]


def test_a_call_outlives_its_model(tmp_path: Path) -> None:
    with stage(tmp_path, with_model=True) as set_up:
        campaign, leads = set_up.cast(["curious_seller"])
        set_up.start_carrier()
        set_up.start_model()
        set_up.start_server()
        set_up.open(campaign, leads)
        set_up.start_dialer()
        answered = set_up.wait_for(
            campaign,
            lambda call: call.turns.filter(speaker="agent", text__contains=UNKNOWN).exists(),
            seconds=120,
        )
        set_up.kill("model")
        (result,) = set_up.watch(campaign, leads, seconds=180)

    assert result["outcome"] == "appointment"
    call = Call.objects.get(pk=answered.pk)
    said = " ".join(call.turns.filter(speaker="agent").values_list("text", flat=True))
    assert "I do not have that at hand" in said  # what it asked later nobody could answer
    assert call.charges.filter(component="llm_output", provider="ollama").exists()
    assert call.summary
    assert call.review == ""
