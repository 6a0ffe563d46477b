"""Find leads by name, number in any form, e-mail, address, or the words of their notes.

On PostgreSQL an index of words answers, by beginnings: "ann" finds Anna. On SQLite, which embedded
mode runs on, the rows are looked through.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Final

from django.db import connection
from django.db.models import BooleanField, F, Func, Q, QuerySet, TextField, Value

from leads.models import Lead, TimelineEntry
from leads.policy.words import plainly

MOST = 2000
"""Matches up to which notes are searched, too. What more leads have is no way to find one."""
_MOST_WORDS = 8
# Digits with what people write between them; at least four, as a house number is no telephone.
_NUMBER: Final = re.compile(r"\+?\(?\d[\d\s().\-/]*\d")
_PHONE_LENGTHS: Final = (7, 10, 11)
_FIELDS: Final = ("first_name", "last_name", "email", "street", "city", "state", "postal_code")


class _LeadWords(Func):
    """The column of words beside a lead (migration 0018), which is not of Django's making."""

    def as_sql(self, compiler: Any, connection: Any, *_args: Any, **_extra: Any) -> Any:
        """Return the column under whatever name the query has for the table."""
        (key,) = self.get_source_expressions()
        sql, params = compiler.compile(key)
        return sql.removesuffix('"id"') + '"words"', params


_LEAD_WORDS: Final = _LeadWords(F("id"), output_field=TextField())
_NOTE_WORDS: Final = Func(F("text"), function="search_words", output_field=TextField())


@dataclass(frozen=True, slots=True)
class Found:
    """Leads that a search found.

    `counted` are the same leads, to be counted: where a word is frequent it is the index that
    counts fast, and the list that is read fast in its own order. PostgreSQL cannot tell, because
    it has no idea of how frequent two beginnings of words are together.
    """

    leads: QuerySet[Lead]
    counted: QuerySet[Lead]


def leads_found(leads: QuerySet[Lead], term: str) -> QuerySet[Lead]:
    """Return those of the leads in which every word of a term is found. See `leads_search`."""
    return leads_search(leads, term).leads


def leads_search(leads: QuerySet[Lead], term: str) -> Found:
    """Find those of the leads in which every word of a term is.

    A lead is found when all words are in its name, number, e-mail and address, or all are in one
    of its notes. On PostgreSQL two queries are made at once.
    """
    if connection.vendor == "postgresql":
        return _found_by_index(leads, _query_words(term))
    fields, notes = _looked_through(term)
    if not fields:
        return Found(leads.none(), leads.none())
    told = TimelineEntry.objects.filter(notes, kind=TimelineEntry.Kind.NOTE)
    found = leads.filter(fields | Q(pk__in=told.values("lead_id")))
    return Found(found, found)


def _found_by_index(leads: QuerySet[Lead], query: str) -> Found:
    """Find few leads by their keys, with those of notes; many by looking at each in its turn."""
    if not query:
        return Found(leads.none(), leads.none())
    matches = _matches(_LEAD_WORDS, query)
    ids = set(Lead.objects.order_by().filter(matches).values_list("pk", flat=True)[: MOST + 1])
    if len(ids) > MOST:
        each = Func(matches, template="(%(expressions)s IS TRUE)", output_field=BooleanField())
        return Found(leads.filter(each), leads.filter(matches))
    notes = TimelineEntry.objects.order_by().filter(kind=TimelineEntry.Kind.NOTE)
    told = notes.filter(_matches(_NOTE_WORDS, query)).values_list("lead_id", flat=True)[:MOST]
    found = leads.filter(pk__in=ids | set(told))
    return Found(found, found)


def _matches(words: Any, query: str) -> Any:
    wanted = Func(Value(query), template="to_tsquery('simple', %(expressions)s)")
    return Func(
        words, wanted, template="(%(expressions)s)", arg_joiner=" @@ ", output_field=BooleanField()
    )


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
        if len(pieces) > 1 and len(digits) not in _PHONE_LENGTHS:
            # Two numbers side by side may also be a house number and a postal code.
            forms.append("(" + " & ".join(pieces) + ")")
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
