"""Leads that may be one person."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from django.db import connection
from django.db.models import Count, Max, Q, QuerySet, Window
from django.db.models.expressions import RawSQL
from django.db.models.functions import Lower, RowNumber

from leads.models import Lead

LOOKED_AT = 20_000
"""Notes of leads that may be one person (migration 0020) that are looked at, the newest."""
SHOWN = 10
"""Leads of a group that are read: of those that share none@example.com, some are enough."""

_ALIKE = {
    "E-mail": ("email",),
    "Name and address": ("first_name", "last_name", "street", "postal_code"),
}


@dataclass(frozen=True, slots=True)
class DuplicateGroup:
    """Leads that may be one person, the oldest first, what they share, and how many there are."""

    why: str
    leads: list[Lead]
    count: int


def duplicate_groups(
    *, limit: int = 50, among: QuerySet[Lead] | None = None
) -> list[DuplicateGroup]:
    """Return leads that share an e-mail address, or a name and an address; the newest groups first.

    Numbers are unique, so that no two leads share one. Four queries.

    Args:
        limit: of groups, for each of the two reasons.
        among: the leads that are compared; all if not given.
    """
    candidates = _noted(Lead.objects.all() if among is None else among)
    return [
        group for why, fields in _ALIKE.items() for group in _groups(why, fields, candidates, limit)
    ]


def _noted(leads: QuerySet[Lead]) -> QuerySet[Lead]:
    """Narrow leads to those of which PostgreSQL noted that another was like them."""
    if connection.vendor != "postgresql":
        return leads
    newest = "SELECT lead_id FROM lead_alike ORDER BY noted_at DESC LIMIT %s"
    return leads.filter(pk__in=RawSQL(newest, (LOOKED_AT,)))  # noqa: S611 - no words of anybody's


def _groups(
    why: str, fields: tuple[str, ...], candidates: QuerySet[Lead], limit: int
) -> list[DuplicateGroup]:
    alike = {f"{name}_alike": Lower(name) for name in fields}
    rows = candidates.order_by().annotate(**alike)
    for name in fields[:3]:
        rows = rows.exclude(**{name: ""})
    groups = rows.values(*alike).annotate(count=Count("pk"), newest=Max("created_at"))
    shared = {
        tuple(group[name] for name in alike): group["count"]
        for group in groups.filter(count__gt=1).order_by("-newest")[:limit]
    }
    if not shared:
        return []
    which = Q()
    for values in shared:
        which |= Q(**dict(zip(alike, values, strict=True)))
    place = Window(RowNumber(), partition_by=list(alike), order_by=("created_at", "pk"))
    oldest = rows.filter(which).annotate(place=place).filter(place__lte=SHOWN)
    found: dict[tuple[str, ...], list[Lead]] = defaultdict(list)
    for lead in oldest.order_by("place"):
        found[tuple(getattr(lead, name) for name in alike)].append(lead)
    return [DuplicateGroup(why, found[values], count) for values, count in shared.items()]


@dataclass(frozen=True, slots=True)
class Alike:
    """A lead that may be the same person as another, and what they share."""

    lead: Lead
    why: str


def leads_like(lead: Lead, *, limit: int = 10) -> list[Alike]:
    """Return leads that share the e-mail address, another number, or name and address. One query.

    Numbers are unique; one that stands with a lead as another number of the same person is not.
    """
    same: dict[str, Q] = {}
    if lead.email:
        same["the same e-mail"] = Q(email_alike=lead.email.lower())
    if lead.last_name and lead.street:
        same["the same name and street"] = Q(
            name_alike=lead.last_name.lower(), street_alike=lead.street.lower()
        )
    numbers = [str(said) for said in lead.custom_fields.values() if str(said).startswith("+")]
    if numbers:
        same["a number of this lead"] = Q(phone__in=numbers)
    which = Q()
    for condition in same.values():
        which |= condition
    if not same:
        return []
    rows = Lead.objects.annotate(
        email_alike=Lower("email"), name_alike=Lower("last_name"), street_alike=Lower("street")
    )
    found = rows.filter(which).exclude(pk=lead.pk).order_by("created_at")[:limit]
    return [Alike(other, _why(lead, other, numbers)) for other in found]


def _why(lead: Lead, other: Lead, numbers: list[str]) -> str:
    if str(other.phone) in numbers:
        return "a number of this lead"
    if lead.email and other.email.lower() == lead.email.lower():
        return "the same e-mail"
    return "the same name and street"
