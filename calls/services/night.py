"""Let the leads of places where it is night wait until morning, many at a time.

The gate refuses one lead after another, and half a million of them may stand before the first one
whose day has begun. What the clock says is the same for all who live in one place.
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import structlog

from calls.models import Enrolment
from calls.policy.cadence import LeadHours
from leads.policy.calling_rules import current_rules
from leads.policy.places import plausible_states
from leads.policy.windows import CampaignWindow, known_zone

logger = structlog.get_logger(__name__)

LOOKED_AT = 2000
"""Leads in one go: a few tens of milliseconds."""

Place = tuple[tuple[str, ...], tuple[str, ...]]
"""Time zones and states that a lead may be in."""


def night_postpone(*, enrolment: Enrolment, now: datetime) -> int:
    """Make leads that stand where this one does due when their day begins.

    Returns how many were moved: of the next 2000 of its campaign and priority.

    Nobody is called because of this, and nobody missed: the gate asks the same question again.
    """
    campaign = enrolment.campaign
    window = CampaignWindow(campaign.window_opens, campaign.window_closes)
    waiting = Enrolment.objects.filter(campaign=campaign, state=Enrolment.State.WAITING)
    rows = (
        waiting.filter(priority=enrolment.priority, due_at__lte=now)
        .order_by("due_at")
        .values_list("pk", "lead__time_zones", "lead__phone", "lead__state", "lead__postal_code")
    )
    places: dict[Place, list[UUID]] = {}
    for pk, zones, phone, state, postal_code in rows[:LOOKED_AT]:
        states = plausible_states(number=str(phone), state=state, postal_code=postal_code)
        place = tuple(str(zone) for zone in zones), tuple(sorted(states))
        places.setdefault(place, []).append(pk)
    moved = 0
    for (zones, states_there), ids in places.items():
        known = tuple(zone for name in zones if (zone := known_zone(name)))
        if not known or len(known) < len(zones):
            continue
        opens_at = LeadHours(known, states_there, window, current_rules()).first_open(now)
        if opens_at is None or opens_at <= now:
            continue
        moved += waiting.filter(pk__in=ids).update(
            due_at=opens_at, blocked_reasons=["outside_hours"], updated_at=now
        )
    if moved:
        logger.info("leads_wait_for_morning", campaign_id=str(campaign.pk), leads=moved)
    return moved
