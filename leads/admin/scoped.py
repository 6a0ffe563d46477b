"""Pages that show a user only the rows of leads that the user may see."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest
from unfold.admin import ModelAdmin

from leads.access import seen_by


class ScopedAdmin(ModelAdmin):
    """Lists, pages, searches and look-ups of a model, each limited to what the viewer may see."""

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return seen_by(super().get_queryset(request), request.user)
