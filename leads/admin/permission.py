"""Consents and the do-not-call list."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import QuerySet
from django.http import (
    HttpRequest,
    HttpResponse,
    HttpResponseRedirect,
    StreamingHttpResponse,
)
from django.http.response import HttpResponseBase
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from unfold import decorators
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.decorators import display

from leads.admin.actor import actor_of
from leads.admin.append_only import AppendOnlyAdmin
from leads.admin.date_range import DateRangeFilter
from leads.admin.scoped import ScopedAdmin
from leads.formats import national
from leads.models import AuditEntry, Consent, DoNotCall, NumberList
from leads.selectors import do_not_call_rows
from leads.services import consent_revoke, do_not_call_add, do_not_call_remove
from leads.services.audit import audit_record

# Unfold annotates it with what it makes of its argument, not with what it is.
action: Callable[..., Callable[[Any], Any]] = decorators.action  # type: ignore[assignment]


@admin.register(Consent)
class ConsentAdmin(AppendOnlyAdmin):
    """Evidence: read it, revoke it, never rewrite it."""

    empty_hint = "They come with an import, or are entered on the page of a lead."
    empty_links = (("admin:leads_importbatch_add", "Import a file", "leads.add_importbatch"),)
    list_display = ("lead", "kind", "number", "seller", "source", "given_at", "standing")
    list_filter = (("kind", ChoicesDropdownFilter), ("given_at", DateRangeFilter), "seller")
    list_filter_submit = True
    list_select_related = ("lead",)
    search_fields = ("lead__first_name", "lead__last_name", "phone", "source")
    actions = ("revoke",)

    @display(description="Number", ordering="phone")
    def number(self, consent: Consent) -> str:
        return national(consent.phone)

    @display(
        description="Standing",
        ordering="revoked_at",
        label={"Valid": "success", "Revoked": "danger"},
    )
    def standing(self, consent: Consent) -> str:
        return "Revoked" if consent.revoked_at else "Valid"

    def has_revoke_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm("leads.change_consent"))

    @admin.action(description="Withdraw all consents of these leads", permissions=["revoke"])
    def revoke(self, request: HttpRequest, queryset: QuerySet[Consent]) -> None:
        """A lead withdraws as a person: what it said counts for every paper it signed."""
        leads = set(queryset.filter(revoked_at__isnull=True).values_list("lead_id", flat=True))
        count = sum(
            consent_revoke(
                lead_id=lead_id,
                via="entered at the desk",
                actor=actor_of(request),
                now=timezone.now(),
            )
            for lead_id in leads
        )
        messages.success(request, f"{count} consents withdrawn.")


@admin.register(DoNotCall)
class DoNotCallAdmin(ScopedAdmin):
    """Numbers that nobody calls. People may add to the list; nobody edits it."""

    empty_hint = "Who opts out on a call comes here at once; so do numbers that you add or upload."
    list_display = ("number", "source", "reason", "created_at")
    list_filter = (("source", ChoicesDropdownFilter), ("created_at", DateRangeFilter))
    list_filter_submit = True
    search_fields = ("phone", "reason")
    search_help_text = "Number or reason"
    fields = ("phone", "source", "reason")
    actions_list: Any = ("upload", "download")
    actions_detail: Any = ("take_off",)

    @display(description="Number", ordering="phone")
    def number(self, row: DoNotCall) -> str:
        return national(row.phone)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[DoNotCall], search_term: str
    ) -> tuple[QuerySet[DoNotCall], bool]:
        """Find (512) 555-0100 as it is written, although numbers are stored as +15125550100."""
        if re.fullmatch(r"[\d\s()+./-]{4,}", search_term):
            search_term = re.sub(r"\D", "", search_term)
        return super().get_search_results(request, queryset, search_term)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Numbers are taken off one by one, with a reason: see `take_off`."""
        return False

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> Any:
        """Show the list; who may only add a number is taken to where that is done."""
        if self.has_add_permission(request) and not self.has_view_permission(request):
            return HttpResponseRedirect(reverse("admin:leads_donotcall_add"))
        return super().changelist_view(request, extra_context)

    def has_upload_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm("leads.add_numberlist"))

    def has_download_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm("leads.export_donotcall"))

    def has_take_off_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return bool(request.user.has_perm("leads.delete_donotcall"))

    @action(description="Upload a list", url_path="upload", permissions=["upload"])
    def upload(self, request: HttpRequest) -> HttpResponse:
        return HttpResponseRedirect(
            reverse("admin:leads_numberlist_add") + f"?purpose={NumberList.Purpose.DO_NOT_CALL}"
        )

    @action(description="Download all", url_path="download", permissions=["download"])
    def download(self, request: HttpRequest) -> HttpResponseBase:
        """Hand the whole list out as CSV, and keep who took it."""
        if not self.has_download_permission(request):
            raise PermissionDenied
        audit_record(
            action=AuditEntry.Action.EXPORT,
            text=f"Downloaded the do-not-call list ({DoNotCall.objects.count():,} numbers).",
            actor=actor_of(request),
        )
        answer = StreamingHttpResponse(do_not_call_rows(), content_type="text/csv; charset=utf-8")
        answer["Content-Disposition"] = (
            f'attachment; filename="do-not-call-{timezone.localdate():%Y-%m-%d}.csv"'
        )
        return answer

    @action(description="Take off the list", url_path="take-off", permissions=["take_off"])
    def take_off(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Ask why, then let a number be called again; it still needs a consent."""
        if not self.has_take_off_permission(request):
            raise PermissionDenied
        row = self.get_object(request, object_id)
        back = reverse("admin:leads_donotcall_changelist")
        if row is None:
            return HttpResponseRedirect(back)
        why = f", “{row.reason}”" if row.reason else ""
        if request.method == "POST":
            try:
                do_not_call_remove(
                    phone=str(row.phone),
                    reason=request.POST.get("reason", ""),
                    actor=actor_of(request),
                    now=timezone.now(),
                )
            except ValidationError as error:
                messages.error(request, " ".join(error.messages))
                return HttpResponseRedirect(request.path)
            messages.success(request, f"{national(row.phone)} is off the list.")
            return HttpResponseRedirect(back)
        return TemplateResponse(
            request,
            "desk/confirm.html",
            {
                **self.admin_site.each_context(request),
                "opts": self.opts,
                "title": "Take off the do-not-call list",
                "question": f"Take {national(row.phone)} off the list?",
                "consequences": [
                    f"It is there since {row.created_at:%Y-%m-%d}: "
                    f"{row.get_source_display().lower()}{why}.",
                    "Consents that ended with it stay ended: nobody is called without a new one.",
                    "Who took it off, and why, is kept.",
                ],
                "ask_reason": "Why it may be called again",
                "button": "Take off the list",
                "danger": True,
                "back": back,
            },
        )

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        return {"source": DoNotCall.Source.MANUAL}

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: Any) -> None:
        """Write through the service, which also revokes consents and tells the lead's story."""
        do_not_call_add(
            phone=str(obj.phone),
            source=obj.source,
            reason=obj.reason,
            actor=actor_of(request),
            now=timezone.now(),
        )
        obj.pk = DoNotCall.objects.get(phone=obj.phone).pk
