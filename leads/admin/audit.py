"""The audit, to read."""

from __future__ import annotations

from django.contrib import admin
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.decorators import display

from leads.admin.append_only import AppendOnlyAdmin
from leads.admin.date_range import DateRangeFilter
from leads.models import AuditEntry


@admin.register(AuditEntry)
class AuditEntryAdmin(AppendOnlyAdmin):
    """Who heard recordings, took data out, erased leads or changed what others may do."""

    empty_hint = "Who hears a recording, takes data out or changes a rule stands here from then on."
    list_display = ("at", "who", "action", "text", "subject")
    list_filter = (("action", ChoicesDropdownFilter), ("at", DateRangeFilter))
    list_filter_submit = True
    list_per_page = 50
    search_fields = ("actor_name", "text", "subject", "lead_id")
    search_help_text = "User, words, or the id of a lead or call"

    @display(description="Who", ordering="actor_name")
    def who(self, entry: AuditEntry) -> str:
        return entry.actor_name or "the product"
