"""What the demo puts into the database: a manager, a representative, leads and a campaign.

Everything goes through the same services as a manager's own work.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from decimal import Decimal
from uuid import UUID

from django.contrib.auth.models import Group, Permission, User
from django.core.management.base import CommandError

from agents.models import Playbook
from agents.services.playbooks import playbooks_seed
from billing.models import Budget
from calls.models import CallerNumber, Campaign
from calls.services.campaigns import campaign_start, leads_enrol
from calls.simulator.persona import Persona
from leads.models import Lead, WorkingHours
from leads.policy.may_call import may_call
from leads.selectors import call_facts
from leads.services import consent_give, lead_create
from reauto_site.demo.places import PLACES, Place

MANAGER = "manager"
REP = "dana"
BUSINESS = "Harbor Realty"
SOURCE = "Demo"
CALLER_NUMBER = "+12125550199"

CONSENT_TEXT = (
    "I agree that Harbor Realty may call me at this number about selling or buying a home, "
    "including with an artificial voice. I need not agree to this to buy anything."
)

# The personas of the demo, in the order they are called.
CAST = (
    ("eager_seller", "Erin", "Sellers"),
    ("objection_then_books", "Oscar", "Baker"),
    ("callback_later", "Carla", "Later"),
    ("not_interested", "Nathan", "Stone"),
    ("dnc_voice", "Vera", "Quiet"),
    ("dnc_key", "Keith", "Press"),
    ("voicemail", "Mona", "Machine"),
    ("no_answer", "Nolan", "Away"),
)

CAST_WITH_MODEL = (("curious_seller", "Cora", "Asker"), *CAST)
"""The same with somebody who asks what only a model may know."""


@dataclass(frozen=True, slots=True)
class SeededLead:
    """A lead of the demo, who plays it, and what the persona was written to give."""

    lead_id: UUID
    phone: str
    place: Place
    persona: str
    expected: str


@dataclass(frozen=True, slots=True)
class Login:
    """The manager's login, to be printed once."""

    username: str
    password: str


def manager_seed() -> Login:
    """Create the manager with a fresh password, or give the existing one a fresh password."""
    password = secrets.token_urlsafe(9)
    manager, _ = User.objects.get_or_create(
        username=MANAGER, defaults={"first_name": "Morgan", "last_name": "Reyes"}
    )
    manager.is_staff = True
    manager.is_superuser = True
    manager.set_password(password)
    manager.save()
    return Login(MANAGER, password)


def rep_seed(*, time_zone: str) -> User:
    """Create the representative whose calendar is booked, with working hours on every day."""
    rep, _ = User.objects.get_or_create(
        username=REP, defaults={"first_name": "Dana", "last_name": "Whitfield", "is_staff": True}
    )
    group, _ = Group.objects.get_or_create(name="Sales representatives")
    group.permissions.add(
        *Permission.objects.filter(
            codename__in=("view_lead", "view_call", "view_appointment", "view_recording")
        )
    )
    rep.groups.add(group)
    for weekday in WorkingHours.Weekday.values:
        WorkingHours.objects.update_or_create(
            rep=rep,
            weekday=weekday,
            starts=time(9),
            defaults={"ends": time(18), "time_zone": time_zone},
        )
    return rep


def campaign_seed(*, now: datetime) -> Campaign:
    """Create a draft seller campaign with a daily budget of its own."""
    playbooks_seed()
    playbook = Playbook.objects.filter(lead_kind=Lead.Kind.SELLER).order_by("created_at").first()
    if playbook is None:
        raise CommandError("There is no seller playbook. Run: manage.py migrate")
    campaign = Campaign.objects.create(
        name=f"Home sellers, {now:%d %b %H:%M:%S}",
        playbook=playbook,
        business_name=BUSINESS,
        max_concurrent=4,
        ring_seconds=15,
    )
    campaign.numbers.add(CallerNumber.objects.get_or_create(number=CALLER_NUMBER)[0])
    Budget.objects.create(
        name=f"{campaign.name}: a day",
        campaign=campaign,
        period=Budget.Period.DAY,
        limit=Decimal("25"),
    )
    Budget.objects.get_or_create(
        name="Whole account: a day",
        campaign=None,
        period=Budget.Period.DAY,
        defaults={"limit": Decimal("100")},
    )
    return campaign


def leads_seed(
    *, calls: int, now: datetime, cast: Sequence[tuple[str, str, str]] = CAST
) -> list[SeededLead]:
    """Create leads who may legally be called right now, one per call, each with consent.

    `cast` names persona, first and last name of each, and is begun again when it runs out.

    Raises:
        CommandError: no place is inside legal hours, or all fictional numbers are used up.
    """
    seeded: list[SeededLead] = []
    for place in PLACES:
        used = Lead.objects.filter(phone__startswith=place.number_prefix)
        taken = {str(phone) for phone in used.values_list("phone", flat=True)}
        for number in place.numbers():
            if len(seeded) == calls:
                return seeded
            if number in taken:
                continue
            lead = _lead(place, number, role=cast[len(seeded) % len(cast)], now=now)
            if lead is None:  # not a legal hour there
                break
            seeded.append(lead)
    if len(seeded) < calls:
        raise CommandError(
            f"Only {len(seeded)} of {calls} fictional numbers are free where it is legal to call "
            "now. Ask for fewer with --calls, or start afresh: make clean."
        )
    return seeded


def campaign_open(*, campaign: Campaign, leads: list[SeededLead], now: datetime) -> None:
    """Enrol the leads and start the campaign."""
    leads_enrol(campaign_id=campaign.id, lead_ids=[lead.lead_id for lead in leads], now=now)
    campaign_start(campaign_id=campaign.id, now=now)


def cast_of(personas: Sequence[str]) -> list[tuple[str, str, str]]:
    """Return a cast of the given personas, with names."""
    return [(persona, "Robin", "Example") for persona in personas]


def _lead(
    place: Place, number: str, *, role: tuple[str, str, str], now: datetime
) -> SeededLead | None:
    persona_name, first_name, last_name = role
    persona = Persona.load(persona_name)
    lead = lead_create(
        phone=number,
        first_name=first_name,
        last_name=last_name,
        kind=Lead.Kind.SELLER,
        city=place.city,
        state=place.state,
        source=SOURCE,
        now=now,
    )
    consent_give(
        lead_id=lead.id,
        kind="express_written",
        text=CONSENT_TEXT,
        seller=BUSINESS,
        source="Demo form",
        given_at=now - timedelta(days=3),
        now=now,
    )
    if not may_call(call_facts(lead, attempts_at=()), now=now).allowed:
        lead.delete()
        return None
    return SeededLead(lead.id, number, place, persona_name, persona.expected)
