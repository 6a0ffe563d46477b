"""A whole call that ends with a human: asked for, rung, accepted by key, and both talking."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from django.contrib.auth.models import User

from calls.models import Call, CallEvent, RepLine, Transfer
from reauto_site.demo.seed import REP
from tests.stage import Stage, stage

pytestmark = [
    pytest.mark.slow,
    pytest.mark.django_db(transaction=True),
    pytest.mark.timeout(240),
]

PHONE = "+12125550188"


def with_rep(set_up: Stage, persona: str) -> None:
    """Let the representative take calls, on a telephone that this persona answers."""
    RepLine.objects.create(
        user=User.objects.get(username=REP), available=True, via="phone", phone=PHONE
    )
    numbers = json.loads(set_up.directory.read_text())
    set_up.directory.write_text(json.dumps({**numbers, PHONE: persona}))


@pytest.mark.parametrize(
    ("persona", "outcome"), [("rep_accepts", "transferred"), ("rep_declines", "callback")]
)
def test_a_lead_who_asks_for_a_person_gets_one_or_is_called_again(
    tmp_path: Path, persona: str, outcome: str
) -> None:
    with stage(tmp_path) as set_up:
        campaign, leads = set_up.cast(["wants_person"])
        with_rep(set_up, persona)
        set_up.start_carrier()
        set_up.start_server()
        set_up.open(campaign, leads)
        set_up.start_dialer()
        (result,) = set_up.watch(campaign, leads, seconds=150)

    assert result["outcome"] == outcome
    call = Call.objects.get(pk=result["id"])
    transfer = Transfer.objects.get(call=call)
    told = " ".join(call.turns.filter(speaker="agent").values_list("text", flat=True))
    assert "Let me see whether one of our agents is free" in told
    if outcome == "transferred":
        assert "putting you through to Dana" in told
        assert transfer.state == Transfer.State.ENDED
        assert transfer.rep is not None
        assert call.charges.filter(component="transfer").exists()
        assert call.charges.filter(component="conference").exists()
        assert call.enrolment.state == "done"
    else:
        assert "nobody is free" in told
        assert transfer.state == Transfer.State.FAILED
        assert CallEvent.objects.filter(call=call, kind="callback_scheduled").exists()
    assert call.cost == sum(charge.amount for charge in call.charges.all())
