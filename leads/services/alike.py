"""Notes of leads that may be one person (migration 0020): what nobody reads is forgotten."""

from __future__ import annotations

from django.db import connection

from leads import duplicates


def alike_forget() -> int:
    """Delete all notes but the newest, which are all that `leads.duplicates` looks at.

    Safe to run at any time, twice and at once. Returns how many were deleted.
    """
    if connection.vendor != "postgresql":
        return 0  # SQLite has no notes
    with connection.cursor() as cursor:
        cursor.execute(
            "DELETE FROM lead_alike WHERE noted_at < "
            "(SELECT noted_at FROM lead_alike ORDER BY noted_at DESC OFFSET %s LIMIT 1)",
            (duplicates.LOOKED_AT - 1,),
        )
        return int(cursor.rowcount)
