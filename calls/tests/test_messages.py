"""Whether a voicemail gets a message: once per lead, each time, or never."""

from __future__ import annotations

from datetime import datetime

import pytest

from calls.briefs import call_brief
from calls.models import Call, Campaign
from tests.factories import CallFactory, TurnFactory

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("policy", "first", "again"),
    [("once", True, False), ("always", True, True), ("never", False, False)],
)
def test_the_campaign_says_how_often(
    campaign: Campaign, now: datetime, policy: str, first: bool, again: bool
) -> None:
    Campaign.objects.update(leave_message=policy)
    version = campaign.playbook.versions.get()

    def leaves(call: Call) -> bool:
        row = Call.objects.select_related("lead", "campaign", "playbook_version__playbook").get(
            pk=call.pk
        )
        return call_brief(row, recorded=True, now=now).leave_message

    one = CallFactory(campaign=campaign, playbook_version=version)
    assert leaves(one) == first
    TurnFactory(call=one, speaker="agent", topic="voicemail")
    assert leaves(one) == first, "this call's own message is not an earlier one"
    Call.objects.filter(pk=one.pk).update(state="completed", ended_at=now)
    two = CallFactory(lead=one.lead, campaign=campaign, playbook_version=version)
    assert leaves(two) == again
