"""Pages that show a user only the rows of leads that the user may see."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest
from unfold.admin import ModelAdmin

from leads.access import seen_by
from leads.admin.paging import LongListPaginator


class ScopedAdmin(ModelAdmin):
    """Lists, pages, searches and look-ups of a model, each limited to what the viewer may see."""

    paginator = LongListPaginator
    show_full_result_count = False

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        rows = super().get_changelist_instance(request)
        if not rows.query and not rows.has_active_filters:
            rows.full_result_count = rows.result_count  # there is nothing more to show
        return rows

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return seen_by(super().get_queryset(request), request.user)
