"""End a campaign that has come to its goal."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from calls.models import Campaign
from calls.services.campaigns import campaign_pause, campaign_stop
from calls.services.guards import GOAL_OUTCOMES, goal_is_reached


def goal_check(*, campaign_id: UUID, outcome: str, now: datetime) -> bool:
    """Pause or finish a running campaign whose goal the last call has reached. Safe to repeat.

    Args:
        outcome: of that call; only one that counts is looked into.

    Returns:
        Whether the goal is reached.
    """
    campaign = Campaign.objects.get(pk=campaign_id)
    if outcome not in GOAL_OUTCOMES.get(campaign.goal_outcome, ()):
        return False
    if campaign.state != Campaign.State.RUNNING or not goal_is_reached(campaign):
        return False
    reason = f"Goal reached: {campaign.goal_count} {campaign.get_goal_outcome_display().lower()}."
    campaign_pause(campaign_id=campaign_id, reason=reason, now=now)
    if campaign.goal_then == "finish":
        campaign_stop(campaign_id=campaign_id, now=now)
    return True
