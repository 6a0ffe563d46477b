"""Find leads by name, number in any form, e-mail, address, or the words of their notes.

On PostgreSQL an index of words answers, by beginnings: "ann" finds Anna. On SQLite, which embedded
mode runs on, the rows are looked through.
"""

from __future__ import annotations

import re
from typing import Final

from django.db import connection
from django.db.models import Q, QuerySet
from django.db.models.expressions import RawSQL

from leads.models import Lead, TimelineEntry
from leads.policy.words import plainly

MOST = 20_000
"""How many leads and how many notes are looked at. A search for less than this finds them all."""
_MOST_WORDS = 8
# Digits with what people write between them; at least four, as a house number is no telephone.
_NUMBER: Final = re.compile(r"\+?\(?\d[\d\s().\-/]*\d")
_FIELDS: Final = ("first_name", "last_name", "email", "street", "city", "state", "postal_code")

_POSTGRESQL: Final = """
(SELECT id FROM leads_lead WHERE search_words(
    first_name || ' ' || last_name || ' ' || email || ' ' || street || ' ' || city || ' ' ||
    state || ' ' || postal_code || ' ' || phone_words(phone)) @@ to_tsquery('simple', %s) LIMIT %s)
UNION
(SELECT lead_id FROM leads_timelineentry
    WHERE kind = 'note' AND search_words(text) @@ to_tsquery('simple', %s) LIMIT %s)
"""


def leads_found(leads: QuerySet[Lead], term: str) -> QuerySet[Lead]:
    """Return those of the leads in which every word of a term is found.

    A lead is found when all words are in its name, number, e-mail and address, or all are in one
    of its notes.
    """
    if connection.vendor == "postgresql":
        query = _query_words(term)
        if not query:
            return leads.none()
        return leads.filter(pk__in=RawSQL(_POSTGRESQL, (query, MOST, query, MOST)))  # noqa: S611
    fields, notes = _looked_through(term)
    if not fields:
        return leads.none()
    told = TimelineEntry.objects.filter(notes, kind=TimelineEntry.Kind.NOTE)
    return leads.filter(fields | Q(pk__in=told.values("lead_id")))


def _parts(term: str) -> tuple[list[str], list[str]]:
    """Return the telephone numbers of a term as they are written, and its other words."""
    numbers = []
    rest = term
    for match in _NUMBER.finditer(term):
        if len(_digits(match[0])) >= 4:
            numbers.append(match[0])
            rest = rest.replace(match[0], " ", 1)
    words = re.findall(r"[^\W_]+", rest)
    return numbers[:_MOST_WORDS], words[:_MOST_WORDS]


def _digits(written: str) -> str:
    return re.sub(r"\D", "", written)


def _national(digits: str) -> str:
    """Return digits without the 0 or 1 that is dialled before an area code."""
    if len(digits) == 11 and digits.startswith("1"):
        return digits[1:]
    return digits[1:] if digits.startswith("0") and not digits.startswith("00") else digits


def _query_words(term: str) -> str:
    """Return a term in the language of `to_tsquery`: letters, digits and our operators only."""
    numbers, words = _parts(plainly(term))
    parts = [f"{word}:*" for word in words]
    for written in numbers:
        digits = _digits(written)
        forms = [f"{form}:*" for form in sorted({digits, _national(digits)})]
        pieces = re.findall(r"\d+", written)
        if len(pieces) > 1:
            # Two numbers side by side may also be a house number and a postal code.
            forms.append("(" + " & ".join(f"{piece}:*" for piece in pieces) + ")")
        parts.append("(" + " | ".join(forms) + ")")
    return " & ".join(parts)


def _looked_through(term: str) -> tuple[Q, Q]:
    """Return what rows must hold: leads in their fields, notes in their text."""
    numbers, words = _parts(term)
    fields, notes = Q(), Q()
    for word in words:
        fields &= _anywhere(word)
        notes &= Q(text__icontains=word)
    for written in numbers:
        apart = Q()
        for piece in re.findall(r"\d+", written):
            apart &= _anywhere(piece)
        fields &= Q(phone__contains=_national(_digits(written))) | apart
        notes &= Q(text__contains=written.strip())
    return fields, notes


def _anywhere(word: str) -> Q:
    found = Q()
    for name in _FIELDS:
        found |= Q(**{f"{name}__icontains": word})
    return found
