"""The date filter, in the viewer's time zone."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from unfold.contrib.filters.admin import RangeDateTimeFilter
from unfold.utils import parse_datetime_str


class DateRangeFilter(RangeDateTimeFilter):
    """From and to, as the viewer's clock shows them.

    The filter it extends hands naive times to the database, which reads them as UTC: a manager in
    Austin who asks for today would miss the evening.
    """

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        since, until = self._moment("from"), self._moment("to")
        if since is not None:
            queryset = queryset.filter(**{f"{self.field_path}__gte": since})
        if until is not None:
            # The second that is named is included, with all its fractions.
            ends = until + timedelta(seconds=1)
            queryset = queryset.filter(**{f"{self.field_path}__lt": ends})
        return queryset

    def _moment(self, end: str) -> datetime | None:
        parts = [self.used_parameters.get(f"{self.parameter_name}_{end}_{n}") for n in (0, 1)]
        day, clock = parts[0], parts[1] or ("00:00:00" if end == "from" else "23:59:59")
        naive = parse_datetime_str(f"{day} {clock}") if day else None
        return timezone.make_aware(naive) if naive else None
