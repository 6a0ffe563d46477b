"""Scores and timeline entries: written by the product, read by people."""

from __future__ import annotations

from django.contrib import admin
from unfold.admin import TabularInline
from unfold.contrib.filters.admin import ChoicesDropdownFilter

from leads.admin.append_only import AppendOnlyAdmin
from leads.admin.date_range import DateRangeFilter
from leads.models import LeadScore, ScoreFactor, TimelineEntry


class ScoreFactorInline(TabularInline):
    """The reasons for a score."""

    model = ScoreFactor
    fields = ("name", "value", "points", "evidence")
    readonly_fields = fields
    extra = 0
    can_delete = False


@admin.register(LeadScore)
class LeadScoreAdmin(AppendOnlyAdmin):
    """Every scoring, with its reasons."""

    list_display = ("lead", "value", "scorer_version", "created_at")
    list_filter = ("scorer_version", ("created_at", DateRangeFilter))
    list_filter_submit = True
    list_select_related = ("lead",)
    search_fields = ("lead__first_name", "lead__last_name", "lead__phone")
    inlines = (ScoreFactorInline,)


@admin.register(TimelineEntry)
class TimelineEntryAdmin(AppendOnlyAdmin):
    """What happened to leads, newest first."""

    list_display = ("at", "lead", "kind", "text", "actor")
    list_filter = (("kind", ChoicesDropdownFilter), ("at", DateRangeFilter))
    list_filter_submit = True
    list_select_related = ("lead", "actor")
    search_fields = ("lead__first_name", "lead__last_name", "lead__phone", "text")
