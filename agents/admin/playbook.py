"""Playbooks and their versions."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import Max, QuerySet
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.utils.safestring import SafeString
from unfold.admin import ModelAdmin, TabularInline
from unfold.contrib.filters.admin import ChoicesDropdownFilter, RelatedDropdownFilter
from unfold.decorators import display

from agents.models import Playbook, PlaybookVersion
from leads.admin.append_only import AppendOnlyAdmin


class PlaybookVersionInline(TabularInline):
    """What was said when; a version never changes."""

    model = PlaybookVersion
    fields = ("number", "note", "author", "created_at")
    readonly_fields = fields
    extra = 0
    can_delete = False
    show_change_link = True

    def has_add_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False


@admin.register(Playbook)
class PlaybookAdmin(ModelAdmin):
    """Scripts by name, with their latest version."""

    list_display = ("name", "lead_kind", "version", "description", "updated_at")
    list_filter = (("lead_kind", ChoicesDropdownFilter),)
    search_fields = ("name", "description")
    inlines = (PlaybookVersionInline,)
    fields = (("name", "lead_kind"), "description", "script")
    readonly_fields = ("script",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Playbook]:
        rows: QuerySet[Playbook] = super().get_queryset(request)
        return rows.annotate(newest=Max("versions__number"))

    @display(description="Version", ordering="newest", empty_value="none yet")
    def version(self, playbook: Playbook) -> Any:
        return getattr(playbook, "newest", None)

    @display(description="What it says now")
    def script(self, playbook: Playbook) -> SafeString | str:
        current = playbook.versions.first()
        return "Nothing yet." if current is None else _readable(current)


@admin.register(PlaybookVersion)
class PlaybookVersionAdmin(AppendOnlyAdmin):
    """One version, as a script to read."""

    list_display = ("playbook", "number", "note", "author", "created_at")
    list_filter = (("playbook", RelatedDropdownFilter),)
    list_select_related = ("playbook", "author")
    search_fields = ("playbook__name", "note")
    fields = (("playbook", "number"), ("author", "created_at"), "note", "readable")
    readonly_fields = ("readable",)

    @display(description="Script")
    def readable(self, version: PlaybookVersion) -> SafeString:
        return _readable(version)


def _readable(version: PlaybookVersion) -> SafeString:
    return render_to_string("desk/script.html", {"version": version, "script": version.script})
