"""Who is called in a run: leads who may be, leads who may not, and too little money for some."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from decimal import Decimal
from uuid import UUID

from benchmarks.chaos.engines import RECOGNIZER

LITTLE_MONEY = Decimal("1.20")
"""USD: about forty calls' worth, for a campaign of a hundred."""


@dataclass
class World:
    """The run's leads by telephone number.

    Attributes:
        callable: may be called, unless they are withdrawn in the run.
        forbidden: must never be called; number -> why.
        withdrawn: opted out by another route during the run; number -> when it was certain.
    """

    campaigns: list[UUID] = field(default_factory=list)
    callable: list[str] = field(default_factory=list)
    forbidden: dict[str, str] = field(default_factory=dict)
    withdrawn: dict[str, datetime] = field(default_factory=dict)


def world_make(*, leads: int, seed: int, now: datetime, at_once: int) -> World:
    """Put leads and two running campaigns into the database; the second has too little money.

    One lead in ten may not be called: on the do-not-call list, without consent, with a consent
    that was withdrawn, or outside their campaign's hours.
    """
    from billing.models import Budget
    from billing.services import prices_seed
    from calls.models import Campaign
    from calls.services.campaigns import campaign_start, leads_enrol
    from leads.models import Consent
    from leads.services import do_not_call_add
    from reauto_site.demo import seed as demo

    prices_seed()
    _price_engine(now)
    lot = random.Random(f"world:{seed}")
    made = demo.leads_seed(calls=leads, now=now)
    lot.shuffle(made)
    demo.rep_seed(time_zone=made[0].place.time_zone)
    rich, poor = demo.campaign_seed(now=now), demo.campaign_seed(now=now + timedelta(seconds=1))
    closed = demo.campaign_seed(now=now + timedelta(seconds=2))
    Budget.objects.filter(campaign=poor).update(limit=LITTLE_MONEY)
    Campaign.objects.filter(pk__in=[rich.pk, poor.pk, closed.pk]).update(max_concurrent=at_once)
    # No law allows a call at three in the morning: a window there is open nowhere.
    Campaign.objects.filter(pk=closed.pk).update(window_opens=time(3, 0), window_closes=time(3, 1))

    world = World(campaigns=[rich.pk, poor.pk, closed.pk])
    share = max(2, leads // 40)
    barred, silent, withdrawn, late = (made[n * share : (n + 1) * share] for n in range(4))
    for lead in barred:
        do_not_call_add(phone=lead.phone, source="manual", reason="Asked before", now=now)
        world.forbidden[lead.phone] = "do_not_call"
    for lead in silent:
        Consent.objects.filter(lead_id=lead.lead_id).delete()
        world.forbidden[lead.phone] = "no_consent"
    for lead in withdrawn:
        Consent.objects.filter(lead_id=lead.lead_id).update(revoked_at=now)
        world.forbidden[lead.phone] = "consent_revoked"
    for lead in late:
        world.forbidden[lead.phone] = "outside_hours"
    rest = made[4 * share :]
    world.callable = [lead.phone for lead in rest]
    few, many = rest[: len(rest) // 5], [*rest[len(rest) // 5 :], *barred, *silent, *withdrawn]
    lot.shuffle(many)
    leads_enrol(campaign_id=rich.pk, lead_ids=[lead.lead_id for lead in many], now=now)
    leads_enrol(campaign_id=poor.pk, lead_ids=[lead.lead_id for lead in few], now=now)
    leads_enrol(campaign_id=closed.pk, lead_ids=[lead.lead_id for lead in late], now=now)
    for campaign in world.campaigns:
        campaign_start(campaign_id=campaign, now=now)
    return world


def _price_engine(now: datetime) -> None:
    """Put the recogniser of the run on the price list, for what the built-in one costs."""
    from billing.models import Price

    for price in Price.objects.filter(provider="pocketsphinx", component="stt"):
        price.pk, price.provider = None, RECOGNIZER
        price._state.adding = True
        price.save()
