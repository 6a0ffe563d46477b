"""Pages of long lists, without counting every row of a table on each of them."""

from __future__ import annotations

import re
from typing import Any

from django.core.paginator import Paginator
from django.db import connection
from django.db.models import Value
from django.utils.functional import cached_property

EXACT_TO = 10_000
"""Rows up to which a list says how many there are exactly."""


class LongListPaginator(Paginator):  # type: ignore[type-arg]
    """Counts up to 10 000 rows; beyond, it asks the database's planner for its estimate.

    Counting a million rows takes PostgreSQL a third of a second, and nobody pages through them.
    SQLite has no estimates, and counts them all.
    """

    template_name = "desk/pagination.html"
    counted: Any = None
    """The same rows in a form that is counted faster, if there is one."""

    @cached_property
    def count(self) -> int:
        """Rows, exactly or about."""
        rows: Any = self.object_list if self.counted is None else self.counted
        if connection.vendor != "postgresql":
            return int(rows.order_by().values("pk").count())
        # Nothing of the rows is asked for, so that an index may do.
        there = rows.order_by().annotate(there=Value(1)).values("there")
        exact = int(there[: EXACT_TO + 1].count())
        if exact <= EXACT_TO:
            return exact
        self.is_estimate = True
        return max(self._estimate(rows), exact)

    is_estimate = False

    def _estimate(self, rows: Any) -> int:
        plan = rows.order_by().values("pk").explain()
        found = re.search(r" rows=(\d+) ", plan)
        return int(found[1]) if found else 0
