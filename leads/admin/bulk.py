"""Many leads at once: a page that says what will change, and the work itself with its undo."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any
from uuid import UUID

from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.contrib.admin import helpers
from django.contrib.admin.options import IS_POPUP_VAR
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.http.response import HttpResponseBase
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.module_loading import import_string
from unfold.admin import ModelAdmin
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.decorators import display

from leads.admin.actor import actor_of
from leads.admin.append_only import AppendOnlyAdmin
from leads.models import BulkChange, Lead
from leads.services.bulk import MOST, BulkRefused, bulk_action, bulk_begin, bulk_step, bulk_undo

# A few hundred leads are done before the page is back; the rest is left to the workers.
_AT_ONCE_S = 1.0
_STALLED_S = 30
_SAMPLE = 8
_STATE = BulkChange.State

Counts = list[tuple[str, int]]


class NoOptions(forms.Form):
    """For what needs nothing but a yes."""


@dataclass(frozen=True, slots=True)
class BulkPage:
    """How an action on many leads is asked for.

    Attributes:
        key: of the action in the list, and of the `BulkAction` unless `answer` does it.
        label: in the list of actions.
        permission: what it takes.
        form: what has to be chosen.
        options: the form's data as JSON.
        title: what is done, in words, from options and number.
        lines: what will happen, one consequence each.
        now_is: how the chosen leads stand now in what is about to change.
        answer: does it itself, such as a download; nothing is left to be undone.
    """

    key: str
    label: str
    permission: str
    title: Callable[[Mapping[str, Any], int], str]
    lines: tuple[str, ...]
    button: str
    form: type[forms.Form] = NoOptions
    options: Callable[[Mapping[str, Any]], dict[str, Any]] = dict
    now_is: Callable[[QuerySet[Lead]], Counts] = field(default=lambda leads: [])
    danger: bool = False
    answer: Callable[[HttpRequest, QuerySet[Lead], int], HttpResponseBase] | None = None


def bulk_pages(request: HttpRequest) -> list[BulkPage]:
    """Return the actions that the viewer may take, in the order of the settings."""
    return [
        page
        for where in settings.BULK_PAGES
        for page in import_string(where)
        if request.user.has_perm(page.permission)
    ]


class BulkActions(ModelAdmin):
    """The actions of the list of leads, out of every app's pages."""

    def get_actions(self, request: HttpRequest) -> Any:
        if IS_POPUP_VAR in request.GET:
            return {}
        return {
            page.key: (partial(_ask, page), page.key, page.label) for page in bulk_pages(request)
        }


def _ask(
    page: BulkPage, model_admin: Any, request: HttpRequest, queryset: QuerySet[Lead]
) -> HttpResponseBase | None:
    """Show what will change and for how many; when confirmed, do it."""
    chosen = Lead.objects.filter(pk__in=queryset.order_by().values("pk"))
    count = chosen[: MOST + 1].count()
    confirmed = "confirmed" in request.POST
    form = page.form(request.POST if confirmed else None)
    error = ""
    if count > MOST:
        error = f"More than {MOST:,} leads are chosen. Narrow the list with filters first."
    elif confirmed and form.is_valid():
        try:
            return _do(page, request, chosen, count, page.options(form.cleaned_data))
        except BulkRefused as refusal:
            error = str(refusal)
    across = request.POST.get("select_across") == "1"
    context = {
        **model_admin.admin_site.each_context(request),
        "opts": model_admin.opts,
        "title": page.label,
        "page": page,
        "form": form,
        "count": count,
        "error": error,
        "blocked": count > MOST,
        "now_is": page.now_is(chosen) if count <= MOST else [],
        "sample": list(chosen.order_by("last_name", "first_name")[:_SAMPLE]),
        "more": max(0, count - _SAMPLE),
        "undo": page.answer is None and bulk_action(page.key).undo is not None,
        "across": across,
        "selected": [] if across else request.POST.getlist(helpers.ACTION_CHECKBOX_NAME),
        "checkbox": helpers.ACTION_CHECKBOX_NAME,
        "back": request.get_full_path(),
    }
    return TemplateResponse(request, "desk/bulk.html", context)


def _do(
    page: BulkPage,
    request: HttpRequest,
    chosen: QuerySet[Lead],
    count: int,
    options: dict[str, Any],
) -> HttpResponseBase:
    if page.answer is not None:
        return page.answer(request, chosen, count)
    change = bulk_begin(
        action=page.key,
        title=page.title(options, count),
        options=options,
        lead_ids=chosen.order_by("pk").values_list("pk", flat=True).iterator(),
        actor=actor_of(request),
        now=timezone.now(),
    )
    more = bulk_step(change_id=change.pk, seconds=_AT_ONCE_S)
    address = reverse("admin:leads_bulkchange_change", args=(change.pk,))
    change.refresh_from_db()
    if more or change.state != _STATE.DONE:
        return HttpResponseRedirect(address)
    messages.success(
        request,
        format_html(
            "{}: {} of {} leads changed. <a href='{}'>See {}</a>",
            change.title,
            f"{change.changed:,}",
            f"{change.total:,}",
            address,
            "or undo it" if bulk_action(change.action).undo else "it",
        ),
    )
    return HttpResponseRedirect(request.get_full_path())


@admin.register(BulkChange)
class BulkChangeAdmin(AppendOnlyAdmin):
    """Every change to many leads, how far it is, and its undo."""

    list_display = ("title", "state_label", "total", "changed", "actor", "at")
    list_filter = (("state", ChoicesDropdownFilter),)
    list_filter_submit = True
    list_select_related = ("actor",)
    search_fields = ("title",)
    search_help_text = "What was done"
    empty_hint = "Choose leads in their list and an action below it; what was done stands here."

    @display(
        description="State",
        ordering="state",
        label={"Running": "info", "Done": "success", "Stopped": "danger", "Being undone": "info"},
    )
    def state_label(self, change: BulkChange) -> str:
        return change.get_state_display()

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        return [
            path("<uuid:object_id>/progress/", wrap(self.progress), name="leads_bulk_progress"),
            path("<uuid:object_id>/undo/", wrap(self.undo), name="leads_bulk_undo"),
            *super().get_urls(),
        ]

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Show what was done, how far it is, and whether it can be taken back."""
        change = self._change(request, object_id)
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": change.title,
            "change": change,
            "progress": _progress(change),
            "working": change.state in (_STATE.RUNNING, _STATE.UNDOING),
            "unchanged": max(0, change.total - change.changed),
            "may_undo": _may_undo(request, change),
        }
        return TemplateResponse(request, "desk/bulk_change.html", context)

    def progress(self, request: HttpRequest, object_id: UUID) -> HttpResponse:
        """How far the work is, for the bar."""
        return JsonResponse(_progress(self._change(request, str(object_id))))

    def undo(self, request: HttpRequest, object_id: UUID) -> HttpResponse:
        """Ask once, then put back what nobody changed since."""
        change = self._change(request, str(object_id))
        if not _may_undo(request, change):
            raise PermissionDenied
        back = reverse("admin:leads_bulkchange_change", args=(change.pk,))
        if request.method == "POST":
            try:
                bulk_undo(change_id=change.pk, now=timezone.now())
            except BulkRefused as refusal:
                messages.error(request, str(refusal))
            else:
                bulk_step(change_id=change.pk, seconds=_AT_ONCE_S)
            return HttpResponseRedirect(back)
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": "Undo",
            "question": f"Undo “{change.title}”?",
            "consequences": [
                f"The {change.changed:,} leads that it changed are put back as they were.",
                "A lead that was changed again since, in the same place, stays as it is now.",
                "Each lead's timeline keeps both: what was done, and that it was taken back.",
            ],
            "button": "Undo",
            "back": back,
        }
        return TemplateResponse(request, "desk/confirm.html", context)

    def _change(self, request: HttpRequest, object_id: str) -> BulkChange:
        change = self.get_object(request, object_id)
        if change is None:
            raise Http404("There is no such change.")
        if not self.has_view_permission(request, change):
            raise PermissionDenied
        found: BulkChange = change
        return found


def _may_undo(request: HttpRequest, change: BulkChange) -> bool:
    pages = {page.key for page in bulk_pages(request)}
    return (
        change.action in pages
        and change.state in (_STATE.DONE, _STATE.FAILED)
        and change.changed > 0
        and bulk_action(change.action).undo is not None
    )


def _progress(change: BulkChange) -> dict[str, Any]:
    working = change.state in (_STATE.RUNNING, _STATE.UNDOING)
    percent = min(99, change.done * 100 // max(change.total, 1)) if working else 100
    moved = change.moved_at or change.at
    stalled = working and (timezone.now() - moved).total_seconds() > _STALLED_S
    return {
        "state": change.state,
        "percent": percent,
        "words": f"{change.done:,} of {change.total:,} leads",
        "stalled": stalled,
        "figures": {},
    }
