"""Jobs: work left for later, what is under way, and what was given up and waits for a person."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from unfold.decorators import display

from calls.desk.jobs import JOB_STATES, job_state, jobs_in, jobs_overview
from calls.formats import in_words
from calls.models import Lease, OutboxItem, ScheduledWork
from calls.services.outbox import outbox_discard, outbox_retry
from leads.admin.actor import actor_of
from leads.admin.append_only import AppendOnlyAdmin

_COLOURS = {
    "Waiting": "info",
    "Running": "primary",
    "Done": "success",
    "Given up": "danger",
    "Discarded": "warning",
}
_REPLAY = "replay"
_DISCARD = "discard"


class JobStateFilter(admin.SimpleListFilter):
    """Waiting, running, done, given up or discarded."""

    title = "state"
    parameter_name = "job"

    def lookups(self, request: HttpRequest, model_admin: object) -> list[tuple[str, str]]:
        return list(JOB_STATES.items())

    def queryset(
        self, request: HttpRequest, queryset: QuerySet[OutboxItem]
    ) -> QuerySet[OutboxItem]:
        state = self.value()
        return jobs_in(state, queryset, now=timezone.now()) if state in JOB_STATES else queryset


@admin.register(OutboxItem)
class OutboxItemAdmin(AppendOnlyAdmin):
    """The list of jobs, with how many there are of each state above it."""

    empty_hint = "Work that is done later, such as summaries and e-mails, waits here."
    list_display = ("what", "state_label", "due_at", "attempts", "last_error", "created_at")
    list_filter = (JobStateFilter, "kind")
    ordering = ("-created_at",)
    search_fields = ("kind", "key", "last_error")
    search_help_text = "Kind, key or error"
    actions = ("replay", "discard")
    list_before_template = "desk/jobs_overview.html"  # type: ignore[assignment]  # unfold says None

    @display(description="Job", ordering="kind")
    def what(self, item: OutboxItem) -> str:
        return in_words(item.kind)

    @display(description="State", label=_COLOURS)
    def state_label(self, item: OutboxItem) -> str:
        return JOB_STATES[job_state(item, now=timezone.now())]

    def has_retry_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm("calls.change_outboxitem"))

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> Any:
        """Put the counts and the schedule above the list."""
        context: dict[str, Any] = {**(extra_context or {}), "jobs": jobs_overview(timezone.now())}
        return super().changelist_view(request, context)

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.decide_view)
        return [
            path("decide/", view, name="calls_jobs_decide"),
            *super().get_urls(),
        ]

    @admin.action(description="Run the given-up jobs again", permissions=["retry"])
    def replay(self, request: HttpRequest, queryset: QuerySet[OutboxItem]) -> HttpResponse | None:
        return self._ask(request, _REPLAY, queryset)

    @admin.action(description="Discard the given-up jobs", permissions=["retry"])
    def discard(self, request: HttpRequest, queryset: QuerySet[OutboxItem]) -> HttpResponse | None:
        return self._ask(request, _DISCARD, queryset)

    def decide_view(self, request: HttpRequest) -> HttpResponse:
        """Carry out what was confirmed."""
        if not self.has_retry_permission(request):
            raise PermissionDenied
        back = HttpResponseRedirect(reverse("admin:calls_outboxitem_changelist"))
        if request.method != "POST":
            return back
        now = timezone.now()
        ids = _uuids(request.POST.get("jobs", ""))
        if request.POST.get("decision") == _DISCARD:
            actor = actor_of(request)
            done = sum(outbox_discard(item_id=pk, actor=actor, now=now) for pk in ids)
            messages.success(request, f"{done} discarded. They stay in the list.")
        else:
            done = sum(outbox_retry(item_id=pk, now=now) for pk in ids)
            messages.success(request, f"{done} will be tried again now.")
        return back

    def _ask(
        self, request: HttpRequest, decision: str, queryset: QuerySet[OutboxItem]
    ) -> HttpResponse | None:
        dead = jobs_in("dead", queryset, now=timezone.now())
        chosen = [(str(pk), kind) for pk, kind in dead.values_list("pk", "kind")[:1000]]
        if not chosen:
            messages.warning(request, "None of these is given up: there is nothing to decide.")
            return None
        discards = decision == _DISCARD
        kinds = sorted({kind for _pk, kind in chosen})
        count = f"{len(chosen)} job{'s' if len(chosen) != 1 else ''}"
        return TemplateResponse(
            request,
            "desk/confirm.html",
            {
                **self.admin_site.each_context(request),
                "opts": self.opts,
                "title": "Discard jobs" if discards else "Run jobs again",
                "question": f"Discard {count} for good?" if discards else f"Run {count} again now?",
                "consequences": [
                    "; ".join(
                        f"{in_words(kind)}: {sum(k == kind for _pk, k in chosen)}" for kind in kinds
                    ),
                    "Their work is not done, and not tried again. They stay in the list."
                    if discards
                    else "Each is safe to run twice: what it had done already is not done again.",
                ],
                "button": "Discard" if discards else "Run again",
                "danger": discards,
                "action": reverse("admin:calls_jobs_decide"),
                "hidden": {"decision": decision, "jobs": ",".join(pk for pk, _kind in chosen)},
                "back": reverse("admin:calls_outboxitem_changelist"),
            },
        )


def _uuids(text: str) -> list[UUID]:
    found = []
    for part in text.split(",")[:1000]:
        try:
            found.append(UUID(part))
        except ValueError:
            continue
    return found


@admin.register(ScheduledWork)
class ScheduledWorkAdmin(AppendOnlyAdmin):
    """What recurs, and when it is due next."""

    list_display = ("kind", "next_due", "last_promised")


@admin.register(Lease)
class LeaseAdmin(AppendOnlyAdmin):
    """Which process does the work that only one may do, such as dialling."""

    list_display = ("name", "holder", "expires_at")
