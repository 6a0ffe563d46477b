"""Rows that people may read and nobody may write by hand."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest

from leads.admin.scoped import ScopedAdmin


class AppendOnlyAdmin(ScopedAdmin):
    """Lists and shows rows that only services add."""

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
