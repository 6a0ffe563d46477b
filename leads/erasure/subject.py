"""Who is to be erased: the lead, every number it ever had here, and the words it is known by."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import phonenumbers
from django.db.models import Q, Value
from django.db.models.functions import Concat, Lower

from leads.models import Lead, LeadMerge
from leads.policy.phones import InvalidPhone, phone_parse

_SHORTEST = 6
"""Letters of the shortest word that is searched for: shorter ones are found in everything."""


class NobodyToErase(LookupError):  # noqa: N818 - says what happened
    """There is no such lead, and the number is nowhere."""


@dataclass(slots=True)
class Subject:
    """A person to be erased.

    `terms` are the texts that are searched for; `shared` those that another lead has too, which
    are left alone where they may be the other's.
    """

    lead: Lead | None
    numbers: set[str] = field(default_factory=set)
    emails: set[str] = field(default_factory=set)
    words: set[str] = field(default_factory=set)
    shared: set[str] = field(default_factory=set)
    at_last: list[Callable[[], object]] = field(default_factory=list)
    """What cannot be rolled back, such as deleting a file: done when all else has succeeded."""

    @property
    def lead_id(self) -> UUID | None:
        """The id of the lead; None when there are only traces of a number."""
        return self.lead.pk if self.lead else None

    @property
    def terms(self) -> list[str]:
        """Every text to search for, the longest first."""
        found = {spelling for number in self.numbers for spelling in spellings(number)}
        found |= {text for text in (*self.emails, *self.words) if len(text) >= _SHORTEST}
        return sorted(found - self.shared, key=lambda text: (-len(text), text))


def subject_of(who: str) -> Subject:
    """Return the person behind an id or a number.

    Args:
        who: the id of a lead, or a telephone number as it is typed.

    Raises:
        NobodyToErase: it is no id of a lead and no number.
    """
    try:
        lead = Lead.objects.filter(pk=UUID(who)).first()
    except ValueError:
        try:
            number = phone_parse(who).e164
        except InvalidPhone as error:
            raise NobodyToErase(f"“{who}” is neither the id of a lead nor a number.") from error
        lead = Lead.objects.filter(phone=number).first()
        subject = Subject(lead, numbers={number})
    else:
        if lead is None:
            raise NobodyToErase(f"There is no lead {who}.")
        subject = Subject(lead)
    if lead is not None:
        _describe(subject, vars(lead))
        merges = LeadMerge.objects.filter(Q(winner=lead) | Q(loser_id=lead.pk))
        for removed in merges.values_list("removed", flat=True):
            for row in _leads_in(removed):
                _describe(subject, row)
    subject.shared = _shared(subject)
    return subject


def spellings(number: str) -> set[str]:
    """Return how a number in E.164 is written: 15122000001, 5122000001, (512) 200-0001, …"""
    found = {number, number.removeprefix("+")}
    try:
        parsed = phonenumbers.parse(number)
    except phonenumbers.NumberParseException:
        return {number}
    form = phonenumbers.PhoneNumberFormat
    for style in (form.NATIONAL, form.INTERNATIONAL, form.RFC3966):
        found.add(phonenumbers.format_number(parsed, style))
    found.add(str(parsed.national_number))
    if parsed.country_code == 1:
        area, exchange, line = number[2:5], number[5:8], number[8:]
        for sign in ("-", ".", " "):
            found.add(sign.join((area, exchange, line)))
        found |= {f"({area}){exchange}-{line}", f"{area},{exchange}{line}"}
    return {text for text in found if len(text) >= _SHORTEST}


def _describe(subject: Subject, lead: dict[str, Any]) -> None:
    if lead.get("phone") and not lead.get("erased_at"):
        subject.numbers.add(str(lead["phone"]))
    if lead.get("email"):
        subject.emails.add(str(lead["email"]))
    first, last = str(lead.get("first_name") or ""), str(lead.get("last_name") or "")
    if first and last:
        subject.words |= {f"{first} {last}", f"{last}, {first}"}
    for name in ("raw_phone", "street"):
        if lead.get(name):
            subject.words.add(str(lead[name]))


def _leads_in(removed: Iterable[str]) -> Iterable[dict[str, Any]]:
    """Yield the fields of leads among the rows that a merge took away."""
    for text in removed:
        for row in json.loads(text):
            if row.get("model") == "leads.lead":
                yield row["fields"]


def _shared(subject: Subject) -> set[str]:
    """Return the words that another lead is known by as well."""
    others = Lead.objects.order_by()
    if subject.lead_id is not None:
        others = others.exclude(pk=subject.lead_id)
    named = others.annotate(
        forth=Lower(Concat("first_name", Value(" "), "last_name")),
        back=Lower(Concat("last_name", Value(", "), "first_name")),
    )
    shared = {
        word
        for word in subject.words
        if named.filter(
            Q(forth=word.lower()) | Q(back=word.lower()) | Q(street__iexact=word)
        ).exists()
    }
    return shared | {text for text in subject.emails if others.filter(email__iexact=text).exists()}
