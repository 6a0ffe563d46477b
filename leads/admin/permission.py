"""Consents and the do-not-call list."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.contrib.auth.models import User
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from unfold.admin import ModelAdmin
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.decorators import display

from leads.admin.append_only import AppendOnlyAdmin
from leads.admin.date_range import DateRangeFilter
from leads.formats import national
from leads.models import Consent, DoNotCall
from leads.services import consent_revoke, do_not_call_add


@admin.register(Consent)
class ConsentAdmin(AppendOnlyAdmin):
    """Evidence: read it, revoke it, never rewrite it."""

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
                actor=_actor(request),
                now=timezone.now(),
            )
            for lead_id in leads
        )
        messages.success(request, f"{count} consents withdrawn.")


@admin.register(DoNotCall)
class DoNotCallAdmin(ModelAdmin):
    """Numbers that nobody calls. People may add to the list; nobody edits it."""

    list_display = ("number", "source", "reason", "created_at")
    list_filter = (("source", ChoicesDropdownFilter), ("created_at", DateRangeFilter))
    list_filter_submit = True
    search_fields = ("phone", "reason")
    search_help_text = "Number or reason"
    fields = ("phone", "source", "reason")

    @display(description="Number", ordering="phone")
    def number(self, row: DoNotCall) -> str:
        return national(row.phone)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(request.user.is_superuser)

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        return {"source": DoNotCall.Source.MANUAL}

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: Any) -> None:
        """Write through the service, which also revokes consents and tells the lead's story."""
        do_not_call_add(
            phone=str(obj.phone),
            source=obj.source,
            reason=obj.reason,
            actor=_actor(request),
            now=timezone.now(),
        )
        obj.pk = DoNotCall.objects.get(phone=obj.phone).pk


def _actor(request: HttpRequest) -> User | None:
    return request.user if isinstance(request.user, User) else None
