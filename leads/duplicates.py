"""Leads that may be one person."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Q
from django.db.models.functions import Lower

from leads.models import Lead


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
