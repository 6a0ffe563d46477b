"""Reads of the list of leads: what it is narrowed by, and what is taken out of it."""

from __future__ import annotations

import json
from collections.abc import Iterator

from django.db import connection
from django.db.models import QuerySet

from leads.calendars import rep_name
from leads.csv_lines import csv_lines
from leads.models import Lead

# Jumps from one source to the next in their index: DISTINCT would read every lead.
_SOURCES = """
WITH RECURSIVE each(source) AS (
    SELECT MIN(source) FROM leads_lead WHERE source > ''
    UNION ALL
    SELECT (SELECT MIN(source) FROM leads_lead WHERE source > each.source)
    FROM each WHERE each.source IS NOT NULL
)
SELECT source FROM each WHERE source IS NOT NULL LIMIT %s
"""
EXPORTED = (
    "phone",
    "first_name",
    "last_name",
    "email",
    "kind",
    "stage",
    "score",
    "street",
    "city",
    "state",
    "postal_code",
    "source",
)


def lead_sources(*, limit: int = 200) -> list[str]:
    """Return where leads come from, in alphabetical order."""
    with connection.cursor() as cursor:
        cursor.execute(_SOURCES, [limit])
        return [row[0] for row in cursor.fetchall()]


def tagged(leads: QuerySet[Lead], tag: str) -> QuerySet[Lead]:
    """Return those of the leads that have a tag."""
    if connection.vendor == "postgresql":
        return leads.filter(tags__contains=[tag])
    # SQLite cannot look into JSON lists; a tag stands there between quotes.
    return leads.filter(tags__icontains=json.dumps(tag))


def lead_rows(leads: QuerySet[Lead]) -> Iterator[str]:
    """Yield leads as the lines of a CSV file that an import reads again."""
    rows = leads.select_related("owner").order_by("-created_at", "pk")
    return csv_lines(
        [*EXPORTED, "owner", "tags", "created", "custom fields"],
        (
            [
                *(_cell(getattr(lead, name)) for name in EXPORTED),
                rep_name(lead.owner) if lead.owner else "",
                lead.tag_words,
                f"{lead.created_at:%Y-%m-%d}",
                "; ".join(f"{key}: {value}" for key, value in lead.custom_fields.items()),
            ]
            for lead in rows.iterator(chunk_size=1000)
        ),
    )


def _cell(value: object) -> str:
    return "" if value is None else str(value)
