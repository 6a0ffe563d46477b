"""Leads: the list, and the page of one lead with all that is known of it."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path
from django.utils import timezone
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.decorators import display

from leads.admin import reads
from leads.admin.actor import actor_of
from leads.admin.bulk import BulkActions
from leads.admin.date_range import DateRangeFilter
from leads.admin.erase import erase_page
from leads.admin.lead_form import LeadForm
from leads.admin.lead_list import (
    LeadChangeList,
    LeadColumns,
    OwnerFilter,
    SourceFilter,
    StateFilter,
    TagFilter,
    TemperatureFilter,
    columns_of,
)
from leads.admin.lead_steps import LeadSteps, refused
from leads.admin.lead_views import SavedViews
from leads.models import Lead
from leads.search import leads_search
from leads.services import (
    InvalidPhone,
    LeadExists,
    lead_create,
    lead_owner_set,
    lead_update,
)
from leads.services.notes import mentions_seen

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


@admin.register(Lead)
class LeadAdmin(LeadSteps, BulkActions, SavedViews, LeadColumns):  # type: ignore[misc]
    """One row per telephone number; its page begins with what a manager asks first."""

    form = LeadForm
    list_filter = (
        ("stage", ChoicesDropdownFilter),
        TemperatureFilter,
        ("kind", ChoicesDropdownFilter),
        OwnerFilter,
        StateFilter,
        SourceFilter,
        TagFilter,
        ("created_at", DateRangeFilter),
    )
    list_filter_submit = True
    list_select_related = ("owner",)
    list_per_page = 50
    list_before_template: Any = "desk/lead_views.html"
    empty_hint = "Bring a file of leads, or enter one."
    empty_links = (
        ("admin:leads_importbatch_add", "Import a file", "leads.add_importbatch"),
        ("admin:leads_lead_add", "Add a lead", "leads.add_lead"),
    )
    search_fields = ("first_name",)  # shows the box; `get_search_results` says where it looks
    search_help_text = "Name, number, e-mail, address or words of a note"
    autocomplete_fields = ("owner",)
    readonly_fields = (
        "owned_by",
        "time_zones",
        "line_type",
        "raw_phone",
        "created_at",
        "updated_at",
    )
    change_form_template = "desk/lead_page.html"
    fieldsets = (
        ("Person", {"fields": (("first_name", "last_name"), ("phone", "email"))}),
        ("Sales", {"fields": (("kind", "owner"), ("source", "tags"))}),
        ("Address", {"fields": ("street", ("city", "state", "postal_code"))}),
        ("Fields of your own", {"fields": ("custom_fields",)}),
        (
            "Known from elsewhere",
            {
                "classes": ("collapse",),
                "fields": (("raw_phone", "line_type"), "time_zones", ("created_at", "updated_at")),
            },
        ),
    )

    @display(description="Owner")
    def owned_by(self, lead: Lead) -> str:
        return (lead.owner.get_full_name() or lead.owner.get_username()) if lead.owner else "–"

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """Name the owner without a link to those who may not open that page."""
        person, (sales, fields), *others = super().get_fieldsets(request, obj)
        if not self.has_change_permission(request, obj) and not request.user.has_perm(
            "auth.view_user"
        ):
            fields = {"fields": (("kind", "owned_by"), *fields["fields"][1:])}
        return person, (sales, fields), *others

    def get_list_display(self, request: HttpRequest) -> tuple[str, ...]:
        return columns_of(request)

    def get_changelist(self, request: HttpRequest, **_kwargs: Any) -> Any:
        return LeadChangeList

    def get_queryset(self, request: HttpRequest) -> QuerySet[Lead]:
        rows: QuerySet[Lead] = super().get_queryset(request).filter(erased_at__isnull=True)
        match = request.resolver_match
        if match and match.url_name == "leads_lead_changelist":
            rows = self.with_columns(rows, columns_of(request))
        return rows

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Lead], search_term: str
    ) -> tuple[QuerySet[Lead], bool]:
        if not search_term.strip():
            return queryset, False
        found = leads_search(queryset, search_term)
        request.counted = found.counted  # type: ignore[attr-defined]
        return found.leads, False

    def get_paginator(
        self, request: HttpRequest, queryset: Any, per_page: int, *args: Any, **kwargs: Any
    ) -> Any:
        paginator: Any = super().get_paginator(request, queryset, per_page, *args, **kwargs)
        # The list has its filters by the time it is searched: what was found is all of it.
        paginator.counted = getattr(request, "counted", None)
        return paginator

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> Any:
        context = {
            "title": "Leads",
            "views": self.view_links(request),
            "view_query": request.GET.urlencode(),
            **(extra_context or {}),
        }
        return super().changelist_view(request, context)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Leads carry evidence of consent: they are erased by `erase_lead`, never deleted."""
        return False

    def get_urls(self) -> list[URLPattern]:
        erase = path(
            "<uuid:object_id>/erase/",
            self.admin_site.admin_view(erase_page),
            name="leads_lead_erase",
        )
        return [erase, *self.view_urls(), *self.step_urls(), *super().get_urls()]

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        lead = self.get_object(request, object_id)
        page = reads.lead_page(lead, asked=request.GET) if lead else None
        if lead is not None and request.user.pk is not None:
            mentions_seen(user_id=request.user.pk, lead_id=lead.pk, now=timezone.now())
        context = {**(extra_context or {}), "page": page, "show_save_and_add_another": False}
        try:
            return super().change_view(request, object_id, form_url, context)
        except (LeadExists, InvalidPhone, ValidationError) as refusal:
            # What the form found right has become wrong while it was written.
            return refused(request, refusal, request.get_full_path())

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: Any) -> None:
        """Write through the services, which find the time zones and tell the lead's story."""
        if change:
            lead_update(
                lead_id=obj.pk,
                changes={
                    name: form.cleaned_data[name] for name in form.changed_data if name != "owner"
                },
                actor=actor_of(request),
                now=timezone.now(),
            )
            if "owner" in form.changed_data:
                lead_owner_set(
                    lead_id=obj.pk,
                    owner_id=obj.owner_id,
                    actor=actor_of(request),
                    now=timezone.now(),
                )
            return
        created = lead_create(
            phone=form.cleaned_data["phone"],
            **{name: getattr(obj, name) for name in _CREATED_FROM},
            owner_id=obj.owner_id,
            actor=actor_of(request),
            now=timezone.now(),
        )
        obj.pk = created.pk
        obj._state.adding = False
