"""What stands behind a call: turns, events, recordings, webhooks. Read-only."""

from __future__ import annotations

from django.contrib import admin
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.decorators import display

from calls.formats import clock, in_words
from calls.models import CallEvent, CarrierEvent, Recording, Turn
from leads.admin.append_only import AppendOnlyAdmin
from leads.admin.date_range import DateRangeFilter

_LEAD = ("call__lead__first_name", "call__lead__last_name", "call__lead__phone")


@admin.register(Turn)
class TurnAdmin(AppendOnlyAdmin):
    """Everything that was said, to search through."""

    list_display = ("call", "index", "speaker", "text", "at", "answered_in", "interrupted", "agent")
    list_filter = (("speaker", ChoicesDropdownFilter), "interrupted", "agent", "tier")
    list_select_related = ("call__lead",)
    ordering = ("-created_at",)
    search_fields = ("text", *_LEAD)

    @display(description="At", ordering="started_ms")
    def at(self, turn: Turn) -> str:
        return clock(turn.started_ms / 1000)

    @display(description="Answered in", ordering="latency_ms")
    def answered_in(self, turn: Turn) -> str:
        return "–" if turn.latency_ms is None else f"{turn.latency_ms} ms"


@admin.register(CallEvent)
class CallEventAdmin(AppendOnlyAdmin):
    """What happened on calls, newest first."""

    list_display = ("at", "call", "what", "offset")
    list_filter = ("kind", ("at", DateRangeFilter))
    list_filter_submit = True
    list_select_related = ("call__lead",)
    ordering = ("-at",)
    search_fields = ("kind", *_LEAD)

    @display(description="Event", ordering="kind")
    def what(self, event: CallEvent) -> str:
        return in_words(event.kind)

    @display(description="Into the call", ordering="offset_ms")
    def offset(self, event: CallEvent) -> str:
        return "–" if event.offset_ms is None else clock(event.offset_ms / 1000)


@admin.register(Recording)
class RecordingAdmin(AppendOnlyAdmin):
    """Which calls have sound. It is played on the call's page."""

    list_display = ("call", "source", "state", "length", "created_at")
    list_filter = (("state", ChoicesDropdownFilter), ("source", ChoicesDropdownFilter))
    list_select_related = ("call__lead",)
    search_fields = _LEAD
    # The file's address is not public: no link to it.
    fields = ("call", ("source", "state"), ("channels", "sample_rate"), "length", "sha256")
    readonly_fields = ("length",)

    @display(description="Length", ordering="duration_ms")
    def length(self, recording: Recording) -> str:
        return clock(recording.duration_ms / 1000)


@admin.register(CarrierEvent)
class CarrierEventAdmin(AppendOnlyAdmin):
    """The carrier's webhooks as they came."""

    list_display = ("received_at", "call", "kind", "key")
    list_filter = ("kind", ("received_at", DateRangeFilter))
    list_filter_submit = True
    list_select_related = ("call__lead",)
    ordering = ("-received_at",)
    search_fields = ("key", "call__provider_sid")
