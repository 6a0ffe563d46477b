"""Imports in three steps: file, columns, check and commit. The work itself is a service."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import admin, messages
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import QuerySet
from django.http import (
    HttpRequest,
    HttpResponse,
    HttpResponseRedirect,
    JsonResponse,
    StreamingHttpResponse,
)
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.decorators import display

from leads.admin.append_only import AppendOnlyAdmin
from leads.admin.import_page import import_page, progress
from leads.encodings import NAMES
from leads.import_files import MAX_BYTES, MAX_ROWS, FileRefused
from leads.models import AuditEntry, ImportBatch, ImportMapping
from leads.selectors import import_error_rows
from leads.services.audit import audit_record
from leads.services.imports import (
    ImportNotReady,
    import_check,
    import_commit,
    import_create,
    import_read_as,
    import_undo,
)

STATE_COLOURS = {
    "Choose columns": "warning",
    "Checking": "info",
    "Ready to commit": "warning",
    "Committing": "info",
    "Committed": "success",
    "Being undone": "info",
    "Cannot be read": "danger",
}


@admin.register(ImportBatch)
class ImportBatchAdmin(AppendOnlyAdmin):
    """Every file that came in, and what became of it."""

    list_display = (
        "file_name",
        "source",
        "state_label",
        "added",
        "updated",
        "created_by",
        "created_at",
    )
    list_filter = (("state", ChoicesDropdownFilter), "source")
    list_select_related = ("created_by",)
    search_fields = ("file_name", "source")
    search_help_text = "File or source"
    empty_hint = "Bring a CSV or Excel file; it is checked before anything is written."
    empty_links = (("admin:leads_importbatch_add", "Import a file", "leads.add_importbatch"),)

    @display(description="State", ordering="state", label=STATE_COLOURS)
    def state_label(self, batch: ImportBatch) -> str:
        return batch.get_state_display()

    @display(description="New leads")
    def added(self, batch: ImportBatch) -> int:
        return int(batch.counts.get("done_new", 0))

    @display(description="Updated")
    def updated(self, batch: ImportBatch) -> int:
        return int(batch.counts.get("done_update", 0))

    def get_queryset(self, request: HttpRequest) -> QuerySet[ImportBatch]:
        rows: QuerySet[ImportBatch] = super().get_queryset(request)
        return rows.defer("samples", "mapping", "columns")

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(request.user.has_perm("leads.add_importbatch"))

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        return [
            path("<uuid:object_id>/progress/", wrap(self.progress), name="leads_import_progress"),
            path("<uuid:object_id>/errors.csv", wrap(self.errors), name="leads_import_errors"),
            path("<uuid:object_id>/undo/", wrap(self.undo), name="leads_import_undo"),
            *super().get_urls(),
        ]

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """First step: the file."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        error = ""
        if request.method == "POST":
            file = request.FILES.get("file")
            try:
                if file is None:
                    raise FileRefused("Choose a file first.")
                batch = import_create(
                    file=file,
                    name=file.name or "",
                    source=request.POST.get("source", ""),
                    actor=_actor(request),
                )
                return HttpResponseRedirect(_page_of(batch.pk))
            except (FileRefused, ValidationError) as refusal:
                error = _words(refusal)
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": "Import leads",
            "step": 1,
            "error": error,
            "source": request.POST.get("source", ""),
            "sources": ImportMapping.objects.values_list("pk", flat=True)[:50],
            "max_mb": MAX_BYTES // 1048576,
            "max_rows": MAX_ROWS,
            "back": reverse("admin:leads_importbatch_changelist"),
        }
        return TemplateResponse(request, "desk/import_file.html", context)

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Second and third step, and what became of it."""
        batch = self._batch(request, object_id)
        error = ""
        chosen = None
        if request.method == "POST":
            if not self.has_add_permission(request):
                raise PermissionDenied
            chosen = [request.POST.get(f"column_{n}", "") for n in range(len(batch.columns))]
            try:
                if request.POST.get("do") == "commit":
                    import_commit(batch_id=batch.pk, now=timezone.now())
                elif request.POST.get("do") == "read_as":
                    import_read_as(batch_id=batch.pk, encoding=request.POST.get("encoding", ""))
                    return HttpResponseRedirect(_page_of(batch.pk))
                else:
                    import_check(
                        batch_id=batch.pk,
                        mapping=chosen,
                        on_existing=request.POST.get("on_existing", "fill"),
                        now=timezone.now(),
                    )
                return HttpResponseRedirect(_page_of(batch.pk))
            except (FileRefused, ImportNotReady, ValidationError, ValueError) as refusal:
                error = _words(refusal)
        again = "columns" in request.GET or bool(error)
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": f"Import of {batch.file_name}",
            "page": import_page(batch, chosen=chosen, columns_again=again),
            "batch": batch,
            "encodings": sorted({name: key for key, name in NAMES.items()}.items())
            if batch.encoding
            else [],
            "error": error,
            "may_change": self.has_add_permission(request),
            "may_take_out": request.user.has_perm("leads.export_lead"),
        }
        return TemplateResponse(request, "desk/import_page.html", context)

    def progress(self, request: HttpRequest, object_id: UUID) -> HttpResponse:
        """How far the work is, for the bar."""
        return JsonResponse(progress(self._batch(request, str(object_id))))

    def errors(self, request: HttpRequest, object_id: UUID) -> StreamingHttpResponse:
        """Every row with a remark, as CSV."""
        batch = self._batch(request, str(object_id))
        if not request.user.has_perm("leads.export_lead"):
            raise PermissionDenied
        audit_record(
            action=AuditEntry.Action.EXPORT,
            text="Downloaded the rows with a remark of an import.",
            actor=_actor(request),
            subject=batch,
        )
        answer = StreamingHttpResponse(
            import_error_rows(batch), content_type="text/csv; charset=utf-8"
        )
        answer["Content-Disposition"] = f'attachment; filename="import-{batch.pk}-remarks.csv"'
        return answer

    def undo(self, request: HttpRequest, object_id: UUID) -> HttpResponse:
        """Say what an undo does, and begin it when confirmed."""
        batch = self._batch(request, str(object_id))
        if not self.has_add_permission(request):
            raise PermissionDenied
        if request.method == "POST":
            try:
                import_undo(batch_id=batch.pk, now=timezone.now())
            except ImportNotReady as refusal:
                messages.error(request, str(refusal))
            return HttpResponseRedirect(_page_of(batch.pk))
        counts = batch.counts
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": "Undo import",
            "question": f"Undo the import of {batch.file_name}?",
            "consequences": [
                f"Leads it made: {counts.get('done_new', 0):,}. Those that nobody worked with "
                "since are deleted; called, enrolled, booked or edited leads stay.",
                f"Leads it updated: {counts.get('done_update', 0):,}. Each field gets its value "
                "back, unless it was changed since.",
                f"Consents it brought: {counts.get('done_consents', 0):,}. They count no more.",
                "Numbers that it put on the do-not-call list stay on it.",
                "An undone import cannot be done again: upload the file once more instead.",
            ],
            "button": "Undo the import",
            "danger": True,
            "back": _page_of(batch.pk),
        }
        return TemplateResponse(request, "desk/confirm.html", context)

    def _batch(self, request: HttpRequest, object_id: str) -> ImportBatch:
        batch = self.get_object(request, object_id)
        if batch is None or not self.has_view_permission(request, batch):
            raise PermissionDenied
        found: ImportBatch = batch
        return found


def _page_of(batch_id: UUID) -> str:
    return reverse("admin:leads_importbatch_change", args=(batch_id,))


def _words(error: Exception) -> str:
    return " ".join(error.messages) if isinstance(error, ValidationError) else str(error)


def _actor(request: HttpRequest) -> User | None:
    return request.user if isinstance(request.user, User) else None
