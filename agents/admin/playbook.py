"""Playbooks: a list, and a page each that reads as a script and is edited in place."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import Max, OuterRef, Q, QuerySet, Subquery
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from unfold.admin import ModelAdmin
from unfold.contrib.filters.admin import ChoicesDropdownFilter, RelatedDropdownFilter
from unfold.decorators import display

from agents.admin import playbook_editor, playbook_files, playbook_try, playbook_versions
from agents.models import Playbook, PlaybookVersion
from leads.admin.append_only import AppendOnlyAdmin


@admin.register(Playbook)
class PlaybookAdmin(ModelAdmin):
    """Scripts by name, with the version that calls use and a draft if there is one."""

    list_display = ("name", "lead_kind", "live", "draft", "description", "updated_at")
    list_filter = (("lead_kind", ChoicesDropdownFilter),)
    search_fields = ("name", "description")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Playbook]:
        rows: QuerySet[Playbook] = super().get_queryset(request)
        live = (
            PlaybookVersion.objects.filter(playbook=OuterRef("pk"), published_at__isnull=False)
            .order_by("-published_at", "-number")
            .values("number")[:1]
        )
        return rows.annotate(
            live_number=Subquery(live),
            newest=Max("versions__number", filter=Q(versions__isnull=False)),
        )

    @display(description="Live", ordering="live_number", label={"none": "warning"})
    def live(self, playbook: Playbook) -> str:
        number = getattr(playbook, "live_number", None)
        return "none" if number is None else f"version {number}"

    @display(description="Draft", ordering="newest", empty_value="–")
    def draft(self, playbook: Playbook) -> str | None:
        newest, live = getattr(playbook, "newest", None), getattr(playbook, "live_number", None)
        return f"version {newest}" if newest and newest > (live or 0) else None

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """What was said on a call is part of the record."""
        if obj is not None and obj.versions.filter(calls__isnull=False).exists():
            return False
        return bool(super().has_delete_permission(request, obj))

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        pages = (
            ("<uuid:playbook_id>/versions/", playbook_versions.versions_page, "versions"),
            ("<uuid:playbook_id>/versions/<int:number>/", playbook_versions.read_page, "version"),
            (
                "<uuid:playbook_id>/versions/<int:number>/publish/",
                playbook_versions.publish_page,
                "publish",
            ),
            (
                "<uuid:playbook_id>/versions/<int:number>/back/",
                playbook_versions.back_page,
                "back",
            ),
            ("<uuid:playbook_id>/compare/", playbook_versions.compare_page, "compare"),
            ("<uuid:playbook_id>/try/", playbook_try.try_page, "try"),
            ("<uuid:playbook_id>/export/", playbook_files.export_file, "export"),
            ("<uuid:playbook_id>/import/", playbook_files.import_page, "import"),
        )
        own = [
            path(route, wrap(view), name=f"agents_playbook_{name}") for route, view, name in pages
        ]
        return [*own, *super().get_urls()]

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Begin with the words of another playbook, or with a file."""
        return playbook_files.create_page(request)

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """The script, to read and to edit."""
        playbook = self.get_object(request, object_id)
        if playbook is None:
            raise Http404("There is no such playbook.")
        return playbook_editor.script_page(request, playbook)


@admin.register(PlaybookVersion)
class PlaybookVersionAdmin(AppendOnlyAdmin):
    """Every version there ever was, to search through."""

    list_display = ("playbook", "number", "note", "author", "created_at", "published_at")
    list_filter = (("playbook", RelatedDropdownFilter),)
    list_select_related = ("playbook", "author")
    search_fields = ("playbook__name", "note")

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Lead to the version's own page: calls link to it by its id."""
        version = self.get_object(request, object_id)
        if version is None:
            raise Http404("There is no such version.")
        place = (version.playbook_id, version.number)
        return HttpResponseRedirect(reverse("admin:agents_playbook_version", args=place))
