"""Settings that are one row: one page, audited."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponseRedirect
from django.urls import reverse
from unfold.admin import ModelAdmin

from leads.admin.actor import actor_of
from leads.models import AuditEntry
from leads.services.audit import audit_record


class SingleRowAdmin(ModelAdmin):
    """The list leads to the row, which is made with its defaults when it is not there yet."""

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> Any:
        if not self.has_view_permission(request):
            raise PermissionDenied
        row, _ = self.model._default_manager.get_or_create(pk=1)
        name = f"admin:{self.opts.app_label}_{self.opts.model_name}_change"
        return HttpResponseRedirect(reverse(name, args=(row.pk,)))

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: Any) -> None:
        super().save_model(request, obj, form, change)
        audit_record(
            action=AuditEntry.Action.SETTINGS,
            text=f"Changed the {self.opts.verbose_name}: {', '.join(form.changed_data) or '–'}.",
            actor=actor_of(request),
            subject=obj,
            data={name: getattr(obj, name) for name in form.changed_data},
        )
