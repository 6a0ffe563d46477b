"""Leads: the list, and the page of one lead with all that is known of it."""

from __future__ import annotations

import re
from typing import Any
from uuid import UUID

from django.contrib import admin, messages
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.db.models import Max, Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from unfold.admin import ModelAdmin
from unfold.contrib.filters.admin import ChoicesDropdownFilter, RelatedDropdownFilter
from unfold.decorators import display

from leads.admin import reads
from leads.formats import national
from leads.models import DoNotCall, Lead
from leads.services import do_not_call_add, lead_create, lead_stage_set

STAGE_COLOURS = {
    "New": "info",
    "Attempted": "warning",
    "Qualified": "success",
    "Appointment": "success",
    "Won": "success",
    "Lost": "danger",
}


# What a person enters for a lead, besides its number and its owner.
_CREATED_FROM = (
    "first_name",
    "last_name",
    "email",
    "kind",
    "street",
    "city",
    "state",
    "postal_code",
    "source",
    "tags",
    "custom_fields",
)


class TemperatureFilter(admin.SimpleListFilter):
    """Hot, warm and cold by the same points as `Lead.temperature`."""

    title = "temperature"
    parameter_name = "temperature"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(value, str(label)) for value, label in Lead.Temperature.choices]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Lead]) -> QuerySet[Lead]:
        ranges = {
            "hot": Q(score__gte=70),
            "warm": Q(score__gte=40, score__lt=70),
            "cold": Q(score__lt=40) | Q(score__isnull=True),
        }
        wanted = ranges.get(self.value() or "")
        return queryset if wanted is None else queryset.filter(wanted)


@admin.register(Lead)
class LeadAdmin(ModelAdmin):
    """One row per telephone number; its page begins with what a manager asks first."""

    list_display = (
        "name",
        "number",
        "stage_label",
        "score_words",
        "kind",
        "place",
        "owner",
        "last_call",
        "created_at",
    )
    list_filter = (
        ("stage", ChoicesDropdownFilter),
        TemperatureFilter,
        ("kind", ChoicesDropdownFilter),
        ("owner", RelatedDropdownFilter),
        "state",
        "source",
    )
    list_select_related = ("owner",)
    list_per_page = 50
    search_fields = ("first_name", "last_name", "email", "phone", "city")
    search_help_text = "Name, number, e-mail or city"
    autocomplete_fields = ("owner",)
    readonly_fields = ("score", "time_zones", "raw_phone", "created_at", "updated_at")
    change_form_template = "desk/lead_page.html"
    fieldsets = (
        ("Person", {"fields": (("first_name", "last_name"), ("phone", "email"), "raw_phone")}),
        ("Sales", {"fields": (("kind", "stage"), ("owner", "score"), "source")}),
        ("Address", {"fields": ("street", ("city", "state", "postal_code"), "time_zones")}),
        (
            "More",
            {
                "classes": ("collapse",),
                "fields": ("tags", "custom_fields", ("created_at", "updated_at")),
            },
        ),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Lead]:
        rows: QuerySet[Lead] = super().get_queryset(request)
        match = request.resolver_match
        if match and match.url_name == "leads_lead_changelist":
            rows = rows.annotate(last_call_at=Max("calls__created_at"))
        return rows

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Lead], search_term: str
    ) -> tuple[QuerySet[Lead], bool]:
        """Find (512) 555-0100 as it is written, although numbers are stored as +15125550100."""
        if re.fullmatch(r"[\d\s()+./-]{4,}", search_term):
            search_term = re.sub(r"\D", "", search_term)
        return super().get_search_results(request, queryset, search_term)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Leads carry evidence of consent: they are erased by `erase_lead`, never deleted."""
        return False

    @display(description="Name", ordering="last_name")
    def name(self, lead: Lead) -> str:
        return str(lead.full_name or national(lead.phone))

    @display(description="Number", ordering="phone")
    def number(self, lead: Lead) -> str:
        return national(lead.phone)

    @display(description="Stage", ordering="stage", label=STAGE_COLOURS)
    def stage_label(self, lead: Lead) -> str:
        return lead.get_stage_display()

    @display(description="Score", ordering="score")
    def score_words(self, lead: Lead) -> str:
        return "–" if lead.score is None else f"{lead.score} · {lead.temperature}"

    @display(description="Place", ordering="city")
    def place(self, lead: Lead) -> str:
        return ", ".join(part for part in (lead.city, lead.state) if part)

    @display(description="Last call", ordering="last_call_at", empty_value="never")
    def last_call(self, lead: Lead) -> Any:
        return getattr(lead, "last_call_at", None)

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.do_not_call)
        address = path("<uuid:object_id>/do-not-call/", view, name="leads_lead_do_not_call")
        return [address, *super().get_urls()]

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: Any) -> None:
        """Create through the service, which finds the time zones a call needs."""
        if change:
            if "stage" in form.changed_data:
                lead_stage_set(
                    lead_id=obj.pk, stage=obj.stage, reason="set at the desk", actor=_actor(request)
                )
            super().save_model(request, obj, form, change)
            return
        created = lead_create(
            phone=str(obj.phone),
            **{name: getattr(obj, name) for name in _CREATED_FROM},
            owner_id=obj.owner_id,
            actor=_actor(request),
            now=timezone.now(),
        )
        obj.pk = created.pk
        obj._state.adding = False

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        lead = self.get_object(request, object_id)
        page = reads.lead_page(lead) if lead is not None else None
        return super().change_view(
            request,
            object_id,
            form_url,
            {**(extra_context or {}), "page": page, "show_save_and_add_another": False},
        )

    def do_not_call(self, request: HttpRequest, object_id: UUID) -> HttpResponse:
        """Ask once, then put the lead's number on the do-not-call list."""
        if not request.user.has_perm("leads.add_donotcall"):
            raise PermissionDenied
        lead = self.get_object(request, str(object_id))
        if lead is None:
            return HttpResponseRedirect(reverse("admin:leads_lead_changelist"))
        back = reverse("admin:leads_lead_change", args=(lead.pk,))
        if request.method == "POST":
            do_not_call_add(
                phone=str(lead.phone),
                source=DoNotCall.Source.MANUAL,
                reason=request.POST.get("reason", "")[:200],
                actor=_actor(request),
                now=timezone.now(),
            )
            messages.success(request, f"{national(lead.phone)} will not be called again.")
            return HttpResponseRedirect(back)
        return TemplateResponse(
            request,
            "desk/confirm.html",
            {
                **self.admin_site.each_context(request),
                "opts": self.opts,
                "title": "Do not call",
                "question": f"Never call {lead} again?",
                "consequences": [
                    f"{national(lead.phone)} goes on the do-not-call list, for every campaign.",
                    "Every consent of this lead is revoked.",
                    "This cannot be undone here: calling again needs a new written consent and "
                    "the number taken off the list by an administrator.",
                ],
                "ask_reason": "Why (optional)",
                "button": "Do not call again",
                "danger": True,
                "back": back,
            },
        )


def _actor(request: HttpRequest) -> User | None:
    return request.user if isinstance(request.user, User) else None
