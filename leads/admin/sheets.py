"""Linked Google Sheets: link one, choose its columns, see what it did, settle what differs."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import admin, messages
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import Count, Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from unfold.contrib.filters.admin import ChoicesDropdownFilter, RelatedDropdownFilter
from unfold.decorators import display

from leads.admin.actor import actor_of
from leads.admin.append_only import AppendOnlyAdmin
from leads.admin.google_account import google_callback, google_connect, google_disconnect
from leads.admin.sheet_page import columns_chosen, columns_page, link_page
from leads.models import GoogleAccount, SheetConflict, SheetLink
from leads.sheets.accounts import service
from leads.sheets.conflicts import ConflictDecided, conflict_decide
from leads.sheets.errors import SheetsError
from leads.sheets.links import (
    link_configure,
    link_create,
    link_pause,
    link_preview,
    link_remove,
    link_resume,
    link_sync_now,
)
from leads.sheets.oauth import is_set_up

_CHOICES = {"keep_ours": "ours", "take_theirs": "theirs"}


@admin.register(SheetLink)
class SheetLinkAdmin(AppendOnlyAdmin):
    """Every linked sheet, when it was last synced, and what is wrong with it."""

    empty_hint = "Link one, and its rows become leads, or results are written beside them."
    empty_links = (("admin:leads_sheetlink_add", "Link a sheet", "leads.add_sheetlink"),)
    list_display = ("name", "direction", "standing", "last_sync_at", "open_conflicts", "owner")
    list_select_related = ("owner",)
    list_filter = (("state", ChoicesDropdownFilter), ("direction", ChoicesDropdownFilter))
    search_fields = ("title", "tab_title", "source")

    def get_queryset(self, request: HttpRequest) -> QuerySet[SheetLink]:
        rows: QuerySet[SheetLink] = super().get_queryset(request)
        return rows.annotate(open_count=Count("conflicts", filter=Q(conflicts__choice="")))

    @display(description="Sheet", ordering="title")
    def name(self, link: SheetLink) -> str:
        return str(link)

    @display(
        description="Standing",
        label={"Works": "success", "Paused": "warning", "Failing": "danger", "Draft": "info",
               "Not yet synced": "info"},
    )  # fmt: skip
    def standing(self, link: SheetLink) -> str:
        if link.state != SheetLink.State.ACTIVE:
            return "Paused" if link.state == SheetLink.State.PAUSED else "Draft"
        if link.error:
            return "Failing"
        return "Works" if link.last_sync_at else "Not yet synced"

    @display(description="Conflicts", ordering="open_count")
    def open_conflicts(self, link: SheetLink) -> int:
        return int(getattr(link, "open_count", 0))

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(request.user.has_perm("leads.add_sheetlink"))

    def has_steer_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm("leads.change_sheetlink"))

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        return [
            path("google/connect/", wrap(google_connect), name="leads_google_connect"),
            path("google/callback/", wrap(google_callback), name="leads_google_callback"),
            path("google/disconnect/", wrap(google_disconnect), name="leads_google_disconnect"),
            path("<uuid:object_id>/columns/", wrap(self.columns), name="leads_sheet_columns"),
            path("<uuid:object_id>/do/<slug:what>/", wrap(self.do), name="leads_sheet_do"),
            path("<uuid:object_id>/remove/", wrap(self.remove), name="leads_sheet_remove"),
            path("conflict/<uuid:object_id>/", wrap(self.decide), name="leads_sheet_decide"),
            *super().get_urls(),
        ]

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """First step: which spreadsheet, in which direction, with whose permission."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        own = GoogleAccount.objects.filter(user=actor_of(request)).first()
        error = ""
        if request.method == "POST":
            direction = request.POST.get("direction", "")
            try:
                link = link_create(
                    url=request.POST.get("url", ""),
                    direction=direction if direction in SheetLink.Direction.values else "in",
                    account=own if request.POST.get("account") == "own" else None,
                    actor=actor_of(request),
                )
                return HttpResponseRedirect(_columns(link.pk))
            except SheetsError as refusal:
                error = str(refusal)
        try:
            robot = service().email
        except SheetsError:
            robot = ""
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": "Link a Google Sheet",
            "error": error,
            "robot": robot,
            "own": own,
            "may_connect": is_set_up(),
            "directions": SheetLink.Direction.choices,
            "chosen": request.POST.get("direction", "in"),
            "url": request.POST.get("url", ""),
            "back": reverse("admin:leads_sheetlink_changelist"),
        }
        return TemplateResponse(request, "desk/sheet_new.html", context)

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Show what a link did and what it needs; a draft goes on to its columns."""
        link = self._link(request, object_id)
        if link.state == SheetLink.State.DRAFT and self.has_steer_permission(request):
            return HttpResponseRedirect(_columns(link.pk))
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": str(link),
            "page": link_page(link),
            "link": link,
            "may_change": self.has_steer_permission(request),
        }
        return TemplateResponse(request, "desk/sheet_link.html", context)

    def columns(self, request: HttpRequest, object_id: UUID) -> HttpResponse:
        """Second step: the tab, and what its columns hold."""
        link = self._link(request, str(object_id))
        if not self.has_steer_permission(request):
            raise PermissionDenied
        error = ""
        tab = request.GET.get("tab", "")
        tab_id = int(tab) if tab.isdigit() else None
        try:
            preview = link_preview(link, tab_id=tab_id)
            if request.method == "POST":
                self._configure(request, link, preview.header)
                messages.success(request, "Linked. The first sync begins within a minute.")
                return HttpResponseRedirect(_page(link.pk))
        except SheetsError as refusal:
            error, preview = str(refusal), None
        except ValidationError as refusal:
            error = " ".join(refusal.messages)
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": f"Columns of {link.title}",
            "page": columns_page(link, preview, sent=request.POST),
            "link": link,
            "error": error,
            "owners": User.objects.filter(is_active=True, is_staff=True).order_by("username"),
        }
        return TemplateResponse(request, "desk/sheet_columns.html", context)

    def do(self, request: HttpRequest, object_id: UUID, what: str) -> HttpResponse:
        """Sync now, pause, or go on."""
        link = self._link(request, str(object_id))
        if request.method != "POST" or not self.has_steer_permission(request):
            raise PermissionDenied
        now = timezone.now()
        if what == "sync" and link_sync_now(link_id=link.pk, now=now):
            messages.success(request, "It will be synced within a minute.")
        elif what == "pause" and link_pause(link_id=link.pk):
            messages.success(request, "Paused: nothing is read or written until you go on.")
        elif what == "resume" and link_resume(link_id=link.pk, now=now):
            messages.success(request, "It goes on, and will be synced within a minute.")
        return HttpResponseRedirect(_page(link.pk))

    def remove(self, request: HttpRequest, object_id: UUID) -> HttpResponse:
        """Ask once, then let the sheet go."""
        link = self._link(request, str(object_id))
        if not request.user.has_perm("leads.delete_sheetlink"):
            raise PermissionDenied
        if request.method == "POST":
            link_remove(link_id=link.pk)
            messages.success(request, f"{link} is no longer linked.")
            return HttpResponseRedirect(reverse("admin:leads_sheetlink_changelist"))
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": "Unlink",
            "question": f"Unlink {link}?",
            "consequences": [
                "Leads and the sheet stay as they are; nothing is synced any more.",
                f"What both sides last agreed on is forgotten for {link.rows.count():,} rows: "
                "linked again, cells that differ are conflicts.",
                "The log of conflicts goes with the link.",
            ],
            "button": "Unlink",
            "danger": True,
            "back": _page(link.pk),
        }
        return TemplateResponse(request, "desk/confirm.html", context)

    def decide(self, request: HttpRequest, object_id: UUID) -> HttpResponse:
        """Let one side of a conflict count."""
        if request.method != "POST" or not request.user.has_perm("leads.change_sheetconflict"):
            raise PermissionDenied
        conflict = SheetConflict.objects.filter(pk=object_id).first()
        choice = request.POST.get("choice", "")
        if conflict is None or choice not in ("ours", "theirs"):
            raise Http404("There is no such conflict.")
        _decide(request, [conflict], choice)
        return HttpResponseRedirect(_page(conflict.link_id))

    def _configure(self, request: HttpRequest, link: SheetLink, header: list[str]) -> None:
        minutes, owner = request.POST.get("every_minutes", ""), request.POST.get("owner", "")
        link_configure(
            link_id=link.pk,
            tab_id=link.tab_id,
            direction=request.POST.get("direction", link.direction),
            columns=columns_chosen(header, request.POST),
            new_results=request.POST.getlist("new_result"),
            source=request.POST.get("source", ""),
            adds_leads="adds_leads" in request.POST,
            every_minutes=int(minutes) if minutes.isdigit() else 0,
            owner_id=int(owner) if owner.isdigit() else None,
            now=timezone.now(),
        )

    def _link(self, request: HttpRequest, object_id: str) -> SheetLink:
        if not self.has_view_permission(request):
            raise PermissionDenied
        link = self.get_object(request, object_id)
        if link is None:
            raise Http404("There is no such link.")
        found: SheetLink = link
        return found


@admin.register(SheetConflict)
class SheetConflictAdmin(AppendOnlyAdmin):
    """Cells that both sides changed: decided, or waiting for somebody."""

    empty_hint = "Where a sheet and the desk change the same thing differently, it is decided here."
    list_display = ("lead", "column", "ours", "theirs", "decision", "link", "created_at")
    list_filter = (("link", RelatedDropdownFilter), ("choice", ChoicesDropdownFilter), "by_rule")
    list_select_related = ("lead", "link")
    search_fields = ("lead__first_name", "lead__last_name", "column")
    actions = tuple(_CHOICES)

    @display(
        description="Decision",
        ordering="choice",
        label={"To be decided": "warning", "Ours was kept": "info",
               "The sheet's was taken": "info", "Both say the same now": "success"},
    )  # fmt: skip
    def decision(self, conflict: SheetConflict) -> str:
        return conflict.get_choice_display() or "To be decided"

    def has_decide_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm("leads.change_sheetconflict"))

    @admin.action(description="Keep ours", permissions=["decide"])
    def keep_ours(self, request: HttpRequest, queryset: QuerySet[SheetConflict]) -> None:
        _decide(request, list(queryset.filter(choice="")), "ours")

    @admin.action(description="Take the sheet's", permissions=["decide"])
    def take_theirs(self, request: HttpRequest, queryset: QuerySet[SheetConflict]) -> None:
        _decide(request, list(queryset.filter(choice="")), "theirs")


def _decide(request: HttpRequest, conflicts: list[SheetConflict], choice: str) -> None:
    now, decided = timezone.now(), 0
    for conflict in conflicts:
        try:
            conflict_decide(
                conflict_id=conflict.pk, choice=choice, actor=actor_of(request), now=now
            )
            decided += 1
        except ConflictDecided as error:
            messages.info(request, str(error))
    for link_id in {conflict.link_id for conflict in conflicts}:
        link_sync_now(link_id=link_id, now=now)
    if decided:
        messages.success(request, f"{decided} decided: both sides will agree within a minute.")


def _page(link_id: UUID) -> str:
    return reverse("admin:leads_sheetlink_change", args=(link_id,))


def _columns(link_id: UUID) -> str:
    return reverse("admin:leads_sheet_columns", args=(link_id,))
