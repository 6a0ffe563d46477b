"""What a campaign needs before it may run, and which changes of a running one do harm."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from agents.selectors import playbook_version_current
from billing.standing import budgets_for
from calls.models import Call, Campaign, Enrolment, Outcome

OPEN = (Enrolment.State.WAITING, Enrolment.State.CLAIMED)
GOAL_OUTCOMES = {
    "appointment": (Outcome.APPOINTMENT,),
    "qualified": (Outcome.QUALIFIED, Outcome.APPOINTMENT, Outcome.TRANSFERRED),
}
"""The outcomes of calls that count for a goal."""


def goal_count(campaign: Campaign, outcome: str = "") -> int:
    """Return how many leads have come to the campaign's goal, or to another one."""
    counted = GOAL_OUTCOMES.get(outcome or campaign.goal_outcome)
    if counted is None:
        return 0
    reached = Call.objects.filter(campaign=campaign, outcome__in=counted)
    return reached.order_by().values("lead").distinct().count()


def goal_is_reached(campaign: Campaign) -> bool:
    """Whether as many leads as were wanted have come to the goal."""
    return bool(campaign.goal_count) and goal_count(campaign) >= (campaign.goal_count or 0)


def missing_to_start(campaign: Campaign) -> list[str]:
    """Return what keeps a campaign from running, a sentence each with what to do about it."""
    missing = []
    if playbook_version_current(campaign.playbook_id) is None:
        missing.append(
            f"The playbook “{campaign.playbook}” has no published version: publish it first."
        )
    if not campaign.numbers.filter(active=True).exists():
        missing.append("It has no caller number that is in use: choose one in its settings.")
    if not campaign.enrolments.filter(state__in=OPEN).exists():
        missing.append(f"No lead of “{campaign}” is waiting to be called: enrol leads first.")
    if not budgets_for(campaign.pk):
        missing.append("No budget limits what it may spend: set one under Money, Budgets.")
    if campaign.goal_outcome and goal_is_reached(campaign):
        missing.append(f"Its goal of {campaign.goal_count} is reached: set a higher one, or none.")
    return missing


def harmful_changes(campaign: Campaign, changes: Mapping[str, Any]) -> dict[str, str]:
    """Return field -> why it may not be changed so while the campaign runs. Empty: all may be.

    Args:
        campaign: as it is.
        changes: field -> new value, of the fields that change.
    """
    if campaign.state != Campaign.State.RUNNING:
        return {}
    refused = {}
    playbook = changes.get("playbook")
    if playbook is not None:
        if playbook_version_current(playbook.pk) is None:
            refused["playbook"] = "It has no published version: publish it, or pause the campaign."
        elif playbook.lead_kind != campaign.playbook.lead_kind:
            refused["playbook"] = (
                "It is written for other leads than those that wait here. Pause the campaign, or "
                "make another one for it."
            )
    if "numbers" in changes and not any(number.active for number in changes["numbers"]):
        refused["numbers"] = "Nobody could be called any more: pause the campaign instead."
    goal = changes.get("goal_outcome", campaign.goal_outcome)
    wanted = changes.get("goal_count", campaign.goal_count)
    if goal and wanted and {"goal_outcome", "goal_count"} & changes.keys():
        reached = goal_count(campaign, goal)
        if reached >= wanted:
            refused["goal_count"] = (
                f"{reached} are reached already: the campaign would end at once. Stop it instead."
            )
    return refused
